# What a Xen that removes whole superpages must not break, whoever else has to do with the memory: thousands of random gives
# and takes while dom0 holds frames by foreign mappings and by grants, with a PV guest beside it; in guests that were started
# with less memory than their maximum (populate on demand); while Xen logs dirty pages at any moment, as for a migration. On a
# Xen with its own assertions: lab/run --xen patched-debug cases.
ROUNDS=${ROUNDS:-10000}
POOL=/sys/devices/system/node

# storm NAME NODE SEED [grants]: random gives and takes of 32 extents; NODE is `-` in a guest without virtual NUMA.
begin_storm() {
    node=$2
    [ "$node" != - ] || node=0
    guest "mkdir -p /huge; grep -q ' /huge ' /proc/mounts || mount -t hugetlbfs none /huge
        echo 33 > $POOL/node$node/hugepages/hugepages-2048kB/nr_hugepages"
    remember_pages
    guest_start churn "churn /huge/churn $2 32 $ROUNDS $3 $4"
    wait_until 20 churn_has_begun || fail "$1: the storm begins ($(guest_log churn))"
}
end_storm() {
    wait_until 900 churn_has_ended
    said=$(guest_log churn | tail -n 1)
    check_has "$1: $ROUNDS random gives and takes: $said" "$said" "rounds $ROUNDS"
    check_has "$1: no frame was another's" "$said" "lost 0"
}
churn_has_begun() { guest_log churn | grep -q first; }
churn_has_ended() { guest "test -s /run/lab/churn.code"; }
# whole_again NAME: Xen may take pages back from any physical node in a guest without virtual NUMA, and lists those only that
# are populated; all that the domain has is counted.
whole_again() {
    check_total "$1" 0
    check_eq "$1: the node's 2 MiB pool is as it was" "$(pool_counts)" "$START_POOL"
}
empty_pool() { guest "echo 0 > $POOL/node$node/hugepages/hugepages-2048kB/nr_hugepages"; }

# hold_frames NAME: dom0 maps two frames of each of 16 extents, and two others of them that are granted to it.
hold_frames() {
    foreign "$DOMID" $(guest_log churn | awk '/^first/ { for (i = 2; i < 18; i++) print $i + 7 * i, $i + 511 }') > /tmp/foreign 2>&1 &
    foreign=$!
    foreign "$DOMID" grants $(guest_log churn | sed -n 's/^grants//p') > /tmp/granted 2>&1 &
    granted=$!
    wait_until 10 grep -q holding /tmp/granted || fail "$1: dom0 maps what is granted ($(cat /tmp/granted))"
}
let_go() {
    note "$1: while dom0 holds frames: $(($(total_pages) - START_TOTAL)) pages more than before"
    kill $foreign $granted
    wait $foreign $granted
    check_eq "$1: dom0's foreign mappings stayed what they were" "$(tail -n 1 /tmp/foreign)" "kept 32"
    check_eq "$1: the granted frames stayed what they were" "$(tail -n 1 /tmp/granted)" "kept 32"
}

# held NAME SEED
held() {
    begin_storm "$1" 1 "$2" grants
    hold_frames "$1"
    end_storm "$1"
    let_go "$1"
    check_all_back "$1"
    empty_pool
}

# --- A PV guest beside all of it, with memory in use and a balloon that moves ---------------------------------------------

GUEST_TYPE=pv VNODES=384
start_guest
xl rename g1 beside
PV=$DOMID PV_D=$D
guest_start held "pattern 0 64 5"
wait_until 30 guest 'grep -q ready /run/lab/held.log' || fail "the PV guest's memory is in use"
while sleep 0.5; do
    xl mem-set beside 320
    sleep 0.5
    xl mem-set beside 384
done > /dev/null 2>&1 &
mover=$!

# --- Grants and foreign mappings --------------------------------------------------------------------------------------

GUEST_TYPE=pvh VNODES="512 512"
start_guest
held pvh 20261127
stop_guest
GUEST_TYPE=hvm
start_guest
held hvm 815
stop_guest

# --- Populate on demand, and the log of dirty pages ---------------------------------------------------------------------

# dirty NAME SEED: while Xen logs dirty pages, at any moment.
dirty() {
    begin_storm "$1" - "$2"
    logdirty "$DOMID" "$2" > /tmp/logdirty 2>&1 &
    logger=$!
    end_storm "$1"
    kill $logger
    wait $logger
    check_has "$1: Xen logged dirty pages meanwhile: $(tail -n 1 /tmp/logdirty)" "$(tail -n 1 /tmp/logdirty)" turns
    whole_again "$1"
    empty_pool
}

for GUEST_TYPE in pvh-plain hvm-plain; do
    VNODES=512 MAXMEM=768
    start_guest
    begin_storm "$GUEST_TYPE, populated on demand" - 99
    end_storm "$GUEST_TYPE, populated on demand"
    whole_again "$GUEST_TYPE, populated on demand"
    empty_pool
    dirty "$GUEST_TYPE, dirty pages logged" 7
    stop_guest
done

kill $mover
wait $mover 2> /dev/null
DOMID=$PV D=$PV_D
guest_end held
held_code=$?
check_eq "the PV guest's memory is whole ($(guest_log held | tail -n 1))" $held_code 0
xl destroy beside
DOMID=
finish
