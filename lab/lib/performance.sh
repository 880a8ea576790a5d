# shellcheck shell=bash
# docs/performance.md, from what was measured. No figure in it comes from anywhere else. Sourced by lab/bench.

# ms NAME: a figure in milliseconds, rounded.
ms() { echo "$(rounded "$(value "$1")") ms"; }
ratio() { calculate "$(value "$1") / $(value "$2")"; }
percent_more() { calculate "($(value "$1") / $(value "$2") - 1) * 100"; }
larger() { awk -v a="$1" -v b="$2" 'BEGIN { print (a == "-" || b == "-" ? "-" : a + 0 > b + 0 ? a : b) }'; }

move_rows() {
    local way least
    for way in inflate deflate; do
        least=2.5
        [ $way = inflate ] || least=15
        goal "$way 256 MiB on one vnode, from dom0's write to \`balloon-size\` final" "$(ms ours.$way)" \
            "xen-balloon $(ms kernel.$way); $(rounded "$(ratio kernel.$way ours.$way)") times faster" \
            "at least $least times faster" "$(ratio kernel.$way ours.$way)" ge $least
    done
    for way in inflate deflate; do
        least=5
        [ $way = inflate ] || least=10
        goal "the same $way, first step to last inside the daemon" "$(ms ours.$way.inside)" \
            "bare program $(ms bare.$way); $(rounded "$(percent_more ours.$way.inside bare.$way)") % more" \
            "at most $least % more" "$(percent_more ours.$way.inside bare.$way)" le $least
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
    local way writes
    goal "dom0's write to the daemon's first hypercall" "$(ms ours.inflate.first-hypercall)" "-" "under 2 ms" \
        "$(value ours.inflate.first-hypercall)" lt 2
    for way in inflate deflate; do
        goal "processor time for a GiB, $way" "$(ms ours.$way.cpu)" "xen-balloon $(ms kernel.$way.cpu)" "under half" \
            "$(ratio ours.$way.cpu kernel.$way.cpu)" lt 0.5
    done
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

goals_table() {
    echo "| measured | vnode-balloon | peer | goal | |"
    echo "|---|---|---|---|---|"
    move_rows
    place_rows
    cost_rows
    idle_rows
    size_rows
    frame_rows
}

# The same moves in guests of other kinds.
guests_table() {
    local name text way
    echo "| guest, move of 256 MiB | vnode-balloon | bare program | xen-balloon | vnode-balloon is |"
    echo "|---|---|---|---|---|"
    for name in hvm emulated-clock; do
        text='HVM, as stock xl builds it'
        [ $name = hvm ] || text='PVH, its clock emulated by Xen'
        for way in inflate deflate; do
            echo "| $text: $way | $(ms $name.ours.$way) | $(ms $name.bare.$way) | $(ms $name.kernel.$way)" \
                "| $(rounded "$(ratio $name.kernel.$way $name.ours.$way)") times as fast as xen-balloon |"
        done
    done
}

# --- Where the time goes ----------------------------------------------------------------------------------------------

# phases WAY: the daemon's kinds of calls (tools/calls.c), most expensive first: `KIND CALLS NS BARE`, BARE being what the bare
# program needs for the same, in ns.
phases() {
    awk -v way="$1" '$1 == "calls" && $2 == way { calls[$3] = $4; time[$3] = $5 } $1 == "bare" && $2 == way { bare[$3] = $4 }
        END { for (kind in calls) if (calls[kind] > 0) print kind, calls[kind], time[kind], bare[kind] + 0 }' "$series" |
        sort -k3,3nr
}

# text_of KIND: what it is.
text_of() {
    case $1 in
        give) echo "XENMEM_decrease_reservation: Xen takes 512 entries of an extent out of its tables" ;;
        take) echo "XENMEM_populate_physmap" ;;
        probe) echo "HVMOP_get_mem_type: is a new page RAM; is the domain being migrated" ;;
        reservation) echo "XENMEM_current_reservation, XENMEM_maximum_reservation" ;;
        grow-pool) echo "writing nr_hugepages" ;;
        fault) echo "MADV_POPULATE: the kernel clears the pages" ;;
        map) echo "mmap, mbind, munmap" ;;
        pin) echo "vmsplice and its pipe" ;;
        pagemap) echo "reading frame numbers" ;;
        zoneinfo) echo "/proc/zoneinfo: what the guest can spare" ;;
        small-file) echo "sysfs and fstat: what others have in the pool" ;;
        intent) echo "the intent record" ;;
        resize) echo "ftruncate of the file" ;;
        holder) echo "the holder of the pins" ;;
        poll) echo "poll" ;;
        store-*) echo "xenstore" ;;
        *) echo "other" ;;
    esac
}

phase_table() {
    local kind calls time bare total
    total=$(value "timed.$1.inside")
    echo "| $1 256 MiB, inside the daemon | calls | ms | % | bare program, ms |"
    echo "|---|---|---|---|---|"
    while read -r kind calls time bare; do
        [ "$time" -gt 0 ] || continue
        [ "$bare" = 0 ] && bare='-' || bare=$(rounded "$(calculate "$bare / 1e6")")
        echo "| \`$kind\`: $(text_of "$kind") | $calls | $(rounded "$(calculate "$time / 1e6")")" \
            "| $(rounded "$(calculate "$time / 1e4 / $total")") | $bare |"
    done < <(phases "$1")
    time=$(phases "$1" | awk '{ n += $3 } END { print n / 1e6 }')
    echo "| our own code, and the watching | - | $(rounded "$(calculate "$total - $time")")" \
        "| $(rounded "$(calculate "($total - $time) / $total * 100")") | - |"
    echo "| **all** | | **$(rounded "$total")** | | **$(rounded "$(value "bare.$1")")** |"
}

