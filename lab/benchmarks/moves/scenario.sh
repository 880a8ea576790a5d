# How fast a balloon moves, what it costs, and where memory lies afterwards: the product, a bare C program that does the same
# kernel work, and Linux's own balloon, one after the other in the same guest. Linux's comes last: it moves memory between
# the physical nodes.
CYCLES=10
CYCLE_KIB=65536

# timed inflate|deflate TARGET: one move of a daemon whose calls are timed one by one, which takes some time itself.
timed() {
    move_ours 1 "$2"
    figure "timed.$1.inside $(milliseconds "$(inside)")"
    begin=$(first_hypercall) end=$(calls intent last)
    while read -r kind count time first last; do
        # The time before the first step, after the last step, and waiting is left out.
        [ "$kind" != poll ] && [ "$last" -gt "$begin" ] && [ "$first" -lt "$end" ] || time=0
        series "calls $1 $kind $count $time $first $last"
    done < /tmp/calls
}

bare_cycle() {
    compare_bare
    # The names of the daemon's kinds of calls.
    for pair in pool:grow-pool map:map fault:fault pagemap:pagemap give:give; do
        series "bare inflate ${pair#*:} $(bare_part inflate ${pair%:*})"
    done
    for pair in take:take truncate:resize pool:grow-pool; do
        series "bare deflate ${pair#*:} $(bare_part deflate ${pair%:*})"
    done
}

# wrong_pages: how many pages more or less than at the start lie on the pnode where there are more.
wrong_pages() {
    page_counts | awk -v zero="$START_0" -v one="$START_1" '
        $1 == 0 { a = $2 - zero } $1 == 1 { b = $2 - one } END { print (a > b ? a : b) }'
}

# cycles NAME UP DOWN: runs the commands UP and DOWN several times, and reports what lies on each pnode after each
# cycle.
cycles() {
    for cycle in $(seq 0 $CYCLES); do
        [ "$cycle" = 0 ] || { $2 && $3; } || fail "$1: cycle $cycle"
        series "pnode $1 $cycle $(pages 0) $(pages 1)"
    done
    figure "$1.wrong-pages $(wrong_pages)"
    figure "$1.contiguous $(contiguous_mib)"
}
ours_to() { targets "$1" "$1"; wait_reached 0 "$1" && wait_reached 1 "$1"; }
ours_up() { ours_to $CYCLE_KIB; }
ours_down() { ours_to 0; }
kernel_has() { [ "$(kernel_kib)" = "$1" ]; }
kernel_to() { xenstore-write "$D/memory/target" $((TARGET_KIB - $1)); sleep 1; wait_until 60 kernel_has $((KERNEL_KIB - $1)); }
kernel_up() { kernel_to $((2 * CYCLE_KIB)); }
kernel_down() { kernel_to 0; }

start_guest
prepare_comparison
figure "clock $(guest 'bare clock' | cut -d ' ' -f 2)"
figure "start.contiguous $(contiguous_mib)"

for try in 1 2 3 4 5; do bare_cycle; done
our_moves
cycles ours ours_up ours_down
check "the daemon ends" stop_daemon
check_all_back "after $CYCLES cycles"

check "the daemon starts, and its calls are timed" start_counted_daemon timed
for try in 1 2; do
    timed inflate $MOVE_KIB
    timed deflate 0
done
check "the daemon ends" stop_daemon

cycles kernel kernel_up kernel_down
kernel_moves
finish
