# vCPU 0 lies on vnode 1, so Linux's node 0 is Xen's vnode 1: numbers do not match, addresses do.
start_guest
remember_pages
check "the daemon starts" start_daemon
status
check_eq "vnode 0 is Linux's node 1, and the other way round" \
    "$(json vnodes.0.linux_node) $(json vnodes.1.linux_node)" "1 0"
check "the guest's memory is in use" start_pattern 64 64

targets 98304 0
check "96 MiB on vnode 0 are reached" wait_reached 0 98304
check_given "96 MiB on vnode 0" 98304 0
check_eq "they are pool pages of Linux's node 1" "$(pool_counts)" "0 0 48 0 "
check_agree "96 MiB on vnode 0"
targets 32768 163840
check "32 MiB on vnode 0 are reached" wait_reached 0 32768
check "160 MiB on vnode 1 are reached" wait_reached 1 163840
check_given "32 MiB on vnode 0 and 160 MiB on vnode 1" 32768 163840
check_agree "32 MiB on vnode 0 and 160 MiB on vnode 1"
check_audit "32 MiB on vnode 0 and 160 MiB on vnode 1" 96

check "the daemon is killed" kill_daemon
check "the daemon starts again" start_daemon
check_row "after SIGKILL" 0 32768 idle
check_row "after SIGKILL" 1 163840 idle
check_exit "force 0 64m" 0 "balloonctl force 0 64m"
check_given "64 MiB forced on vnode 0" 65536 163840
check_exit "force 0 --release" 0 "balloonctl force 0 --release"

targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
end_pattern
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
