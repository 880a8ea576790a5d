# Administrators and other software, each doing what they may: the huge page pool is set up and down, others take huge
# pages, caches are dropped and memory is compacted, the daemon is stopped for a minute, memory is not overcommitted,
# Linux's own balloon moves. Nothing is corrupted, and when it ends all is as it should be.
start_guest
remember_pages
check "the daemon starts" start_daemon
check "the guest's memory is in use" start_pattern 96 96
NODES=/sys/devices/system/node
POOL=hugepages/hugepages-2048kB/nr_hugepages

# arrive TEXT KIB0 KIB1: there and nothing else.
arrive() {
    targets $2 $3
    check "$1: $(($2 / 1024)) MiB on vnode 0 are reached" wait_reached 0 $2
    check "$1: $(($3 / 1024)) MiB on vnode 1 are reached" wait_reached 1 $3
    check_given "$1" $2 $3
}
arrive "at first" 65536 98304

# --- The pool: ours is 32 pages of node 0 and 48 of node 1 -----------------------------------------------------------

# Less than what is in use: Linux counts the rest as surplus, and cannot grow one node's pool by an exact number then.
guest "echo 8 > $NODES/node0/$POOL; echo 60 > $NODES/node1/$POOL"
check_given "node 0's pool set to 8, node 1's to 60" 65536 98304
arrive "with such pools" 32768 81920
targets 32768 98304
check "no more is given with such pools" wait_row 1 reason no-memory
check_given "no more is given with such pools" 32768 81920
guest "echo 40 > $NODES/node0/$POOL"
check "with room in the pools again, it goes on by itself" wait_reached 1 98304 90
arrive "with room in the pools again" 65536 98304
guest "echo 0 > /proc/sys/vm/nr_hugepages"
check_given "the whole pool set to 0" 65536 98304
arrive "the whole pool set to 0" 16384 65536
guest "echo 120 > /proc/sys/vm/nr_hugepages"
arrive "the whole pool set to 120" 49152 98304
guest "echo 0 > $NODES/node0/$POOL; echo 0 > $NODES/node1/$POOL"
check_audit "both nodes' pools set to 0" 72
check_agree "both nodes' pools set to 0"
arrive "all back" 0 0
# Before Linux 6.6 a write to one node counts the surplus pages of the others in: node 1 was left with as many as node 0 had.
guest "echo 0 > $NODES/node1/$POOL"
check_all_back "all back"

# --- Another user of huge pages --------------------------------------------------------------------------------------

arrive "before the other user" 65536 65536
ours=$(guest "cat $NODES/node1/$POOL")
guest "echo $((ours + 12)) > $NODES/node1/$POOL"
guest_start huge "pattern 1 24 7 huge"
check "another program takes 12 huge pages of node 1" wait_until 20 guest 'grep -q ready /run/lab/huge.log'
arrive "beside it" 32768 98304
arrive "beside it" 81920 0
guest "echo 0 > $NODES/node1/$POOL"
guest_end huge
huge_code=$?
check_eq "its memory is whole ($(guest_log huge | tail -n 1))" $huge_code 0
arrive "after it" 0 0
guest "echo 0 > $NODES/node1/$POOL"
check_all_back "after it"

# One that takes what is free in the pool at any moment: what we grow it by, and what we free. What it took stays in the
# pool: nobody can tell that from what an administrator set aside.
guest_start grab "grabber 1 20 40"
arrive "beside one that grabs what is free" 32768 98304
arrive "beside one that grabs what is free" 65536 32768
arrive "beside one that grabs what is free" 32768 81920
arrive "beside one that grabs what is free" 65536 16384
arrive "beside one that grabs what is free" 65536 65536
check_audit "beside one that grabs what is free" 64
guest_end grab
grab_code=$?
check_eq "what it grabbed was its own ($(guest_log grab))" $grab_code 0
# The pool was empty: all that it had was made, or freed, by us.
grabbed=$(guest_log grab | sed 's/.*pages, \([0-9]*\) at once.*/\1/')
check "it grabbed pages of ours ($grabbed)" [ "$grabbed" -ge 1 ]
arrive "after it" 0 0
check_le "after it: pages left in the pool of node 1" "$(guest "cat $NODES/node1/$POOL")" "$grabbed"
guest "echo 0 > $NODES/node1/$POOL"
check_all_back "after it"

