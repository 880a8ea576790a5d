# The daemon with the kernel module in a PVH guest with two vnodes that keeps privcmd shut, and in one where privcmd's mover
# has given before.

# mover_is TEXT: status and doctor say so.
mover_is() {
    status
    check_eq "$1: status says which mover" "$(json backend)" module
    check_exit "$1: doctor" 0 "balloonctl doctor"
    check_has "$1: doctor says which mover" "$(cat /tmp/output)" "mover-module"
}

# nothing_else TEXT: nothing that the privcmd mover needs exists.
nothing_else() {
    check_eq "$1: nothing of huge pages is mounted" "$(guest 'grep -c hugetlbfs /proc/mounts')" 0
    check_eq "$1: the 2 MiB pools are as they were" "$(pool_counts)" "$START_POOL"
    check_eq "$1: no holder runs" \
        "$(guest 'for p in /proc/[0-9]*; do tr "\0" " " < $p/cmdline 2> /dev/null | grep "^[^ ]*[b]alloonctl hold"; done')" ""
    check_eq "$1: no pipe pins anything" "$(guest 'ls -l /proc/$(cat /run/lab/daemon.pid)/fd 2> /dev/null | grep -c pipe:')" 0
}

row_passes() { [ "$(row "$1" size)" -gt "$2" ]; }

PRIVCMD=locked
start_guest
remember_pages
start=$(memory_figures)
# shellcheck disable=SC2086 # MemTotal, of node 0, of node 1, PageOffline
set -- $start
check "privcmd is shut" [ "$(guest 'probe reservation')" -lt 0 ]
check_exit "without the module the daemon does not run" 69 "balloonctl daemon"
check_has "it names one cure" "$(cat /tmp/output)" "xen_privcmd.unrestricted=1"
check_has "and the other" "$(cat /tmp/output)" "modprobe vnode_balloon"
check_exit "mover = module says what is missing" 69 "balloonctl daemon --mover module"
check_has "by name" "$(cat /tmp/output)" "modprobe vnode_balloon"
check_exit "a mover that there is not" 64 "balloonctl daemon --mover magic"
check_exit "Linux's own balloon is nothing for two vnodes" 69 "balloonctl daemon --mover kernel"
check "the module is loaded" guest 'insmod /lib/modules/vnode_balloon.ko'

# --- Targets --------------------------------------------------------------------------------------------------------------
check "the daemon starts" start_daemon
mover_is "at the start"
check_eq "vnodes and nodes are the module's" "$(json vnodes.0.linux_node) $(json vnodes.1.linux_node)" "0 1"
targets 65536 131072
check "the target of vnode 0 is reached" wait_reached 0 65536
check "the target of vnode 1 is reached" wait_reached 1 131072
check_held "targets" 32 64
check_agree "targets"
check_audit "targets" 96
check_eq "MemTotal, node by node, and PageOffline say the same" "$(memory_figures)" \
    "$(($1 - 196608)) $(($2 - 65536)) $(($3 - 131072)) $(($4 + 49152)) "
nothing_else "with the daemon"
check_json given-1 75 "balloonctl given --json"
check_json explain-1 0 "balloonctl status --explain --json"
check_has "audit says which mover" "$(guest balloonctl audit)" "module"
guest 'balloonctl metrics' > /tmp/output
check_has "so do metrics" "$(cat /tmp/output)" 'backend="module"'

check_exit "a holder would have nothing to keep, and ends" 0 "timeout 10 balloonctl hold"

# --- SIGKILL, and another start -------------------------------------------------------------------------------------------
check "the daemon is killed" kill_daemon
check_held "nobody runs" 32 64
status
check_eq "a command finds the same" "$(json vnodes.0.balloon_kib) $(json vnodes.1.balloon_kib) $(json daemon)" \
    "65536 131072 false"
