# shellcheck shell=bash
# docs/performance.md, from what was measured. No figure in it comes from anywhere else. Sourced by lab/bench.

# --- Where the time goes ----------------------------------------------------------------------------------------------

# phases WAY: the daemon's kinds of calls (programs/calls.c), most expensive first: `KIND CALLS NS BARE`, BARE being what the bare
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

# rounded_ms NAME...: a column each; empty what was not measured.
rounded_ms() {
    local name
    for name in "$@"; do
        if [ "$(value "$name")" = - ]; then printf '| '; else printf '| %s ' "$(ms "$name")"; fi
    done
}

# The bare program with other chunks. For a GiB.
chunk_table() {
    local pool chunk of
    echo "| bare: pool pages a write, extents a step | inflate | pool | map | fault | pagemap | hypercall |" \
        "HVM: inflate | HVM: hypercall |"
    echo "|---|---|---|---|---|---|---|---|---|"
    while read -r pool chunk; do
        of=cycle.$pool.$chunk
        echo "| $pool, $chunk $(rounded_ms $of.{inflate,pool,map,fault,pagemap,give} hvm.$of.{inflate,give})|"
    done < <(awk '$1 ~ /^cycle\.[0-9]+\.[0-9]+\.inflate$/ { split($1, w, "."); if (!seen[$1]++) print w[2], w[3] }' "$figures")
    echo
    echo "| bare: extents a step | deflate | hypercall | ftruncate | pool |"
    echo "|---|---|---|---|---|"
    while read -r chunk; do
        echo "| $chunk $(rounded_ms cycle.back.$chunk.{deflate,take,truncate,pool})|"
    done < <(awk '$1 ~ /^cycle\.back\.[0-9]+\.deflate$/ { split($1, w, "."); if (!seen[$1]++) print w[3] }' "$figures")
}

# --- Plots --------------------------------------------------------------------------------------------------------------

# plot_all DIRECTORY
plot_all() {
    awk '$1 == "size" { print $2, $3 / 1000, $4 } $1 == "target" && $2 == "ours" { print "target", $3 / 1000, $4 }' "$series" |
        awk -v title="Balloon size, the same targets for both" -v xlabel="seconds of guest time" -v ylabel="MiB given to Xen" \
            -v lines="target #888888 step target;ours #0072b2 line vnode-balloon;kernel #d55e00 line Linux xen-balloon" \
            -v ymin=0 -f "$lab/host/plot.awk" > "$1/performance-size.svg"
    awk '$1 == "pnode" { print $2 "0", $3, $4; print $2 "1", $3, $5 }' "$series" |
        awk -v title="Where the guest's memory lies after each cycle" -v xlabel="cycles of inflating and deflating" \
            -v ylabel="pages of 4 KiB" -f "$lab/host/plot.awk" \
            -v lines="ours0 #0072b2 line vnode-balloon, pnode 0;ours1 #56b4e9 dash vnode-balloon, pnode 1;kernel0 #d55e00 line xen-balloon, pnode 0;kernel1 #e69f00 dash xen-balloon, pnode 1" \
            > "$1/performance-pnodes.svg"
}

# phase_time WAY KIND [COLUMN]: ms; column 3 is the daemon's, 4 the bare program's.
phase_time() { phases "$1" | awk -v kind="$2" -v column="${3:-3}" '$1 == kind { n = $column } END { print n / 1e6 }'; }

# package NAME: the version in the cache.
package() { basename "$(compgen -G "$CACHE/debs/$1_*.deb" | tail -n 1)" .deb | cut -d _ -f 2; }

# note_before REVISION: the goals' rows of that revision's report, for before_and_after.
note_before() {
    local revision
    revision=$(git -C "$project" rev-parse --short "$1") || die "there is no revision $1"
    git -C "$project" show "$revision:docs/performance.md" | grep -E '^[|] .* [|] (\*\*(met|missed)\*\*)? ?[|]$' > "$results/before" ||
        die "there is no report at $1"
    echo "$revision of $(git -C "$project" show -s --format=%cs "$revision")" > "$results/before-revision"
}

# before_and_after: where note_before was called; a row for each goal that both reports have.
before_and_after() {
    [ -e "$results/before" ] || return 0
    echo "### Before and after"
    echo
    echo "What the report of $(cat "$results/before-revision") says, and this one, of what is the product's own."
    echo
    echo "| measured | before | now |"
    echo "|---|---|---|"
    { goals=/dev/null; goals_table; hvm_goals_table; host_goals_table; } 2> /dev/null | awk -F ' *[|] *' '
        NR == FNR { before[$2] = $3; next }
        $2 != "measured" && $2 in before { print "| " $2 " | " before[$2] " | " $3 " |" }' "$results/before" -
    echo
}

write_report() {
    cat <<TEXT
# Performance

Written by \`make bench\` (lab/bench); every figure here was measured by its benchmarks, those under *Loops* by \`make microbench\`.

## The goals

$(goals_table)

$(why_missed "" "")

### The same in an HVM guest

Stock xl builds an HVM guest with \`vnuma=\`, but no PVH guest (lab/programs/vnumafix.c): this is the guest that its users have.

$(hvm_goals_table)

$(why_missed hvm. "HVM: ")

$(before_and_after)

![Balloon size over time](performance-size.svg)

![Pages on each physical node](performance-pnodes.svg)

Moves of the same kind, one after the other, from write to final: inflate $(all_values ours.inflate)ms, deflate
$(all_values ours.deflate)ms; \`xl mem-set\`'s inflate $(all_values mem-set.inflate)ms, deflate $(all_values mem-set.deflate)ms;
memory/target alone, inflate $(all_values kernel.inflate)ms, deflate $(all_values kernel.deflate)ms;
the bare program's inflate $(all_values bare.inflate)ms, deflate $(all_values bare.deflate)ms. The table shows the one in the middle
(of two the last); our first inflate starts the holder, too.

$(how_it_is_measured)

## Other guests

$(guests_table)

$(why_hvm_differs)

$(host_text)

## Where the time goes

Each call timed (two readings of the clock, $(value clock) ns each, a call).

$(phase_table inflate)

$(phase_table deflate)

What Xen does meanwhile, on all processors: its instructions by kind of function (lab/programs/profile.c; a million is a
millisecond here). xen-balloon's moves are counted from a millisecond after their start.

$(inside_table)

$(inside_summary)

$(rates_text)

## Larger and smaller steps

The bare program alone, for a GiB:

$(chunk_table)

$(what_was_tried)
$(loops)$(sizes)
## Machine and versions

QEMU $(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p'), pure emulation, one instruction a nanosecond (\`-icount shift=0\`): host and load
do not matter. Xen $(package "xen-hypervisor-$XEN_VERSION-amd64"), Linux $(cat "$CACHE/kernel-version") in dom0 and guest, a PVH guest of two vnodes on two physical nodes
(512 MiB each; 2816 and 256 MiB where 2 GiB move), \`tsc_mode="native"\`. vnode-balloon $(cat "$results/version"), $(swift --version 2>/dev/null | sed -n 's/^\(Swift version [0-9.]*\).*/\1/p').
TEXT
}

# The tables of scripts/sizes and of `make microbench`, where they were made.
sizes() {
    [ -f "$project/.lab/sizes.md" ] || return 0
    printf '\n%s\n\n' "$(cat "$project/.lab/sizes.md")"
}

loops() {
    [ -f "$project/.lab/loops.md" ] || return 0
    printf '\n%s\n\n' "$(cat "$project/.lab/loops.md")"
}
