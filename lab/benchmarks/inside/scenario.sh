# Where Xen spends a move: the instructions of Xen's functions, counted while the bare program, the product and Linux's
# own balloon move the same amount. host/inside.sh says what came out.
KIB=$MOVE_KIB
MIB=$MOVE_MIB
MOVES=3

# window NAME: what was counted since the last one belongs to NAME. The profile numbers the windows.
WINDOW=0
window() {
    guest "bare window"
    report "window $WINDOW $1"
    WINDOW=$((WINDOW + 1))
}

bare_cycle() {
    guest "bare cycle /huge/bare 1 $MIB 4 16 64" > /tmp/bare || fail "the bare program moves $MIB MiB"
    for pair in inflate:give deflate:take; do
        figure "inside.bare.${pair%:*}.timed $(milliseconds "$(bare_part ${pair%:*} ${pair#*:})")"
    done
    window bare
}

# ours inflate|deflate TARGET HYPERCALL
ours() {
    move_ours 1 "$2"
    figure "inside.ours.$1.timed $(milliseconds "$(calls "$3" nanoseconds)")"
    window "ours.$1"
}

# kernel inflate|deflate LESS
kernel() {
    move_kernel target $((TARGET_KIB - $2)) "$2"
    figure "inside.kernel.$1.timed $(milliseconds "$REACHED - $WRITTEN")"
    window "kernel.$1"
}

start_guest
prepare_comparison
guest "bare cycle /huge/bare 1 $MIB 4 16 64" > /dev/null
window -
for try in $(seq $MOVES); do bare_cycle; done

check "the daemon starts, and its calls are timed" start_counted_daemon timed
# The first move of a daemon starts the holder, too.
move_ours 1 $KIB
move_ours 1 0
window -
for try in $(seq $MOVES); do
    ours inflate $KIB give
    check_given "$MIB MiB on vnode 1" 0 $KIB
    ours deflate 0 take
done
check "the daemon ends" stop_daemon
check_all_back "all is back"
window -
for try in $(seq $MOVES); do
    kernel inflate $KIB
    kernel deflate 0
done
# Xen's own names of its functions.
awk '$2 == "t" || $2 == "T" { print "symbol", $1, $3 }' /proc/xen/xensyms >&3
finish
