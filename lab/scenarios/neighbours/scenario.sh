# Administrators and other software, each doing what they may: the huge page pool is set up and down, others take huge
# pages, caches are dropped and memory is compacted, the daemon is stopped for a minute, memory is not overcommitted,
# Linux's own balloon moves. Nothing is corrupted, and when it ends all is as it should be.
start_guest
remember_pages
check "the daemon starts" start_daemon
check "the guest's memory is in use" start_pattern 96 96
NODES=/sys/devices/system/node
POOL=hugepages/hugepages-2048kB/nr_hugepages

# arrive TEXT KIB0 KIB1: exactly these sizes are reached.
arrive() {
    targets $2 $3
    check "$1: $(($2 / 1024)) MiB on vnode 0 are reached" wait_reached 0 $2
    check "$1: $(($3 / 1024)) MiB on vnode 1 are reached" wait_reached 1 $3
    check_given "$1" $2 $3
}
arrive "at first" 65536 98304

# --- One number, two owners: the administrator's pages, and ours on top ----------------------------------------------

SURPLUS=hugepages/hugepages-2048kB/surplus_hugepages
pools_are() { [ "$(pool_counts)" = "$1 " ]; }
surplus() { guest "cat $NODES/node[01]/$SURPLUS" | tr '\n' ' '; }

# becomes TEXT COUNTS: the pools are so in a moment, all pages and free ones of node 0 and of node 1, and none is surplus.
becomes() {
    wait_until 10 pools_are "$2"
    check_eq "$1: pages and free ones of both nodes" "$(pool_counts)" "$2 "
    check_eq "$1: none is surplus" "$(surplus)" "0 0 "
}