# --- Caches, compaction, a stopped daemon ----------------------------------------------------------------------------

guest_start churn 'sh -c "while :; do echo 3 > /proc/sys/vm/drop_caches; echo 1 > /proc/sys/vm/compact_memory;
    sleep 0.05; done"'
arrive "caches dropped and memory compacted all the time" 98304 65536
arrive "caches dropped and memory compacted all the time" 32768 114688
check_audit "caches dropped and memory compacted all the time" 72
guest_end churn > /dev/null

targets 98304 49152
sleep 0.1
guest "kill -STOP $(guest_pid daemon)"
sleep 60
targets 65536 65536
check_exit "status while the daemon is stopped" 75 "balloonctl status"
guest "kill -CONT $(guest_pid daemon)"
arrive "after a minute's stop" 65536 65536
check_audit "after a minute's stop" 64

# --- No overcommitment -----------------------------------------------------------------------------------------------

limit() { guest "awk '/CommitLimit/ { print int(\$2 / 1024) }' /proc/meminfo"; }
guest "echo 2 > /proc/sys/vm/overcommit_memory"
before=$(limit)
arrive "vm.overcommit_memory = 2" 98304 98304
note "vm.overcommit_memory = 2: CommitLimit $before MiB at 128 MiB of balloons, $(limit) MiB at 192"
check "CommitLimit falls as the balloons grow" [ "$(limit)" -lt $before ]
guest "echo 0 > /proc/sys/vm/overcommit_memory"
arrive "overcommitted again" 65536 65536

# --- Linux's own balloon ---------------------------------------------------------------------------------------------

total=$(total_pages)
xl mem-set g1 960
is_total() { [ "$(total_pages)" = "$1" ]; }
check "xl mem-set: Linux's own balloon gives 64 MiB beside ours" wait_until 30 is_total $((total - 16384))
check_row "xl mem-set" 0 65536 idle
check_row "xl mem-set" 1 65536 idle
check_has "the log warns of it" "$(guest_log daemon)" "memory/target changed"
status
check_eq "status shows it" "$(json domain.legacy_target_kib)" $((960 * 1024))
targets 32768 81920
check "xl mem-set: 32 MiB on vnode 0 are reached" wait_reached 0 32768
check "xl mem-set: 80 MiB on vnode 1 are reached" wait_reached 1 81920
check_eq "xl mem-set: ours moved, and nothing else" "$(total_pages)" $((total - 16384 + (131072 - 114688) / 4))
check_audit "xl mem-set" 56
check_eq "nothing has drifted yet" "$(json drifted_kib)" 0
before=$(page_counts)
xl mem-set g1 1024
check "xl mem-set back" wait_until 30 is_total $((total + (131072 - 114688) / 4))
# Linux's balloon took back what it had given, from wherever there was room.
note "pages on pnode 0 and 1: $before before, $(page_counts) after"
drift_is() { status && [ "$(json drifted_kib)" = "$1" ]; }
check "status tells how much may lie elsewhere now" wait_until 5 drift_is 65536
check_eq "xenstore tells it" "$(xenstore-read $D/data/balloon-vnode/drifted)" 65536
check_has "the log warns of it" "$(guest_log daemon)" "drifted: Linux's own balloon took memory back"
check_has "so does status" "$(guest balloonctl status)" "warning: drifted: Linux's own balloon took back 64 MiB"
targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
end_pattern
check "the daemon ends" stop_daemon
# Linux's own balloon takes its pages from any physical node.
check_eq "at the end: all memory is back" "$(total_pages)" "$START_TOTAL"
check_eq "at the end: the nodes' 2 MiB pools are as they were" "$(pool_counts)" "$START_POOL"
finish
