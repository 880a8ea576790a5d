# HVM with virtual NUMA, the guest that stock xl builds without help: first one with a vnode on both sides of the
# hole below 4 GiB, then one with a graphics adapter. Exact as in PVH guests.
start_killed() { guest_start daemon "killat $1 $2 balloonctl daemon"; }
is_dead() { guest '[ -s /run/lab/daemon.code ]'; }
# After a hypercall that took memory away Xen has the device model drop its mappings. Two of them are locked, and told of.
drops() { echo $(($(grep -c 'invalidating mapcache' /var/log/xen/qemu-dm-g1.log) / 2)); }

# 4 GiB: RAM ends at 3840 MiB, and 256 MiB of vnode 1 lie above 4 GiB. Linux takes from there first.
VNODES="2560 1536"
start_guest
remember_pages
check "the daemon starts in the large guest" start_daemon
status
check_eq "a vnode has all its ranges" \
    "$(for key in vnodes.0.size_kib vnodes.1.size_kib vnodes.0.linux_node vnodes.1.linux_node; do json $key; done |
        tr '\n' ' ')" "2621440 1572864 0 1 "
drops=$(drops)
targets 32768 327680
check "32 MiB on vnode 0 are reached" wait_reached 0 32768
check "320 MiB on vnode 1 are reached" wait_reached 1 327680
note "for 352 MiB the device model dropped its mappings $(($(drops) - drops)) times"
check_given "on both sides of the hole" 32768 327680
check_agree "on both sides of the hole"
check_audit "on both sides of the hole" 176
check_holes "on both sides of the hole" 1 320
check_explained "on both sides of the hole" -4
sides=$(guest "probe frames $PAGES_DIRECTORY/vnode1 320" |
    awk '{ above += ($1 >= 1048576) } END { print NR - above, above + 0 }')
note "extents of vnode 1 below and above 4 GiB: $sides"
check_eq "frames below and above 4 GiB are given" "$(echo $sides | awk '{ print ($1 > 0) + ($2 > 0), $1 + $2 }')" "2 160"
check "the daemon is killed in the large guest" kill_daemon
check "and starts again" start_daemon
check_row "after a restart" 1 327680 idle
targets 0 0
check "vnode 0 is back in the large guest" wait_reached 0 0
check "vnode 1 is back in the large guest" wait_reached 1 0
check "the daemon ends in the large guest" stop_daemon
check_all_back "the large guest, at the end"
stop_guest

# The adapter's memory is taken from vnode 0, and Linux's own balloon gives as much again at boot: to Linux memory/target,
# which leaves video memory out, reads like an order. Not explained are 64 KiB for the adapter's ROM, and -4 as ever.
VNODES="512 512"
VIDEO_KIB=16384
XL_CONFIG='vga="stdvga"
videoram=16'
kernel_balloon_rests() {
    guest 'cd /sys/devices/system/xen_memory/xen_memory0; [ $(cat target_kb) = $(cat info/current_kb) ]'
}
start_guest
check "Linux's own balloon has what it wants" wait_until 20 kernel_balloon_rests
remember_pages
check_explained "without a daemon" 60
check_exit "doctor warns of memory/target" 0 "balloonctl doctor"
check_eq "and of nothing else" "$(awk '$1 != "ok" { print $1, $2 }' /tmp/output | tr '\n' ' ')" "note memory-target: "
check "the daemon starts" start_daemon
status
check_eq "status describes the guest" \
    "$(for key in domain.type domain.static_max_kib backend daemon vnodes.0.size_kib vnodes.1.size_kib \
        vnodes.0.linux_node vnodes.1.linux_node; do json $key; done | tr '\n' ' ')" \
    "HVM 1048576 privcmd true $((524288 - VIDEO_KIB)) 524288 0 1 "
check "the guest's memory is in use" start_pattern_beside 96 224

targets 98304 163840
check "96 MiB on vnode 0 are reached" wait_reached 0 98304
check "160 MiB on vnode 1 are reached" wait_reached 1 163840
check_given "96 MiB on vnode 0 and 160 MiB on vnode 1" 98304 163840
check_agree "96 MiB on vnode 0 and 160 MiB on vnode 1"
check_audit "with the daemon running" 128
check_holes "with the daemon running" 0 96
check_holes "with the daemon running" 1 160
check_explained "with balloons" 60

# Killed while it gives 64 MiB more.
check "the daemon ends on SIGTERM" stop_daemon
check_row "after a clean end" 0 98304 stopped
target 1 229376
# In or behind the first of its two steps.
start_killed below $((START_TOTAL - 65536 - 4096))
check "the daemon is killed" wait_until 60 is_dead
killed_at=$((START_TOTAL - $(total_pages)))
note "killed with $killed_at pages given"
check_eq "in the middle of its move" $((killed_at >= 65536 + 4096 && killed_at < 65536 + 16384)) 1
check "the daemon starts again" start_daemon
check "224 MiB on vnode 1 are reached" wait_reached 1 229376
check_given "after the kill" 98304 229376
check_agree "after the kill"
check_audit "after the kill" 160

check_exit "force 0 64m" 0 "balloonctl force 0 64m"
check_row "forced" 0 65536 held forced
check_given "forced" 65536 229376
check_exit "force 0 --release" 0 "balloonctl force 0 --release"
check "vnode 0 follows its target again" wait_reached 0 98304
targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
end_pattern
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
