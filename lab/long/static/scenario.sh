# shellcheck shell=sh
# The static binary (`make static`) in the guest and in dom0: for distributions with another C library than the one it was built
# with, or none. What it asks of Xen, Linux and xenstore is as exact as what the other one asks.
host 0 "it runs in dom0, as the toolstack's half" doctor
start_guest
remember_pages
check_exit "it runs in the guest" 0 "balloonctl doctor"
host 0 "dom0 prepares the guest" prepare --all
check "the daemon starts" start_daemon
wait_until 20 feature_is 1
host 0 "and takes what it has for its target" prepare --all
check_eq "it has no library in its memory" "$(guest "grep -c '[.]so' /proc/$(guest_pid daemon)/maps")" 0
check "the guest's memory is in use" start_pattern 64 64
host 0 "96 MiB of one vnode, 128 MiB of the other" set g1 --vnode 0=96m --vnode 1=128m --wait
check_given "96 and 128 MiB" 98304 131072
check_audit "96 and 128 MiB" 112
check "the daemon is killed" kill_daemon
check "the daemon starts again" start_daemon
check_given "after SIGKILL" 98304 131072
check_exit "force 0 64m" 0 "balloonctl force 0 64m"
check_given "64 MiB forced on vnode 0" 65536 131072
check_exit "force 0 --release" 0 "balloonctl force 0 --release"
host 0 "all of it back" set g1 --total 0 --wait
end_pattern
host 0 "figures for Prometheus" metrics
tell_metrics host /tmp/host.out
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
