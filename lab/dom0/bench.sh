# shellcheck shell=sh
# Helpers for benchmarks: figures of one move each, of the product and of its peers. Sourced in dom0 by busybox sh.

# --- What a move costs the product ------------------------------------------------------------------------------------

# start_counted_daemon [timed]: a daemon whose calls are counted (programs/calls.c), or timed one by one.
start_counted_daemon() {
    guest_start daemon "env LD_PRELOAD=/lib/calls.so CALLS=/run/calls ${1:+CALLS_TIMED=1} balloonctl daemon"
    wait_until 60 daemon_published && wait_until 20 daemon_answers
}

# fetch_calls: reads what was counted since the last call. calls KIND [COLUMN]: prints it; columns: count, nanoseconds,
# first, last.
fetch_calls() { guest "calls /run/calls" > /tmp/calls; }
calls() { awk -v kind="$1" -v column="${2:-count}" '
    BEGIN { of["count"] = 2; of["nanoseconds"] = 3; of["first"] = 4; of["last"] = 5 }
    $1 == kind { print $of[column] }' /tmp/calls; }

# First step to last: from the daemon's first hypercall to its last note of a move.
first_hypercall() {
    awk '$1 ~ /^(give|take|probe|reservation)$/ && $4 > 0 && (!first || $4 < first) { first = $4 } END { print first }' /tmp/calls
}
inside() { echo "($(calls intent last) - $(first_hypercall))"; }

# The processor time of all threads of a program, in nanoseconds.
cpu_of_daemon() { guest "cat /proc/$(guest_pid daemon)/task/*/schedstat" | awk '{ n += $1 } END { printf "%.0f", n }'; }
cpu_of_kernel() { guest "for p in /proc/[0-9]*; do
    grep -q xen-balloon \$p/comm && cut -d ' ' -f 1 \$p/schedstat; done"; }

# Subtract this from the guest's CLOCK_MONOTONIC to get Xen's time.
guest_clock_offset() { guest "sample offset"; }

# --- Moves: from the write in dom0 to the end ---------------------------------------------------------------------------

# move_ours VNODE KIB: sets WRITTEN and REACHED (ns of Xen's time), CPU (ns), and what `calls` shows.
move_ours() {
    CPU=$(cpu_of_daemon)
    fetch_calls
    moment "$D/memory/vnode$1/target-balloon-size" "$2" "$(rows place "$D")/vnode$1/balloon-size" "$2" > /tmp/moment ||
        fail "vnode $1 reaches $2 KiB"
    sleep 1
    fetch_calls
    CPU=$(($(cpu_of_daemon) - CPU))
    read_moment
}

# move_kernel HOW KIB LESS: the same of Linux's own balloon: memory/target becomes KIB, the domain has LESS KiB less.
# HOW: `mem-set`, the whole command, from its start on; or `target`, the row alone.
move_kernel() {
    CPU=$(cpu_of_kernel)
    guest_start sample "sample kernel $((KERNEL_KIB - $3))"
    wait_until 10 sample_is_ready
    case $1 in
        mem-set) moment run xl mem-set "$DOMID" "$2k" ;;
        target) moment "$D/memory/target" "$2" ;;
    esac > /tmp/moment || fail "$1: Linux's own balloon is told $2 KiB"
    sleep 5
    guest_log sample >> /tmp/moment
    CPU=$(($(cpu_of_kernel) - CPU))
    read_moment
    [ -n "$REACHED" ] || fail "$1: Linux's own balloon reaches $3 KiB"
}
sample_is_ready() { guest_log sample | grep -q ready; }

read_moment() {
    WRITTEN=$(awk '$1 == "written" { print $2 }' /tmp/moment)
    REACHED=$(awk '$1 == "reached" { print $2 }' /tmp/moment)
}

# calculate EXPRESSION: in awk's floating point.
calculate() { awk "BEGIN { printf \"%.6g\", $* }"; }
milliseconds() { calculate "($*) / 1e6"; }

# prepare_comparison: in a guest that has just been started.
prepare_comparison() {
    remember_pages
    KERNEL_KIB=$(kernel_kib)
    TARGET_KIB=$(xenstore-read "$D/memory/target")
    MAXIMUM_KIB=$(maxmem "$DOMID")
    OFFSET=$(guest_clock_offset)
    guest "mkdir -p /huge; mount -t hugetlbfs none /huge"
}
kernel_kib() { guest "cat /sys/devices/system/xen_memory/xen_memory0/info/current_kb"; }

# --- Moves that are compared: the same amount on vnode 1 by the product, by a bare program, by Linux's own ------

MOVE_KIB=262144
MOVE_MIB=$((MOVE_KIB / 1024))
# The prefix of a guest's figures and of its checks' texts; empty for the guest of `moves`.
OF=
of_guest() { echo "${OF%.}${OF:+: }$1"; }

# Of the amount moved, for a GiB.
for_a_gib() { calculate "($1) * 1048576 / $MOVE_KIB"; }

all_hypercalls() {
    calculate "$(for kind in give take probe reservation other-hypercall; do echo "$(calls $kind) +"; done) 0"
}