check "it starts again, slowly" start_daemon --max-rate 48
check_row "found again" 0 65536 idle
check_row "found again" 1 131072 idle
targets 131072 196608
check "it is on its way" wait_until 60 row_passes 0 65536
check "killed in the middle" kill_daemon
held=$(($(vnode_of 0 held) + $(vnode_of 1 held)))
check "in the middle of the move ($held extents)" [ "$held" -gt 96 -a "$held" -lt 160 ]
check_held "after it" "$(vnode_of 0 held)" "$(vnode_of 1 held)"
check "it starts again" start_daemon
check "the target of vnode 0 is reached" wait_reached 0 131072
check "the target of vnode 1 is reached" wait_reached 1 196608
check_held "both" 64 96
check_audit "both" 160

# --- Memory is short ------------------------------------------------------------------------------------------------------
guest "eater $(($(free_mib 0) + $(free_mib 1) + 100))" > /tmp/output 2>&1
check_eq "a program that takes 100 MiB more than is free lives ($(cat /tmp/output))" "$? $(oom_kills)" "0 0"
check "some came back" [ "$(state_of yielded)" -gt 0 ]
check "the target of vnode 0 is reached again" wait_reached 0 131072 180
check "the target of vnode 1 is reached again" wait_reached 1 196608 180
check_held "after the shortage" 64 96

# --- An administrator -----------------------------------------------------------------------------------------------------
check_json vnode-1 0 "balloonctl force 1 64m --json"
check_held "forced" 64 32
check "the daemon ends" stop_daemon
check_row "stopped" 0 131072 stopped
check_held "stopped" 64 32
nothing_else "without a daemon"
check_exit "deflate --all without a daemon" 0 "balloonctl deflate --all"
check_held "all back" 0 0
check_json given-1 0 "balloonctl given --json"
check_eq "all as it was" "$(memory_figures)" "$start"
check_exit "deflate --release" 0 "balloonctl deflate --release"
targets 0 0
check "the daemon starts" start_daemon
check_exit "deflate --all with the daemon" 0 "balloonctl deflate --all"
check "the daemon ends" stop_daemon
check "nothing is held, and the module goes" guest 'rmmod vnode_balloon'
check_all_back "without the module"
stop_guest

# --- One that privcmd's mover gave from -----------------------------------------------------------------------------------
PRIVCMD=open
start_guest
remember_pages
check "the daemon starts, without the module" start_daemon
status
check_eq "privcmd as before" "$(json backend)" privcmd
targets 65536 0
check "the target is reached" wait_reached 0 65536
check "the daemon ends" stop_daemon
check "the module is loaded" guest 'insmod /lib/modules/vnode_balloon.ko'
check "the daemon starts again" start_daemon
status
check_eq "it goes on with the mover that gave" "$(json backend)" privcmd
check_has "it says how to change over" "$(guest_log daemon)" "to change over"
check_exit "doctor advises it" 0 "balloonctl doctor"
check_has "in the same words" "$(cat /tmp/output)" "to change over"
targets 131072 0
check "a new target is reached" wait_reached 0 131072
check "the daemon ends" stop_daemon
check_exit "one with mover = module does not begin" 69 "balloonctl daemon --mover module"
check_has "it says what to do" "$(cat /tmp/output)" "take it back first (balloonctl deflate --all"
check_given "nothing moved" 131072 0
check_exit "deflate --all takes back what privcmd's mover gave" 0 "balloonctl deflate --all"
check_exit "deflate --release" 0 "balloonctl deflate --release"
check_all_back "taken back"
check "now the daemon starts" start_daemon
mover_is "afterwards"
targets 65536 32768
check "the target of vnode 0 is reached" wait_reached 0 65536
check "the target of vnode 1 is reached" wait_reached 1 32768
check_held "by the module" 32 16
status
check_eq "with privcmd open, all memory is accounted for, too" "$(json unaccounted_kib)" 0
check "the daemon ends" stop_daemon
check_exit "privcmd's mover does not begin beside what the module holds" 69 "balloonctl daemon --mover privcmd"
check_has "it says what to do" "$(cat /tmp/output)" "the kernel module holds"
check_exit "deflate --all" 0 "balloonctl deflate --all"
check_all_back "at the end"
finish