# The bare program with other chunks. For a GiB.
chunk_table() {
    local pool chunk
    echo "| bare: pool pages a write, extents a step | inflate | pool | map | fault | pagemap | hypercall |"
    echo "|---|---|---|---|---|---|---|"
    while read -r pool chunk; do
        echo "| $pool, $chunk $(for part in inflate pool map fault pagemap give; do
            printf '| %s ms ' "$(rounded "$(value "cycle.$pool.$chunk.$part")")"; done)|"
    done < <(awk '$1 ~ /^cycle\.[0-9]+\.[0-9]+\.inflate$/ { split($1, w, "."); if (!seen[$1]++) print w[2], w[3] }' "$figures")
    echo
    echo "| bare: extents a step | deflate | hypercall | ftruncate | pool |"
    echo "|---|---|---|---|---|"
    while read -r chunk; do
        echo "| $chunk $(for part in deflate take truncate pool; do
            printf '| %s ms ' "$(rounded "$(value "cycle.back.$chunk.$part")")"; done)|"
    done < <(awk '$1 ~ /^cycle\.back\.[0-9]+\.deflate$/ { split($1, w, "."); if (!seen[$1]++) print w[3] }' "$figures")
}

# --- Plots --------------------------------------------------------------------------------------------------------------

# plot_all DIRECTORY
plot_all() {
    awk '$1 == "size" { print $2, $3 / 1000, $4 } $1 == "target" && $2 == "ours" { print "target", $3 / 1000, $4 }' "$series" |
        awk -v title="Balloon size, the same targets for both" -v xlabel="seconds of guest time" -v ylabel="MiB given to Xen" \
            -v lines="target #888888 step target;ours #0072b2 line vnode-balloon;kernel #d55e00 line Linux xen-balloon" \
            -v ymin=0 -f "$lab/lib/plot.awk" > "$1/performance-size.svg"
    awk '$1 == "pnode" { print $2 "0", $3, $4; print $2 "1", $3, $5 }' "$series" |
        awk -v title="Where the guest's memory lies after each cycle" -v xlabel="cycles of inflating and deflating" \
            -v ylabel="pages of 4 KiB" -f "$lab/lib/plot.awk" \
            -v lines="ours0 #0072b2 line vnode-balloon, pnode 0;ours1 #56b4e9 dash vnode-balloon, pnode 1;kernel0 #d55e00 line xen-balloon, pnode 0;kernel1 #e69f00 dash xen-balloon, pnode 1" \
            > "$1/performance-pnodes.svg"
}

# phase_time WAY KIND [COLUMN]: ms; column 3 is the daemon's, 4 the bare program's.
phase_time() { phases "$1" | awk -v kind="$2" -v column="${3:-3}" '$1 == kind { n = $column } END { print n / 1e6 }'; }

# package NAME: the version in the cache.
package() { basename "$(compgen -G "$CACHE/debs/$1_*.deb" | tail -n 1)" .deb | cut -d _ -f 2; }

write_report() {
    cat <<TEXT
# Performance

Written by \`make bench\` (lab/bench); every figure here was measured by its benchmarks, those under *Loops* by \`make microbench\`.

## The goals

$(goals_table)

$(why_missed)

![Balloon size over time](performance-size.svg)

![Pages on each physical node](performance-pnodes.svg)

Moves of the same kind, one after the other, from write to final: inflate $(all_values ours.inflate)ms, deflate
$(all_values ours.deflate)ms; xen-balloon's inflate $(all_values kernel.inflate)ms, deflate $(all_values kernel.deflate)ms;
the bare program's inflate $(all_values bare.inflate)ms, deflate $(all_values bare.deflate)ms. The table shows the one in the middle
(of two the last); our first inflate starts the holder, too.

$(how_it_is_measured)

## Other guests

$(guests_table)

## Where the time goes

Each call timed (two readings of the clock, $(value clock) ns each, a call).

$(phase_table inflate)

$(phase_table deflate)

What Xen does meanwhile, on all processors: its instructions by kind of function (lab/tools/profile.c; a million is a
millisecond here). xen-balloon's moves are counted from a millisecond after their start.

$(inside_table)

$(inside_summary)

## Larger and smaller steps

The bare program alone, for a GiB:

$(chunk_table)

$(what_was_tried)
$(loops)
## Machine and versions

QEMU $(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p'), pure emulation, one instruction a nanosecond (\`-icount shift=0\`): host and load
do not matter. Xen $(package "xen-hypervisor-$XEN_VERSION-amd64"), Linux $(cat "$CACHE/kernel-version") in dom0 and guest, a PVH guest of two vnodes on two physical nodes
(512 MiB each; 2816 and 256 MiB where 2 GiB move), \`tsc_mode="native"\`. vnode-balloon $(cat "$results/version"), $(swift --version 2>/dev/null | sed -n 's/^\(Swift version [0-9.]*\).*/\1/p').
TEXT
}

# The table of `make microbench`, where it was made.
loops() {
    [ -f "$project/.lab/loops.md" ] || return 0
    printf '\n%s\n\n' "$(cat "$project/.lab/loops.md")"
}