# The write, the first hypercall, the last note, the size in xenstore.
in_order() {
    [ "$WRITTEN" -lt $(($(first_hypercall) - OFFSET)) ] && [ $(($(calls intent last) - OFFSET)) -lt "$REACHED" ]
}

# compare_ours inflate|deflate TARGET
compare_ours() {
    move_ours 1 "$2"
    check "$(of_guest "$1: what happened in dom0 and in the guest is in order by Xen's time")" in_order
    figure "${OF}ours.$1 $(milliseconds "$REACHED - $WRITTEN")"
    figure "${OF}ours.$1.inside $(milliseconds "$(inside)")"
    figure "${OF}ours.$1.first-hypercall $(milliseconds "$(first_hypercall) - $OFFSET - $WRITTEN")"
    figure "${OF}ours.$1.published $(milliseconds "$REACHED - $(calls intent last) + $OFFSET")"
    figure "${OF}ours.$1.cpu $(milliseconds "$(for_a_gib $CPU)")"
    figure "${OF}ours.$1.hypercalls $(for_a_gib "$(all_hypercalls)")"
    figure "${OF}ours.$1.store-writes $(for_a_gib "$(calls store-write)")"
}

our_moves() {
    check "$(of_guest "the daemon starts, and its calls are counted")" start_counted_daemon
    # What it still asks Xen after its start is no part of a move.
    sleep 3
    for try in 1 2 3 4 5; do
        compare_ours inflate $MOVE_KIB
        check_given "$(of_guest "$MOVE_MIB MiB on vnode 1")" 0 $MOVE_KIB
        compare_ours deflate 0
    done
    check_all_back "$(of_guest "all is back")"
}

# With the product's own steps.
compare_bare() {
    guest "bare cycle /huge/bare 1 $MOVE_MIB 4 16 64" > /tmp/bare || fail "the bare program moves $MOVE_MIB MiB"
    for way in inflate deflate; do
        figure "${OF}bare.$way $(milliseconds "$(bare_part $way $way)")"
    done
    figure "${OF}bare.inflate.pool $(milliseconds "$(bare_part inflate pool)")"
}

# bare_part WAY PART: of what the bare program printed.
bare_part() {
    awk -v way="$1" -v part="$2" '$1 == way { for (i = 1; i < NF; i += 2) if ($i == part) print $(i + 1) }' /tmp/bare
}

# compare_kernel HOW inflate|deflate LESS: HOW as of move_kernel. `xl mem-set` moves the domain's maximum, too.
compare_kernel() {
    move_kernel "$1" $((TARGET_KIB - $3)) "$3"
    case $1 in
        mem-set) name=mem-set less=$3 ;;
        target) name=kernel less=0 ;;
    esac
    figure "${OF}$name.$2 $(milliseconds "$REACHED - $WRITTEN")"
    figure "${OF}$name.$2.cpu $(milliseconds "$(for_a_gib "$CPU")")"
    check_total "$(of_guest "$1, $2")" "$3"
    check_eq "$(of_guest "$1, $2: the domain's maximum is $less KiB lower")" \
        $((MAXIMUM_KIB - $(maxmem "$DOMID"))) "$less"
}

kernel_moves() {
    for try in 1 2 3; do
        for how in mem-set target; do
            compare_kernel $how inflate $MOVE_KIB
            compare_kernel $how deflate 0
        done
    done
}

# --- Parts of a move, by the bare program alone ------------------------------------------------------------------------

PARTS_MIB=128

# bare_steps POOL CHUNK BACK: pool pages and extents at a time (programs/bare.c); milliseconds for a GiB.
bare_steps() {
    guest "bare cycle /huge/bare 1 $PARTS_MIB $1 $2 $3" > /tmp/bare || fail "the bare program moves $PARTS_MIB MiB"
    for name in inflate pool map fault pagemap give; do
        figure "${OF}cycle.$1.$2.$name $(milliseconds "$(bare_part inflate $name) * 1024 / $PARTS_MIB")"
    done
    for name in deflate take truncate pool; do
        figure "${OF}cycle.back.$3.$name $(milliseconds "$(bare_part deflate $name) * 1024 / $PARTS_MIB")"
    done
}

# bare_frames BATCH: 32 MiB of single frames; microseconds a page.
bare_frames() {
    guest "bare frames /huge/bare 1 32 $1" > /tmp/bare || fail "the bare program moves frames"
    figure "${OF}frames.$1.give $(calculate "$(bare_part give give) / 8192e3")"
    figure "${OF}frames.$1.take $(calculate "$(bare_part give take) / 8192e3")"
}

# --- Memory in one piece ------------------------------------------------------------------------------------------------

# contiguous_mib: free memory of the guest that is in pieces of 2 MiB or more, and all that is free.
contiguous_mib() {
    guest "cat /proc/buddyinfo" | awk '{
            kib = 4
            for (i = 5; i <= NF; i++) {
                all += $i * kib
                if (kib >= 2048) whole += $i * kib
                kib *= 2
            }
        }
        END { printf "%d %d\n", whole / 1024, all / 1024 }'
}
