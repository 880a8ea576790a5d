# Where Xen spends a move: the instructions of Xen's functions, counted while the bare program, the product and Linux's
# own balloon move the same amount. lib/inside.sh says what came out.
KIB=262144
MIB=$((KIB / 1024))
MOVES=3
KERNEL=/sys/devices/system/xen_memory/xen_memory0

# window NAME: what was counted since the last one belongs to NAME. The profile numbers the windows.
WINDOW=0
window() {
    guest "bare window"
    report "window $WINDOW $1"
    WINDOW=$((WINDOW + 1))
}

bare_cycle() {
    guest "bare cycle /huge/bare 1 $MIB 4 8 64" > /tmp/bare || fail "the bare program moves $MIB MiB"
    for pair in inflate:give deflate:take; do
        figure "inside.bare.${pair%:*}.timed $(milliseconds "$(awk -v way="${pair%:*}" -v part="${pair#*:}" '
            $1 == way { for (i = 1; i < NF; i += 2) if ($i == part) print $(i + 1) }' /tmp/bare)")"
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
    move_kernel $((TARGET_KIB - $2)) "$2"
    figure "inside.kernel.$1.timed $(milliseconds "$REACHED - $WRITTEN")"
    window "kernel.$1"
}

start_guest
remember_pages
KERNEL_KIB=$(guest "cat $KERNEL/info/current_kb")
TARGET_KIB=$(xenstore-read "$D/memory/target")
guest "mkdir /huge; mount -t hugetlbfs none /huge"
guest "bare cycle /huge/bare 1 $MIB 4 8 64" > /dev/null
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
