# PVH without virtual NUMA: all memory is vnode 0. Then started below its maximum: the hole from boot, which Linux's own
# balloon holds, is part of the balloon. Xen's count of the whole domain is the judge.

# check_total TEXT KIB: the domain has so much less than it had when the guest was up.
check_total() {
    check_eq "$1: $(($2 / 4)) pages less than at the start" $((START - $(total_pages))) $(($2 / 4))
    check_agree "$1"
}

# move KIB [LESS]: reached, and the domain has LESS KiB less than at the start.
move() {
    target 0 $1
    check "$(($1 / 1024)) MiB are reached" wait_reached 0 $1 90
    check_total "$(($1 / 1024)) MiB" ${2:-$1}
}

start_guest
START=$(total_pages)
POOL=$(guest 'cat /proc/sys/vm/nr_hugepages')
check "the daemon starts" start_daemon
status
check_eq "status describes the guest" \
    "$(json domain.type domain.static_max_kib interface fallback backend granularity_kib vnodes.0.vnode \
        vnodes.0.size_kib vnodes.0.linux_node vnodes.0.balloon_kib vnodes.1.vnode)" \
    "PVH 524288 legacy true privcmd 2048 0 524288 0 0 "
check "the guest's memory is in use" guest_start pattern "pattern 0 128"
move 131072
check_audit "128 MiB" 64
move 204800
check "the daemon ends" stop_daemon
check_total "after a stop" 204800
check_exit "force without the daemon" 0 "balloonctl force 0 64m"
check_total "64 MiB forced" 65536
check_exit "deflate --all" 0 "balloonctl deflate --all"
check_total "all back" 0
check_exit "deflate --release" 0 "balloonctl deflate --release"
check "the daemon starts again" start_daemon
check "200 MiB are reached again" wait_reached 0 204800
kill_daemon
check "the daemon starts after SIGKILL" start_daemon
check_audit "after SIGKILL" 100
move 0
guest_end pattern
check_eq "the guest's memory is what it was" $? 0
check_eq "the 2 MiB pool is as it was" "$(guest 'cat /proc/sys/vm/nr_hugepages')" "$POOL"

# A toolstack prepares the domain while the daemon runs.
prepare_domain
check "the daemon switches to the toolstack's rows" wait_until 90 feature_is 1
check "and follows" hand_over
move 65536
check_eq "the interface is in use" "$(json interface) $(json fallback)" "vnode false"
move 0
check "the daemon ends" stop_daemon
stop_guest

# --- Started below its maximum ------------------------------------------------------------------------------------------

MAXMEM=768
start_guest
START=$(total_pages)
check "the daemon starts" start_daemon
status
check_eq "the hole from boot is part of the balloon" \
    "$(json vnodes.0.size_kib) $(json vnodes.0.balloon_kib) $(row 0 size) $(row 0 state)" "786432 262144 262144 idle"
move 393216 131072
check_audit "384 MiB, 128 of them ours" 64
check_explained "384 MiB" -4
move 262144 0
target 0 131072
check "more than the maximum is not to be had" wait_row 0 reason max-reservation
check_eq "nothing moved but what there was room for" "$(row 0 state)" held
xl mem-max g1 $MAXMEM
check "with a higher maximum Linux's part shrinks" wait_reached 0 131072 90
check_total "128 MiB" -131072
move 196608 -65536
check_audit "192 MiB, 64 of them ours" 32
move 0 -262144
move 65536 -196608
check "the daemon ends" stop_daemon
check_row "after a stop" 0 65536 stopped
check "the daemon starts again" start_daemon
check_row "after a restart" 0 65536 idle
check_audit "after a restart" 32

# xl mem-set lowers the maximum and moves Linux's part: the sum is what the vnode's target says, as far as Xen lets it.
xl mem-set g1 640
check "below what xl mem-set left there is no way" wait_row 0 reason max-reservation
check "all of it is told" wait_row 0 size 131072 90
check "the target rests" wait_row 0 state held
check_total "xl mem-set 640" -131072
xl mem-max g1 $MAXMEM
check "with the maximum back the sum is what the target says" wait_reached 0 65536 120
check_total "64 MiB" -196608
move 0 -262144
check "the daemon ends" stop_daemon
finish
