# The kernel module in a PVH guest with two vnodes that keeps privcmd shut: exact by Xen's count, in all events that
# concern held memory.
memory=/sys/devices/system/memory
test_build=/lib/modules/vnode_balloon_test.ko

start_guest
remember_pages
start=$(memory_figures)
# shellcheck disable=SC2086 # MemTotal, of node 0, of node 1, PageOffline
set -- $start
check "privcmd is shut" [ "$(guest 'probe reservation')" -lt 0 ]
check "the module is loaded" guest 'insmod /lib/modules/vnode_balloon.ko'
check_eq "its device is root's alone" "$(guest 'stat -c %a:%u /dev/vnode-balloon')" "600:0"
check_eq "each vnode is a node of Linux" "$(vnode_of 0 node) $(vnode_of 1 node) $(vnode_of 0 flags)" "0 1 0"
check_eq "the reservation is Xen's" "$(state_of reservation)" "$(total_pages)"

# --- Exact ----------------------------------------------------------------------------------------------------------------
check_move "64 extents of vnode 1" hold 1 64 64 0
check_move "32 of vnode 0" hold 0 32 32 0
check_held "held" 32 64
check_eq "MemTotal, node by node, and PageOffline say the same" "$(memory_figures)" \
    "$(($1 - 196608)) $(($2 - 65536)) $(($3 - 131072)) $(($4 + 49152)) "
frame=$(guest 'kpage offline first')
check_eq "/proc/kcore reads zeros" "$(guest "kpage words $frame 0 4" | sort -u)" 0
check "rmmod is refused" guest '! rmmod vnode_balloon 2> /dev/null'
for at in 0 511; do
    check "soft offline of frame +$at is refused" \
        guest "! echo $(((frame + at) * 4096)) > $memory/soft_offline_page 2> /dev/null"
done
check "a memory block that has some of it stays online" \
    guest "! timeout 5 sh -c 'echo offline > $memory/memory$((frame / 32768))/state' 2> /dev/null"
check_held "after all that" 32 64
check_move "all of vnode 1 back" release 1 64 64 0
check_move "40 of 32 are 32" release 0 40 32 8
check_held "back" 0 0
check_eq "all as it was" "$(memory_figures)" "$start"

guest 'mkdir /run/cg; mount -t cgroup2 none /run/cg; echo +cpuset > /run/cg/cgroup.subtree_control; mkdir /run/cg/a;
    echo 0 > /run/cg/a/cpuset.mems'
guest 'echo $$ > /run/cg/a/cgroup.procs; exec vnbctl hold 1 4' > /tmp/output
check_has "a caller who may only use node 0 can give memory of node 1" "$(cat /tmp/output)" "done 4 reason 0"
check_move "and take it back" release 1 4 4 0

# --- At the maximum -------------------------------------------------------------------------------------------------------
check_move "8 of vnode 1" hold 1 8 8 0
most=$(maxmem "$DOMID")
maxmem "$DOMID" $(($(total_pages) * 4))
check_move "a domain at its maximum takes nothing back, and says so" release 1 8 0 3
maxmem "$DOMID" "$most"
check_move "with its maximum back it does" release 1 8 8 0

# --- Faults, killed callers -----------------------------------------------------------------------------------------------
check "the test build is loaded" guest "rmmod vnode_balloon && insmod $test_build plant_hole=1"
check_move "a hole in the second extent of eight: that one is given frame by frame" hold 1 8 2 2
check_held "after the fault" 0 2
check_move "six more" hold 1 6 6 0
guest 'echo 1 > /sys/module/vnode_balloon/parameters/plant_ram'
check_move "half are taken, and half of the extent behind: that is made a hole, and all come back" release 1 8 8 0
check_held "no page was populated twice" 0 0
guest 'echo 2 > /sys/module/vnode_balloon/parameters/fault_every'
vnb random 1 200 2 40
guest 'echo 0 > /sys/module/vnode_balloon/parameters/fault_every'
vnb release 0 100
vnb release 1 100
check_held "200 random moves, every other call of Xen's cut short, then all back" 0 0
guest 'for i in 1 2 3 4; do (vnbctl random $i 60 2 40 > /dev/null) & done
    for i in 1 2 3 4 5 6 7 8; do vnbctl hold 1 40 > /dev/null & p=$!; usleep 40000; kill -9 $p
        vnbctl release 1 40 > /dev/null & p=$!; usleep 5000; kill -9 $p; done; wait' > /dev/null 2>&1
