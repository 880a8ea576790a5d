# How fast a program may take memory beside balloons that have all that the guard lets them: with on-pressure = yield, at one
# rate after the other, in a guest with nothing to reclaim, with zram, with swap on a disk and with cache; then beside Linux's
# own balloon of the same size, which gives nothing back.
RATES=${RATES:-2048 4096 16384 51200 102400 0} # KiB a second; 0: as fast as it goes
DISK_MIB=256 CACHE_MIB=128

# attach_disk NUMBER MIB: /dev/xvda is number 0. xl would want a shell script of Xen's and bash for it; these are its rows.
attach_disk() {
    dd if=/dev/zero of=/run/disk"$1" bs=1M count=0 seek="$2" 2> /dev/null
    losetup /dev/loop"$1" /run/disk"$1"
    number=$((51712 + 16 * $1))
    front=$D/device/vbd/$number back=/local/domain/0/backend/vbd/$DOMID/$number
    xenstore-write "$front" "" "$back" ""
    xenstore-chmod "$front" "n$DOMID" r0
    xenstore-chmod "$back" n0 "r$DOMID"
    xenstore-write "$front/backend-id" 0 "$front/virtual-device" $number "$front/device-type" disk \
        "$back/frontend" "$front" "$back/frontend-id" "$DOMID" "$back/online" 1 "$back/mode" w "$back/device-type" disk \
        "$back/dev" xvd "$back/physical-device" "7:$1" "$back/removable" 0 "$back/bootable" 0 \
        "$front/backend" "$back" "$back/state" 1 "$front/state" 1
}

# --- What there is to reclaim -------------------------------------------------------------------------------------------

prepare() {
    case $1 in
        zram) guest "echo ${DISK_MIB}M > /sys/block/zram0/disksize && mkswap /dev/zram0 && swapon /dev/zram0" ;;
        swap) guest "mkswap /dev/xvda && swapon /dev/xvda" ;;
        *) guest "! grep -q /dev /proc/swaps" ;;
    esac > /dev/null
}
end_of() {
    case $1 in
        zram) guest "swapoff /dev/zram0 && echo 1 > /sys/block/zram0/reset" ;;
        swap) guest "swapoff /dev/xvda" ;;
        cache) guest "echo 1 > /proc/sys/vm/drop_caches" ;;
    esac
}
# Read twice, so that the kernel takes it for something that is used.
fill_cache() {
    [ "$1" != cache ] ||
        guest "for i in 1 2; do dd if=/dev/xvdb of=/dev/null bs=1M count=$CACHE_MIB 2> /dev/null; done"
}

# --- A program ------------------------------------------------------------------------------------------------------------

given() { echo $((($(row 0 size) + $(row 1 size)) / 1024)); }
kernel_given() { echo $(((KERNEL_KIB - $(kernel_kib)) / 1024)); }

# run_taker MIB RATE: all in one command, since each one costs the emulated processor a second. Prints the daemon's processor
# time in us meanwhile, how many programs were killed, the program's exit code (it is killed in the end), the KiB that the
# last one that was killed had in memory, and the milliseconds that the program took.
run_taker() {
    GUEST_SECONDS=300 guest "cd /run/lab
        kills() { awk '/^oom_kill / { print \$2 }' /proc/vmstat; }
        used() { cat /proc/\$(cat daemon.pid)/task/*/schedstat 2> /dev/null | awk '{ n += \$1 } END { printf \"%d\", n / 1000 }'; }
        : > taker.log; kills=\$(kills) used=\$(used)
        (echo 1000 > /proc/self/oom_score_adj; exec taker $1 $2 half) > taker.log & pid=\$!
        until grep -q took taker.log || ! grep -q taker /proc/\$pid/cmdline; do sleep 1; done
        sleep 2
        used=\$((\$(used) - used)) kills=\$((\$(kills) - kills))
        kill -KILL \$pid 2> /dev/null; wait \$pid; code=\$?
        had=\$(dmesg | sed -n 's/.*Killed process.*(taker).* anon-rss:\([0-9]*\)kB.*/\1/p' | tail -n 1)
        took=\$(awk '{ print \$5 }' taker.log)
        echo \$used \$kills \$code \${had:--} \${took:--}" | tail -n 1
}

# take BALLOON KIND RATE: 60 MiB more than both nodes have. Sets `size`, `used` and `result`: `has` and the milliseconds that it
# took, or `killed` and the KiB that it had in memory then.
take() {
    set -- "$1" "$2" "$3" $(node_kib 0) $(node_kib 1)
    size=$((($4 + $7) / 1024 + 60)) taken="$1, $2, $3 KiB a second"
    set -- $(run_taker $size "$3")
    used=$1
    check_eq "$taken: one program at most was killed, and it is the one" "$2 $3" "$(($2 > 0)) 137"
    if [ "$2" = 0 ]; then result="has $5"; else result="killed $4"; fi
}

# beside_ours KIND RATE
beside_ours() {
    fill_cache "$1"
    # Anew: what memory pressure left one of the program before is not for this one.
    guest_start daemon "balloonctl daemon --on-pressure yield"
    for vnode in 0 1; do
        check "$1: the balloon of vnode $vnode grows to the guard" rows wait 60 "$D" $vnode state=held reason=guard
    done
    before=$(given)
    # As large as Linux's own balloon is to be.
    LARGEST=${LARGEST:-$before}
    take ours "$1" "$2"
    series "rate ours $1 $2 $size $before $((before - $(given))) $used $result"
    check "$1: the daemon ends" stop_daemon
}

# beside_kernel KIND RATE
beside_kernel() {
    fill_cache "$1"
    before=$(kernel_given)
    take kernel "$1" "$2"
    series "rate kernel $1 $2 $size $before $((before - $(kernel_given))) $used $result"
}

# in_turn BALLOON: all kinds, all rates.
in_turn() {
    for kind in nothing zram swap cache; do
        check "$1: $kind" prepare $kind
        for rate in $RATES; do beside_"$1" $kind "$rate"; done
        end_of $kind
    done
}
kernel_gave() { [ "$(kernel_kib)" -le $((KERNEL_KIB - LARGEST * 1024)) ]; }

start_guest
insmod /lib/modules/loop.ko
insmod /lib/modules/xen-blkback.ko
guest "for m in xen-blkfront zsmalloc zram; do insmod /lib/modules/\$m.ko; done"
attach_disk 0 $DISK_MIB
attach_disk 1 $CACHE_MIB
has_disks() { guest "[ -b /dev/xvda ] && [ -b /dev/xvdb ]"; }
check "the guest has two disks" wait_until 30 has_disks
# Whom the OOM killer takes is the program, and not the agent that starts it.
guest 'for process in /proc/[0-9]*; do echo -1000 > $process/oom_score_adj; done' 2> /dev/null
remember_pages
KERNEL_KIB=$(kernel_kib)
TARGET_KIB=$(xenstore-read "$D/memory/target")

targets 524288 524288
in_turn ours
targets 0 0
check "the daemon starts" start_daemon
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
check "the daemon ends" stop_daemon
check_all_back "after the programs"

xenstore-write "$D/memory/target" $((TARGET_KIB - LARGEST * 1024))
check "Linux's own balloon has $LARGEST MiB" wait_until 120 kernel_gave
in_turn kernel
finish
