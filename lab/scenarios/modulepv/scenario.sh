# The kernel module in a PV guest to which Xen gives two vnodes and Linux one node: exact on each physical node.
start_guest
remember_pages
check "the toolstack gives the guest two vnodes" setvnuma "$DOMID" 512 512
maxmem "$DOMID" $((1024 * 1024 + 1024))
before=$(mem_total)
check_eq "Linux has one node" "$(guest 'ls -d /sys/devices/system/node/node*')" /sys/devices/system/node/node0
check "the module is loaded" guest 'insmod /lib/modules/vnode_balloon.ko'
check_eq "it knows both vnodes, by their frames" "$(state_of vnodes) $(vnode_of 0 flags) $(vnode_of 1 flags)" "2 1 1"
vnb where 0
check_eq "and nothing of where they lie" "$(value home) $(value elsewhere)" "0 0"
check_move "so it gives nothing" hold 1 4 0 9

# --- What is free is exchanged for memory of its vnode's own physical node ------------------------------------------------
for vnode in 0 1; do
    vnb rehome $vnode 400
    check_eq "vnode $vnode is gone through" "$(value reason)" 8
    vnb where $vnode
    note "vnode $vnode: $VNB_ANSWER"
    check_eq "nothing of it is known to lie elsewhere" "$(value elsewhere)" 0
done
# The kernel's own memory stays where it is; by Xen's count nine tenths of vnode 0, which has all of that, are home.
check "nine tenths of either vnode have come home" \
    [ "$(pages 0)" -ge $((131072 * 9 / 10)) -a "$(pages 1)" -ge $((131072 * 9 / 10)) ]
check_eq "as many pages as before" "$(total_pages) $(mem_total)" "$START_TOTAL $before"
remember_pages

# --- Exact ----------------------------------------------------------------------------------------------------------------
start_pattern 400
for vnode in 1 0; do
    check_move "64 MiB of vnode $vnode" hold $vnode 32 32 0
    case $vnode in
        0) check_held "of vnode 0" 32 0 ;;
        1) check_held "of vnode 1" 0 32 ;;
    esac
    check_eq "MemTotal is 64 MiB less" $((before - $(mem_total))) 65536
    check "rmmod is refused" guest '! rmmod vnode_balloon 2> /dev/null'
    check_move "back to vnode $vnode" release $vnode 32 32 0
    check_held "back" 0 0
done
check_move "40 MiB of vnode 1" hold 1 20 20 0
check_held "40 MiB" 0 20
end_pattern
frame=$(guest 'kpage offline first')
check_eq "/proc/kcore reads zeros where nothing is mapped" \
    "$(guest "kpage words $frame 0 4; kpage words $((frame + 511)) 4080 4" | sort -u)" 0

# --- A full machine, Linux's own balloon, memory that is short ------------------------------------------------------------
check "the machine's memory is in use" fill_host 24
vnb release 1 20
held=$(vnode_of 1 held)
check "a full machine gives a part" [ "$held" -gt 0 ]
check_held "what it did not give is held" 0 "$held"
empty_host
vnb release 1 20
check_held "back" 0 0
kernel=/sys/devices/system/xen_memory/xen_memory0
check_move "32 MiB of vnode 0" hold 0 16 16 0
size=$(guest "cat $kernel/info/current_kb")
guest "echo $((size - 32768)) > $kernel/target_kb"
sleep 3
check_eq "Linux's own balloon gives 32 MiB beside it" $((START_TOTAL - $(total_pages))) 16384
vnb audit 0
check_eq "and nothing of what is held" "$VNB_ANSWER" "extents 16 holes 8192 ram 0 other 0"
guest "echo $size > $kernel/target_kb"
sleep 3
vnb release 0 16
check_eq "all back" "$(total_pages) $(mem_total)" "$START_TOTAL $before"
vnb rehome 0 400
vnb rehome 1 400
vnb hold 1 60
check "much is held of vnode 1" [ "$(value "done")" -ge 30 ]
guest "eater $(($(free_mib 0) + 60))" > /tmp/output 2>&1
check_eq "a program that takes 60 MiB more than is free lives ($(cat /tmp/output))" "$? $(oom_kills)" "0 0"
check "some of it came back" [ "$(state_of yielded)" -gt 0 ]
vnb release 1 100

# --- Faults, a module that was made to go ---------------------------------------------------------------------------------
check "the test build is loaded" guest 'rmmod vnode_balloon && insmod /lib/modules/vnode_balloon_test.ko'
vnb rehome 0 400
vnb rehome 1 400
guest 'echo 2 > /sys/module/vnode_balloon/parameters/fault_every'
vnb random 1 100 2 40
guest 'echo 0 > /sys/module/vnode_balloon/parameters/fault_every'
vnb release 0 100
vnb release 1 100
check_eq "100 random moves, every other call of Xen's cut short, then all back" \
    "$(total_pages) $(mem_total) $(state_of lost)" "$START_TOTAL $before 0"
vnb hold 1 16
check "the machine's memory is in use" fill_host 24
guest 'rmmod -f vnode_balloon'
left=$(guest 'kpage offline')
check "some is left behind" [ "$left" -gt 0 ]
guest 'insmod /lib/modules/vnode_balloon.ko'
wait_until 20 looked_at
check_eq "a new load finds it" $(($(state_of adopted) * 512)) "$left"
empty_host
vnb release 1 100
check_eq "all back" "$(total_pages) $(mem_total)" "$START_TOTAL $before"
finish
