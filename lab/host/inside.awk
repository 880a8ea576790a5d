# What the profile of a run says (programs/profile.c): Xen's instructions by kind of function, for one move each.
#   awk -f inside.awk REPORT PROFILE SORTED
# REPORT has the scenario's `window NUMBER NAME`. SORTED is made of two kinds of lines, by address: `ADDRESS 0 FUNCTION`
# and `ADDRESS 1 WINDOW PHASE EXECUTIONS INSTRUCTIONS`. Prints `MOVE WHAT NUMBER`: millions of instructions, or
# executions.

# Phases as in programs/mark.h.
function move_of(name, phase) {
    if (phase == 5) return name
    sub(/\..*/, "", name)
    return name (phase == 1 ? ".inflate" : ".deflate")
}

# The parts of an inflate that are not Xen's.
function part_of(name, phase) {
    if (name ~ /deflate/) return ""
    return phase == 3 ? "pool" : phase == 4 ? "clear" : ""
}

function rule(kind, pattern) { kinds[++rules] = kind; patterns[rules] = "^(" pattern ")$" }

# A function's name without its file and what the compiler added.
function short(name) {
    sub(/.*#/, "", name)
    sub(/\.(constprop|part|isra).*/, "", name)
    return name
}

# The kind of a function: the first rule that fits.
function kind_of(name,    i) {
    for (i = 1; i <= rules; i++) if (name ~ patterns[i]) return kinds[i]
    return "rest"
}

BEGIN {
    rule("idle", "idle_loop|default_idle|_*do_softirq|rcu_.*|scrub_free_pages|node_to_scrub")
    rule("list", "p2m_get_page_from_gfn|guest_walk_.*|map_domain_gfn|hap_(p2m_ga|gva)_to_gfn.*|paging_gva_to_gfn")
    rule("list", "copy_.*_hvm|hvm_copy.*|__hvm_copy|hvm_translate_get_page|hvm_find_io_handler|hvm_mmio.*")
    rule("list", "hvmemul_.*|vlapic_.*|hvm_vcpu_has_pending_irq")
    rule("flush", "flush_area_local|hvm_asid_flush_.*|guest_flush_tlb_.*|hap_write_p2m_entry_post|flush_tlb.*")
    rule("interrupt", "send_IPI_.*|flush_area_mask|filtered_flush_tlb_mask|invalidate_interrupt|common_interrupt")
    rule("interrupt", "do_IRQ|_*bitmap_.*|__find_.*_bit|(get|put)_cpu_maps|cpu_in_hotplug_context")
    rule("interrupt", "ret_from_intr|restore_all_xen")
    rule("lock", "_(spin|read|write|percpu_write|percpu_read)_.*|queue_.*_lock_slowpath|_check_lock_level")
    rule("lock", "p2m_unlock_and_tlb_flush")
    rule("heap", "free_(heap|domheap)_pages|page_list_.*|(alloc|assign).*_pages?|get_free_buddy|cleanup_page_mappings")
    rule("heap", "domain_(adjust_tot_pages|clamp_alloc_bitsize)|get_page|put_page|clear_page_.*")
    rule("map", "(un)?map_domain_page")
    rule("table", "p2m_.*|write_p2m_entry|do_recalc|__mfn_valid|set_gpfn_from_mfn|guest_physmap_.*|pod_.*|hap_.*")
    rule("thunk", "__x86_(return|indirect)_thunk.*")
    rule("call", "(guest_remove|unmap|free)_superpage|drop_last_references|decrease_reservation|do_memory_op|guest_remove_page|populate_physmap|hvm_memory_op|ioreq_request_mapcache_invalidate")
    count["guest_remove_page"] = "removed"
    count["populate_physmap"] = "calls"
    count["send_IPI_mask"] = "interrupts"
    count["flush_area_mask"] = "flushes"
    count["default_idle"] = "idle-turns"
    count["map_domain_page"] = "maps"
    count["write_p2m_entry"] = "writes"
}

FNR == 1 { file++ }

file == 1 && $1 == "window" { name[$2] = $3 }

file == 2 {
    if (!($1 in name) || name[$1] == "-") next
    part = part_of(name[$1], $2)
    if ($2 == 1 || $2 == 2 || $2 == 5) move = move_of(name[$1], $2)
    else if (part != "") move = move_of(name[$1], 1)
    else next
    if ($3 != "user" && $3 != "kernel") { number = $5; who = "xen" } else { number = $4; who = "guest" }
    if (number == 0) next
    if (part == "" && !((move, $1) in seen)) { seen[move, $1] = 1; moves[move]++ }
    sum[move, part == "" ? who : part] += number / 1e6
}

file == 3 && $2 == 0 { at = $1; function_name = short($3); kind = kind_of(function_name) }

file == 3 && $2 == 1 && ($4 == 1 || $4 == 2 || $4 == 5) && name[$3] != "-" {
    move = move_of(name[$3], $4)
    sum[move, "in." kind] += $6 / 1e6
    if (kind == "rest") rest[function_name] += $6
    # A function's first block is executed once a call.
    if ($1 == at && function_name in count) sum[move, count[function_name]] += $5
}

END {
    for (key in sum) {
        split(key, word, SUBSEP)
        if (moves[word[1]]) printf "%s %s %.6g\n", word[1], word[2], sum[key] / moves[word[1]]
    }
    for (key in rest) printf "rest %s %.6g\n", key, rest[key] / 1e6
}
