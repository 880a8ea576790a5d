# What Xen's own part of an inflate costs, and whether what it does is right: the bare program and the product, with privcmd's
# mover and with the module, in a PVH and in an HVM guest, then thousands of random gives and takes while dom0 holds mappings of single frames. To be run on a Xen as it
# is and on one that removes whole superpages: lab/run --xen built decrease, lab/run --xen patched decrease.
ROUNDS=${ROUNDS:-10000}

# measure NAME: 256 MiB by the bare program and by the product, each three times.
measure() {
    OF=$1.
    remember_pages
    prepare_comparison
    for try in 1 2 3; do
        compare_bare
        figure "$1.bare.give $(milliseconds "$(bare_part inflate give)")"
        figure "$1.bare.take $(milliseconds "$(bare_part deflate take)")"
    done
    check_all_back "$1: the bare program's"
    product_moves "$1" ours privcmd
    check "$1: the module is loaded" guest 'insmod /lib/modules/vnode_balloon.ko'
    product_moves "$1" module module
    check "$1: the module goes" guest 'rmmod vnode_balloon'
}

# product_moves NAME FIGURE MOVER
product_moves() {
    check "$1, $3: the daemon starts" start_counted_daemon
    status
    check_eq "$1: the mover" "$(json backend)" "$3"
    for try in 1 2 3; do
        move_ours 1 $MOVE_KIB
        figure "$1.$2.inflate $(milliseconds "$REACHED - $WRITTEN")"
        check_given "$1, $3: $MOVE_MIB MiB on vnode 1" 0 $MOVE_KIB
        move_ours 1 0
        figure "$1.$2.deflate $(milliseconds "$REACHED - $WRITTEN")"
    done
    move_ours 0 $MOVE_KIB
    check_given "$1, $3: $MOVE_MIB MiB on vnode 0" $MOVE_KIB 0
    check_audit "$1, $3: every frame of it is a hole" $((MOVE_MIB / 2))
    move_ours 0 0
    check "$1, $3: the daemon ends" stop_daemon
    check_all_back "$1, $3: the product's"
}

# interference NAME: what 256 MiB cost a program that writes to memory on the other vCPU.
interference() {
    guest "echo $((MOVE_MIB / 2)) > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
    for try in 1 2 3; do
        guest "beside /huge/beside 1 $((MOVE_MIB / 2)) 16" > /tmp/beside || fail "$1: the program beside"
        for way in rest give take; do
            # Chunks of work in a millisecond, and the longest one, in us.
            figure "$1.beside.$way $(awk -v way=$way '$1 == way { print $3 / $2 * 1e6 }' /tmp/beside)"
            figure "$1.beside.$way.longest $(awk -v way=$way '$1 == way { print $4 / 1e3 }' /tmp/beside)"
            figure "$1.beside.$way.chunks $(awk -v way=$way '$1 == way { print $3 }' /tmp/beside)"
            figure "$1.beside.$way.ms $(awk -v way=$way '$1 == way { print $2 / 1e6 }' /tmp/beside)"
        done
    done
    guest "echo 0 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
    check_all_back "$1: beside the program"
}

# storm NAME SEED: random gives and takes of 32 extents on vnode 1; dom0 holds two frames of each of the first 16.
storm() {
    guest "echo 32 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
    remember_pages
    guest_start churn "churn /huge/churn 1 32 $ROUNDS $2"
    wait_until 20 churn_has_begun || fail "$1: the storm begins"
    foreign "$DOMID" $(guest_log churn | awk '/^first/ { for (i = 2; i < 18; i++) print $i + 7 * i, $i + 511 }') > /tmp/foreign &
    holder=$!
    wait_until 600 churn_has_ended
    said=$(guest_log churn | tail -n 1)
    check_has "$1: $ROUNDS random gives and takes: $said" "$said" "rounds $ROUNDS"
    check_has "$1: no frame was another's" "$said" "lost 0"
    note "$1: while dom0 holds frames: $(($(total_pages) - START_TOTAL)) pages more than before"
    kill $holder
    wait $holder
    check_eq "$1: dom0's mappings stayed what they were" "$(tail -n 1 /tmp/foreign)" "kept 32"
    check_all_back "$1"
    guest "echo 0 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
}
churn_has_begun() { guest_log churn | grep -q first; }
churn_has_ended() { guest "test -s /run/lab/churn.code"; }

# whole NAME: all of it in one guest.
whole() {
    start_guest
    measure "$1"
    interference "$1"
    storm "$1" "$2"
    stop_guest
}

note "Xen: $(xl info xen_version) $(xl info xen_changeset), $(xl info cc_compile_date)"
for GUEST_TYPE in ${GUESTS:-pvh hvm}; do
    seed=20261126
    [ "$GUEST_TYPE" = pvh ] || seed=4711
    whole "$GUEST_TYPE" $seed
done
finish
