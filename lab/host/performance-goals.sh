# shellcheck shell=bash
# The goals, and what was measured: the rows of docs/performance.md's first tables. Sourced by lab/bench.

# ms NAME: a figure in milliseconds, rounded.
ms() { echo "$(rounded "$(value "$1")") ms"; }
ratio() { calculate "$(value "$1") / $(value "$2")"; }
percent_more() { calculate "($(value "$1") / $(value "$2") - 1) * 100"; }
larger() { awk -v a="$1" -v b="$2" 'BEGIN { print (a == "-" || b == "-" ? "-" : a + 0 > b + 0 ? a : b) }'; }

# beside_kernel OF WAY: the two figures of Linux's own balloon beside ours.
beside_kernel() {
    echo "\`xl mem-set\` $(ms "$1mem-set.$2"): $(rounded "$(ratio "$1mem-set.$2" "$1ours.$2")") times faster" \
        "(memory/target alone $(ms "$1kernel.$2"): $(rounded "$(ratio "$1kernel.$2" "$1ours.$2")") times)"
}

# What is measured in each kind of guest. OF: what the names of its figures begin with; TEXT: what its goals begin with.

# move_rows OF TEXT
move_rows() {
    local of=$1 way least
    for way in inflate deflate; do
        least=2.5
        [ $way = inflate ] || least=15
        goal "$2$way 256 MiB on one vnode, from dom0's write to \`balloon-size\` final" "$(ms "${of}ours.$way")" \
            "$(beside_kernel "$of" $way)" "at least $least times faster than \`xl mem-set\`" \
            "$(ratio "${of}mem-set.$way" "${of}ours.$way")" ge $least
    done
    for way in inflate deflate; do
        least=5
        [ $way = inflate ] || least=10
        goal "$2the same $way, first step to last inside the daemon" "$(ms "${of}ours.$way.inside")" \
            "bare program $(ms "${of}bare.$way"); $(rounded "$(percent_more "${of}ours.$way.inside" "${of}bare.$way")") % more" \
            "at most $least % more" "$(percent_more "${of}ours.$way.inside" "${of}bare.$way")" le $least
    done
}

# reaction_rows OF TEXT
reaction_rows() {
    local of=$1 way
    goal "$2dom0's write to the daemon's first hypercall" "$(ms "${of}ours.inflate.first-hypercall")" "-" "under 2 ms" \
        "$(value "${of}ours.inflate.first-hypercall")" lt 2
    for way in inflate deflate; do
        goal "$2processor time for a GiB, $way" "$(ms "${of}ours.$way.cpu")" "xen-balloon $(ms "${of}mem-set.$way.cpu")" \
            "under half" "$(ratio "${of}ours.$way.cpu" "${of}mem-set.$way.cpu")" lt 0.5
    done
}

place_rows() {
    goal "pages on the wrong pnode after 10 cycles of 64 MiB on both vnodes" "$(value ours.wrong-pages)" \
        "xen-balloon $(value kernel.wrong-pages)" "0" "$(value ours.wrong-pages)" le 0
    goal "free memory in pieces of 2 MiB after these cycles" "$(value ours.contiguous) of $(value ours.contiguous 2) MiB" \
        "before: $(value start.contiguous) of $(value start.contiguous 2) MiB; xen-balloon $(value kernel.contiguous) of $(value kernel.contiguous 2) MiB" \
        "no loss (1 %)" "$(calculate "$(value ours.contiguous) / $(value ours.contiguous 2) * $(value start.contiguous 2) / $(value start.contiguous)")" ge 0.99
}

# writes_in_a_second WAY: a move that takes less than a second has all of its writes in one.
writes_in_a_second() {
    local seconds
    seconds=$(larger 1 "$(calculate "$(value "ours.$1") / 1000")")
    calculate "$(value "ours.$1.store-writes") / 4 / $seconds"
}

cost_rows() {
    local writes
    plain "hypercalls for a GiB, inflate / deflate" \
        "$(rounded "$(value ours.inflate.hypercalls)") / $(rounded "$(value ours.deflate.hypercalls)")" "-"
    plain "xenstore writes for a GiB, inflate / deflate" \
        "$(rounded "$(value ours.inflate.store-writes)") / $(rounded "$(value ours.deflate.store-writes)")" "-"
    writes=$(larger "$(writes_in_a_second inflate)" "$(writes_in_a_second deflate)")
    goal "xenstore writes in the busiest second of a move of 256 MiB" "$(rounded "$writes")" "-" "under 10" \
        "$writes" lt 10
}

