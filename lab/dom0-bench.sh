# shellcheck shell=sh
# What benchmarks call: figures of one move each, the product's and its peers'. Sourced in dom0 by busybox sh.

# --- What a move costs the product ------------------------------------------------------------------------------------

# start_counted_daemon [timed]: a daemon whose calls are counted (tools/calls.c), or timed one by one.
start_counted_daemon() {
    guest_start daemon "env LD_PRELOAD=/lib/calls.so CALLS=/run/calls ${1:+CALLS_TIMED=1} balloonctl daemon"
    wait_until 60 daemon_published && wait_until 20 daemon_answers
}

# fetch_calls: what was counted since it was fetched last. calls KIND [COLUMN]: of it; columns: count, nanoseconds, first, last.
fetch_calls() { guest "calls /run/calls" > /tmp/calls; }
calls() { awk -v kind="$1" -v column="${2:-count}" '
    BEGIN { of["count"] = 2; of["nanoseconds"] = 3; of["first"] = 4; of["last"] = 5 }
    $1 == kind { print $of[column] }' /tmp/calls; }

# When the daemon first asked Xen for something, and how long it took from there to its last note of a move: first step to
# last.
first_hypercall() {
    awk '$1 ~ /^(give|take|probe|reservation)$/ && $4 > 0 && (!first || $4 < first) { first = $4 } END { print first }' /tmp/calls
}
inside() { echo "($(calls intent last) - $(first_hypercall))"; }

# Nanoseconds that all threads of a program have used a processor.
cpu_of_daemon() { guest "cat /proc/$(guest_pid daemon)/task/*/schedstat" | awk '{ n += $1 } END { printf "%.0f", n }'; }
cpu_of_kernel() { guest "for p in /proc/[0-9]*; do
    grep -q xen-balloon \$p/comm && cut -d ' ' -f 1 \$p/schedstat; done"; }

# What is to be taken from the guest's CLOCK_MONOTONIC to have Xen's time.
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

# move_kernel KIB LESS: the same of Linux's own balloon: memory/target becomes KIB, the domain has LESS KiB less then.
move_kernel() {
    CPU=$(cpu_of_kernel)
    guest_start sample "sample kernel $((KERNEL_KIB - $2))"
    wait_until 10 sample_is_ready
    moment "$D/memory/target" "$1" > /tmp/moment
    sleep 5
    guest_log sample >> /tmp/moment
    CPU=$(($(cpu_of_kernel) - CPU))
    read_moment
    [ -n "$REACHED" ] || fail "Linux's own balloon reaches $2 KiB"
}
sample_is_ready() { guest_log sample | grep -q ready; }

read_moment() {
    WRITTEN=$(awk '$1 == "written" { print $2 }' /tmp/moment)
    REACHED=$(awk '$1 == "reached" { print $2 }' /tmp/moment)
}

# calculate EXPRESSION: in awk's floating point.
calculate() { awk "BEGIN { printf \"%.6g\", $* }"; }
milliseconds() { calculate "($*) / 1e6"; }

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
