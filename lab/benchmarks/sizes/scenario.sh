# What must not depend on how much is moved: the cost of a GiB at three sizes, the daemon's own memory, its start with 2
# GiB given, and how often it wakes up with nothing to do.
GIB2=2097152

# of_daemon NAME: of its /proc/PID/status, in KiB.
of_daemon() { guest "awk '/^$1:/ { print \$2 }' /proc/$(guest_pid daemon)/status"; }
memory_figures() {
    figure "memory.$1.VmRSS $(of_daemon VmRSS)"
    figure "memory.$1.RssAnon $(of_daemon RssAnon)"
}

# per_gib KIB: the time inside the daemon, for a GiB.
per_gib() { milliseconds "$(inside) * 1048576 / $1"; }

# at_size KIB
at_size() {
    move_ours 0 "$1"
    figure "size.$1.inflate $(per_gib "$1")"
    move_ours 0 0
    figure "size.$1.deflate $(per_gib "$1")"
}

# returns_of_poll NAME SECONDS
returns_of_poll() {
    fetch_calls
    sleep "$2"
    fetch_calls
    figure "polls.$1 $(calls poll)"
}

start_guest
remember_pages
check "the daemon starts" start_daemon
sleep 5
memory_figures idle
target 0 $GIB2
check "2 GiB are reached" wait_reached 0 $GIB2 90
check_given "2 GiB" $GIB2 0
memory_figures moved
check "the daemon ends" stop_daemon

guest "bare probes $PAGES_DIRECTORY/vnode0 2048" > /tmp/bare
figure "bare.probes $(milliseconds "$(awk '{ print $2 + $4 }' /tmp/bare)")"
check "the daemon starts with 2 GiB given" start_counted_daemon
fetch_calls
figure "recovery $(milliseconds "$(calls probe last) - $(calls pin first)")"
figure "recovery.probes $(calls probe)"
check_row "after a start" 0 $GIB2 idle
move_ours 0 0
figure "size.$GIB2.deflate.first $(per_gib $GIB2)"
check_all_back "all is back"

for kib in 65536 65536 524288 $GIB2; do at_size $kib; done

sleep 60
returns_of_poll idle 120
target 1 262144
check "more than the guard lets go is not to be had" wait_row 1 reason guard
# Tried again after 1, 2, 4 ... 60 s.
sleep 130
returns_of_poll unreachable 120
target 1 0
check "vnode 1 is back" wait_reached 1 0
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
