# shellcheck shell=bash
# The part of docs/performance.md that says where Xen spends a move (benchmarks/inside). Sourced by lab/bench.

# The kinds of functions (host/inside.awk), in the table's order.
INSIDE_KINDS=(table map heap lock call list flush interrupt idle thunk rest)
INSIDE_MOVES=({bare,ours,kernel}.{inflate,deflate})

inside_text() {
    case $1 in
        table) echo "Xen's tables of the guest's memory: walking them, taking entries out, putting them in" ;;
        map) echo "mapping the pages of these tables, one by one (\`map_domain_page\`, \`unmap_domain_page\`)" ;;
        heap) echo "pages to and from Xen's heap, references to them" ;;
        lock) echo "locks" ;;
        call) echo "the loops of the hypercall itself (\`do_memory_op\`, \`guest_remove_page\`)" ;;
        list) echo "reading the list of frames out of the guest, by walking its page tables" ;;
        flush) echo "TLB flushes: the flush itself, on each processor that does it" ;;
        interrupt) echo "TLB flushes: whom they concern, interrupting the others, the wait for them" ;;
        idle) echo "the other processor's way back to sleep" ;;
        thunk) echo "returns and indirect jumps through thunks (mitigations in Xen)" ;;
        rest) echo "other" ;;
    esac
}

# inside_figure MOVE WHAT: in ms; nothing of it in a move that was measured: 0.
inside_figure() {
    local is
    is=$(value "inside.$1.$2")
    [ "$is" != - ] || [ "$(value "inside.$1.xen")" = - ] || is=0
    echo "$is"
}

# inside_row TEXT WHAT [MARK]: MARK around the numbers.
inside_row() {
    local move
    printf '| %s |' "$1"
    for move in "${INSIDE_MOVES[@]}"; do
        printf ' %s%s%s |' "${3:-}" "$(rounded "$(inside_figure "$move" "$2")")" "${3:-}"
    done
    echo
}

# Only inflates have these; Linux's own balloon does it in its own kernel, without pool.
inside_guest_row() {
    echo "| $1 | $(rounded "$(value "inside.bare.inflate.$2")") | -" \
        "| $(rounded "$(value "inside.ours.inflate.$2")") | - | - | - |"
}

inside_table() {
    local kind
    echo "| 256 MiB, ms | bare program: inflate | deflate | vnode-balloon: inflate | deflate" \
        "| xen-balloon: inflate | deflate |"
    echo "|---|---|---|---|---|---|---|"
    inside_guest_row "growing the pool, in Linux" pool
    inside_guest_row "clearing the pages, in Linux" clear
    inside_row "the hypercall in Linux; of xen-balloon all of Linux" guest
    for kind in "${INSIDE_KINDS[@]}"; do
        inside_row "$(inside_text "$kind")" "in.$kind"
    done
    inside_row "**Xen, all**" xen '**'
}

# per_frame MOVE WHAT: of an inflate, for each frame that Xen removed.
per_frame() { calculate "$(inside_figure "$1" "$2") / $(value "inside.$1.removed")"; }

# per_frame_ns MOVE EXPRESSION: the same of milliseconds, in ns.
per_frame_ns() { calculate "($2) * 1e6 / $(value "inside.$1.removed")"; }

# each MOVE WHAT: that often for each entry that Xen removes, rounded.
each() { rounded "$(calculate "$(inside_figure "$1" "$2") / $(value "inside.$1.removed")")"; }

# instructions MOVE MS: of so many ms those for each entry that Xen removes.
instructions() { rounded "$(calculate "($2) * 1e6 / $(value "inside.$1.removed")")"; }

# own_work MOVE: Xen's ms without what the other processor does.
own_work() {
    calculate "$(value "inside.$1.xen") - $(inside_figure "$1" in.interrupt) - $(inside_figure "$1" in.idle)"
}

inside_summary() {
    local bare=bare.inflate ours=ours.inflate xen flush
    xen=$(value inside.$bare.xen)
    flush="$(inside_figure $bare in.flush) + $(inside_figure $bare in.interrupt)"
    cat <<TEXT
- **Xen removes each of the 512 entries of an extent alone**: $(value inside.$bare.removed) for 256 MiB, $(instructions $bare "$xen") instructions each.
  It breaks the entry of 2 MiB into 512 first, so $(each $bare writes) entries are written for each that goes, and pages of the tables
  are mapped $(each $bare maps) times. The way back is one entry for the whole extent: $(rounded "$(value inside.bare.deflate.xen)") ms.
- **Each entry flushes the TLB**: $(each $bare flushes) flushes an entry, and $(each $bare interrupts) interrupts to the other processor, where the guest's
  other vCPU was last, even when it sleeps. Both are $(instructions $bare "$flush") instructions an entry, $(rounded "$(calculate "($flush) / $xen * 100")") % of what Xen does. No flag of the
  hypercall puts the flushes off to its end: nothing that a guest can ask for makes it cheaper.
- **xen-balloon** gives single frames. Xen reads each one's number by a walk through the guest's page tables,
  $(rounded "$(inside_figure kernel.inflate in.list)") ms without the walks through its own. For an extent one number is read ($(rounded "$(inside_figure $bare in.list)") ms).
- **The same hypercall from the daemon** takes Xen $(rounded "$(value inside.$ours.xen)") ms, from the bare program $(rounded "$xen"). Without the interrupts to the other
  processor and its way back to sleep it is $(rounded "$(own_work $ours)") and $(rounded "$(own_work $bare)") ms: the work is the same. How often the other processor is
  interrupted, and is asleep again before the next interrupt, depends on how the emulator lets the processors take turns. So
  even like moves differ: $(all_values inside.$ours.timed)ms here, $(all_values inside.$bare.timed)ms there.
TEXT
}