# written TEXT COMMAND COUNTS [MS]: the same after an administrator's command, and how long the guest waits for it.
written() {
    waited=$(guest "$2
        wanted='$3 '
        now() { read -r up rest < /proc/uptime; echo \${up%.*}\${up#*.}; }
        begin=\$(now)
        for try in \$(seq 1 100); do
            is=\$(cat $NODES/node0/hugepages/hugepages-2048kB/nr_hugepages \\
                $NODES/node0/hugepages/hugepages-2048kB/free_hugepages \\
                $NODES/node1/hugepages/hugepages-2048kB/nr_hugepages \\
                $NODES/node1/hugepages/hugepages-2048kB/free_hugepages | tr '\\n' ' ')
            [ \"\$is\" = \"\$wanted\" ] && break
            sleep 0.05
        done
        echo \$((\$(now) - begin))0")
    note "$1: put right after $waited ms"
    becomes "$1" "$3"
    check_le "$1: put right within so many ms" "$waited" "${4:-2000}"
}

# The administrator's are 20 of node 0 and 30 of node 1, ours 32 and 48.
targets 0 0
check "no balloon: vnode 0" wait_reached 0 0
check "no balloon: vnode 1" wait_reached 1 0
guest "echo 20 > $NODES/node0/$POOL; echo 30 > $NODES/node1/$POOL"
check_eq "an administrator's pools" "$(pool_counts)" "20 20 30 30 "
arrive "beside the administrator's pages" 65536 98304
check_eq "beside the administrator's pages: ours come on top" "$(pool_counts)" "52 20 78 30 "

written "sysctl writes the same number again" "echo 50 > /proc/sys/vm/nr_hugepages" "52 20 78 30"
check_has "the log tells" "$(guest_log daemon)" "another program wrote nr_hugepages"
guest_start huge "pattern 1 40 7 huge"
check "a program gets 20 huge pages of node 1" wait_until 20 guest 'grep -q ready /run/lab/huge.log'
written "and again, with pages in use" "echo 50 > /proc/sys/vm/nr_hugepages" "52 20 78 10"
check_audit "with pages in use" 80

# Less than the program uses: the pages beyond are surplus, as without our balloon.
guest "echo 0 > /proc/sys/vm/nr_hugepages"
check "no number for the administrator: ours stay" wait_until 10 pools_are "32 0 68 0"
surplus_is() { [ "$(surplus)" = "$1 " ]; }
check "only the program's pages are surplus ($(surplus))" wait_until 10 surplus_is "0 20"
guest_end huge
huge_code=$?
check_eq "its memory is whole ($(guest_log huge | tail -n 1))" $huge_code 0
becomes "without the program" "32 0 48 0"

written "a node's number" "echo 8 > $NODES/node0/$POOL" "40 8 48 0"
written "the other node's number" "echo 60 > $NODES/node1/$POOL" "40 8 108 60"
arrive "with such pools" 32768 81920
check_eq "with such pools: the numbers stay" "$(pool_counts)" "24 8 100 60 "
arrive "with such pools" 65536 98304
check_eq "with such pools: the numbers stay" "$(pool_counts)" "40 8 108 60 "
written "a smaller number" "echo 12 > $NODES/node1/$POOL" "40 8 60 12"
# The kernel spreads it over the nodes, by what is in use there.
written "a number for all nodes" "echo 40 > /proc/sys/vm/nr_hugepages" "44 12 76 28"

# Pages that a program has mapped and not touched are promised to it.
guest_start late "pattern 1 20 9 promised"
check "a program maps 10 huge pages" wait_until 20 guest 'grep -q promised /run/lab/late.log'
written "the same number, with promised pages" "echo 40 > /proc/sys/vm/nr_hugepages" "44 12 76 28"
arrive "with promised pages" 81920 65536
arrive "with promised pages" 65536 98304
check_eq "with promised pages: the numbers stay" "$(pool_counts)" "44 12 76 28 "
guest "kill -USR1 $(guest_pid late)"
check "it gets them" wait_until 20 guest 'grep -q ready /run/lab/late.log'
check_eq "it has them" "$(pool_counts)" "44 12 76 18 "
guest_end late
late_code=$?
check_eq "their memory is whole ($(guest_log late | tail -n 1))" $late_code 0

# In the middle of moves.
targets 0 131072
sleep 0.1
guest "echo 24 > /proc/sys/vm/nr_hugepages"
targets 98304 32768
sleep 0.1
guest "echo 30 > /proc/sys/vm/nr_hugepages"
arrive "written while the balloons move" 65536 98304
sums() { set -- $(pool_counts); echo "$(($1 + $3)) $(($2 + $4))"; }
sums_are() { [ "$(sums)" = "$1" ]; }
wait_until 10 sums_are "110 30"
check_eq "written while the balloons move: pages and free ones" "$(sums)" "110 30"
check_eq "written while the balloons move: none is surplus" "$(surplus)" "0 0 "

# Over the end of a daemon: while none runs, and right before the end of one.
written "before a kill" "echo 12 > $NODES/node0/$POOL; sleep 2; echo 24 > $NODES/node1/$POOL" "44 12 72 24" 4000
check "the daemon is killed" kill_daemon
guest "echo 36 > /proc/sys/vm/nr_hugepages"
check "the daemon starts again" start_daemon
becomes "the same number while no daemon runs" "44 12 72 24"
check "the daemon is killed" kill_daemon
guest "echo 16 > $NODES/node1/$POOL"
check "the daemon starts again" start_daemon
becomes "a node's number while no daemon runs" "44 12 64 16"
guest "echo 0 > $NODES/node0/$POOL; kill -KILL $(guest_pid daemon)"
check "the daemon starts again" start_daemon
becomes "a number right before a kill" "32 0 64 16"
check "the daemon ends" stop_daemon
check "the daemon starts again" start_daemon
becomes "a daemon that ends and starts" "32 0 64 16"
check_audit "after all of these numbers" 80
check_agree "after all of these numbers"
arrive "all back" 0 0
check_eq "all back: what is left is the administrator's" "$(pool_counts)" "0 0 16 16 "
guest "echo 0 > $NODES/node1/$POOL"
check_all_back "all back"

# --- Another user of huge pages --------------------------------------------------------------------------------------

arrive "before the other user" 65536 65536
written "12 for another program" "echo 12 > $NODES/node1/$POOL" "32 0 44 12"
guest_start huge "pattern 1 24 7 huge"
check "another program takes 12 huge pages of node 1" wait_until 20 guest 'grep -q ready /run/lab/huge.log'
arrive "beside it" 32768 98304
arrive "beside it" 81920 0
check_eq "beside it: the program's pages stay" "$(pool_counts)" "40 0 12 0 "
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