idle_rows() {
    goal "returns of poll in 120 s with nothing to do" "$(value polls.idle)" "-" "2 or fewer" "$(value polls.idle)" le 2
    goal "the same with a target that cannot be reached" "$(value polls.unreachable)" "-" "4 or fewer" \
        "$(value polls.unreachable)" le 4
    goal "start with 2 GiB given: map, pin, audit" "$(ms recovery)" "bare probes $(ms bare.probes)" "under 80 ms" \
        "$(value recovery)" lt 80
    local when
    for when in idle moved; do
        local text='after the start'
        [ $when = idle ] || text='after giving 2 GiB'
        goal "VmRSS $text" "$(value memory.$when.VmRSS) KiB" "-" "under 11 MiB" "$(value memory.$when.VmRSS)" lt 11264
        goal "RssAnon $text" "$(value memory.$when.RssAnon) KiB" "-" "under 1.5 MiB" "$(value memory.$when.RssAnon)" lt 1536
    done
}

# spread VALUES...: how much the largest is above the smallest, in per cent.
spread() { printf '%s\n' "$@" | awk 'NR == 1 || $1 < a { a = $1 } NR == 1 || $1 > b { b = $1 } END { printf "%.1f", (b / a - 1) * 100 }'; }

size_rows() {
    local way
    for way in inflate deflate; do
        local costs=("$(value size.65536.$way)" "$(value size.524288.$way)" "$(value size.2097152.$way)")
        goal "$way at 64 MiB, 512 MiB, 2 GiB: for a GiB" \
            "$(rounded "${costs[0]}"), $(rounded "${costs[1]}"), $(rounded "${costs[2]}") ms ($(spread "${costs[@]}") %)" \
            "-" "within 10 %" "$(spread "${costs[@]}")" le 10
    done
}

# The batch of the product's repair of single frames is an extent's: 512.
frame_rows() {
    local way name
    for way in give take; do
        name="4 KiB frames, $way: 1, 64, 512, 4096 a hypercall; for a page"
        goal "$name" "$(for n in 1 64 512 4096; do printf '%s ' "$(rounded "$(value frames.$n.$way)")"; done)us" \
            "xen-balloon $(rounded "$(value kernel.$way)") us" "512 no worse" "$(ratio frames.512.$way kernel.$way)" le 1
        goal "$name: 512 is the knee" \
            "$(rounded "$(calculate "($(value frames.512.$way) / $(value frames.4096.$way) - 1) * 100")") % above 4096" "-" \
            "within 10 %" "$(ratio frames.512.$way frames.4096.$way)" le 1.1
    done
}

goals_head() {
    echo "| measured | vnode-balloon | peer | goal | |"
    echo "|---|---|---|---|---|"
}

goals_table() {
    goals_head
    move_rows "" ""
    place_rows
    reaction_rows "" ""
    cost_rows
    idle_rows
    size_rows
    rate_rows
    frame_rows
}

hvm_goals_table() {
    goals_head
    move_rows hvm. "HVM: "
    reaction_rows hvm. "HVM: "
}

# --- The guests side by side -------------------------------------------------------------------------------------------

# guests_row TEXT COMMAND...: COMMAND with what the names of each guest's figures begin with.
guests_row() {
    local of line="| $1 |"
    shift
    for of in '' hvm. emulated-clock. uncleared.; do line+=" $("$@" "$of") |"; done
    echo "$line"
}
guest_ms() { ms "$2$1"; }
guest_ratio() { rounded "$(ratio "$2mem-set.$1" "$2ours.$1")"; }

guests_table() {
    local way
    echo "| move of 256 MiB | PVH | HVM | PVH, its clock emulated by Xen | PVH, booted with \`init_on_alloc=0\` |"
    echo "|---|---|---|---|---|"
    for way in inflate deflate; do
        guests_row "$way: vnode-balloon" guest_ms ours.$way
        guests_row "$way: first step to last inside the daemon" guest_ms ours.$way.inside
        guests_row "$way: bare program" guest_ms bare.$way
        guests_row "$way: \`xl mem-set\`" guest_ms mem-set.$way
        guests_row "$way: memory/target alone" guest_ms kernel.$way
        guests_row "$way: \`xl mem-set\` takes so many times as long as vnode-balloon" guest_ratio $way
        guests_row "$way: processor time for a GiB, vnode-balloon" guest_ms ours.$way.cpu
        guests_row "$way: processor time for a GiB, xen-balloon" guest_ms mem-set.$way.cpu
        guests_row "$way: dom0's write to the first hypercall" guest_ms ours.$way.first-hypercall
    done
}
