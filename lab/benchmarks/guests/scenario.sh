# The moves of `moves` in other guests: HVM, as stock xl builds it, and PVH whose clock Xen emulates, as it does on a machine
# that does not promise a steady one. The product, the bare program and Linux's own balloon in turn.
KIB=262144
MIB=$((KIB / 1024))
KERNEL=/sys/devices/system/xen_memory/xen_memory0

bare_moves() {
    guest "mkdir -p /huge; mount -t hugetlbfs none /huge; bare cycle /huge/bare 1 $MIB 4 8 64; umount /huge" > /tmp/bare ||
        fail "the bare program moves $MIB MiB"
    for way in inflate deflate; do
        figure "$1.bare.$way $(milliseconds "$(awk -v way=$way '$1 == way {
            for (i = 1; i < NF; i += 2) if ($i == way) print $(i + 1) }' /tmp/bare)")"
    done
}

our_moves() {
    move_ours 1 $KIB
    figure "$1.ours.inflate $(milliseconds "$REACHED - $WRITTEN")"
    check_given "$1: $MIB MiB on vnode 1" 0 $KIB
    move_ours 1 0
    figure "$1.ours.deflate $(milliseconds "$REACHED - $WRITTEN")"
}

kernel_moves() {
    move_kernel $((TARGET_KIB - KIB)) $KIB
    figure "$1.kernel.inflate $(milliseconds "$REACHED - $WRITTEN")"
    move_kernel $TARGET_KIB 0
    figure "$1.kernel.deflate $(milliseconds "$REACHED - $WRITTEN")"
}

# compare NAME: in a guest of the kind that the settings say.
compare() {
    start_guest
    remember_pages
    KERNEL_KIB=$(guest "cat $KERNEL/info/current_kb")
    TARGET_KIB=$(xenstore-read "$D/memory/target")
    for try in 1 2 3; do bare_moves "$1"; done
    check "$1: the daemon starts" start_counted_daemon
    for try in 1 2 3; do our_moves "$1"; done
    check "$1: the daemon ends" stop_daemon
    check_all_back "$1: all is back"
    for try in 1 2 3; do kernel_moves "$1"; done
    stop_guest
}

GUEST_TYPE=hvm
compare hvm
# shellcheck disable=SC2034 # of dom0-lib.sh
GUEST_TYPE=pvh XL_CONFIG=
compare emulated-clock
finish