check_held "16 callers killed in the middle beside four others" "$(vnode_of 0 held)" "$(vnode_of 1 held)"
vnb release 0 200
vnb release 1 200
check_eq "all as it was" "$(memory_figures)" "$start"
check "the product is loaded again" guest 'rmmod vnode_balloon && insmod /lib/modules/vnode_balloon.ko'

# --- Hibernation, and a full machine --------------------------------------------------------------------------------------
vnb hold 1 32
guest 'echo freezer > /sys/power/pm_test; echo disk > /sys/power/state' > /dev/null 2>&1
check_held "hibernation takes all back first" 0 0
vnb hold 1 32
vnb hold 0 8
check "the machine's memory is in use" fill_host 24
check "hibernation is refused" guest '! echo disk > /sys/power/state 2> /dev/null'
guest 'echo none > /sys/power/pm_test'
check "a full machine gives a part" [ "$(vnode_of 1 held)" -gt 0 ]
check_held "what it did not give is held" "$(vnode_of 0 held)" "$(vnode_of 1 held)"
left=$(($(vnode_of 0 held) + $(vnode_of 1 held)))
check "rmmod -f cannot take it back" guest 'rmmod -f vnode_balloon'
check_eq "all is left behind, offline, without a module" "$(($(guest 'kpage offline') - $4))" $((left * 512))
guest 'echo 1 > /proc/sys/vm/compact_memory; echo 3 > /proc/sys/vm/drop_caches'
check "loaded again" guest 'insmod /lib/modules/vnode_balloon.ko'
wait_until 20 looked_at
check_eq "it finds them" "$(state_of adopted)" $left
check_held "adopted" "$(vnode_of 0 held)" "$(vnode_of 1 held)"
empty_host
vnb release 1 100
vnb release 0 100
check_held "all back" 0 0
check_eq "all as it was" "$(memory_figures)" "$start"

# --- Memory is short ------------------------------------------------------------------------------------------------------
vnb hold 0 90
vnb hold 1 90
check_held "180 MiB of each" 90 90
guest_start waiter 'vnbctl wait 60'
guest "eater $(($(free_mib 0) + $(free_mib 1) + 120))" > /tmp/output 2>&1
check_eq "a program that takes 120 MiB more than is free lives ($(cat /tmp/output))" "$? $(oom_kills)" "0 0"
check "some of it came back" [ "$(state_of yielded)" -gt 0 ]
check_eq "whoever waits is told" "$(guest 'cat /run/lab/waiter.code')" 0
check_held "after it" "$(vnode_of 0 held)" "$(vnode_of 1 held)"
held=$(vnode_of 0 held)
vnb hold 1 $((90 - $(vnode_of 1 held)))
guest "eater $(($(free_mib 1) + 60)) 1" > /tmp/output 2>&1
check_eq "one that is bound to node 1, too ($(cat /tmp/output))" "$? $(oom_kills)" "0 0"
check_eq "and node 0's balloon is as it was" "$(vnode_of 0 held)" "$held"
vnb release 1 100
vnb release 0 100
check_held "all back" 0 0

# --- Lockdown -------------------------------------------------------------------------------------------------------------
guest 'mount -t securityfs none /sys/kernel/security; echo integrity > /sys/kernel/security/lockdown'
check_move "a locked-down kernel holds" hold 1 4 4 0
check_move "and takes back" release 1 4 4 0
check "an unsigned module is not loaded then" guest 'rmmod vnode_balloon; ! insmod /lib/modules/vnode_balloon.ko 2> /dev/null'
check_all_back "at the end"
finish
