# shellcheck shell=sh
# What scenario.sh compares: Linux's figures of memory, and what the daemon uses while it waits.

# least_kib NODE: the amount of free memory below which the kernel must reclaim before any
# program gets memory of the node.
least_kib() {
    guest "cat /proc/zoneinfo" | awk -v wanted="$1" '
        $1 == "Node" { node = $2 + 0 }
        node == wanted && $1 == "min" { least += $2 }
        END { print least * 4 }'
}

# check_at_guard TEXT NODE: the node has as much available as the guard keeps. It may differ by an extent, and by what
# other programs took or freed since.
check_at_guard() {
    guard_text=$1
    set -- $(node_kib "$2")
    check "$guard_text: $1 KiB are available, $2 are kept" [ "$1" -ge $(($2 - 3072)) -a "$1" -lt $(($2 + 4096)) ]
}

of_daemon() { guest "awk '/^$1:/ { print \$2 }' /proc/$(guest_pid daemon)/status"; }
hog_is_full() { guest "grep -q holds /run/lab/$1.log"; }

# wait_reached_by_tick VNODE KIB SECONDS: checks only once a second, because to check for a minute takes much real time.
wait_reached_by_tick() {
    tick_left=$3
    until is_reached "$1" "$2"; do
        tick_left=$((tick_left - 1))
        [ $tick_left -gt 0 ] || return 1
        sleep 1
    done
}

# polls SECONDS: how often poll returned to the daemon's thread in this time, as the kernel counts it.
polls() {
    guest "cd /sys/kernel/tracing/events/syscalls/sys_exit_poll && echo 'common_pid == $(guest_pid daemon)' > filter &&
        echo > /sys/kernel/tracing/trace && echo 1 > enable"
    sleep "$1"
    guest "echo 0 > /sys/kernel/tracing/events/syscalls/sys_exit_poll/enable
        grep -c sys_poll /sys/kernel/tracing/trace"
}

# cpu_microseconds: the processor time that all threads of the daemon have used.
cpu_microseconds() {
    guest "cat /proc/$(guest_pid daemon)/task/*/schedstat" | awk '{ n += $1 } END { print int(n / 1000) }'
}

# check_rest TEXT POLLS [MICROSECONDS]: in two minutes poll returns at most POLLS times, and the daemon uses next to no
# processor time. An answer of xenstore is one return, and the daemon reads all rows once a minute. Without MICROSECONDS
# the limit is one hundredth of a per cent, less than two ticks.
check_rest() {
    rest_before=$(cpu_microseconds)
    rest_polls=$(polls 120)
    rest_time=$(($(cpu_microseconds) - rest_before))
    note "$1: poll returned $rest_polls times in two minutes, $rest_time us of processor time"
    check "$1: poll returns in two minutes, at most $2" [ "$rest_polls" -ge 1 -a "$rest_polls" -le "$2" ]
    check_le "$1: processor time in two minutes, in us" $rest_time "${3:-12000}"
}
