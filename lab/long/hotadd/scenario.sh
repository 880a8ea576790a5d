# Memory that Linux's own balloon hot-adds while the daemon runs. It lies behind all vnodes, and Linux counts it to a node.
start_guest
MEMORY=/sys/devices/system/memory
ADDED=131072

check "the daemon starts" start_daemon
targets 65536 65536
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check "64 MiB on vnode 1 are reached" wait_reached 1 65536
before=$(total_pages)

# hot_add: the toolstack raises all three numbers, and Linux makes a memory block and populates it.
hot_add() {
    guest "echo online > $MEMORY/auto_online_blocks" || return 1
    static_max=$(xenstore-read $D/memory/static-max)
    maxmem "$DOMID" $(($(maxmem "$DOMID") + ADDED)) || return 1
    xenstore-write $D/memory/static-max $((static_max + ADDED)) $D/memory/target $((static_max + ADDED))
}
is_added() { [ $(($(total_pages) - before)) = $((ADDED / 4)) ]; }
check "the toolstack raises the guest's memory by 128 MiB" hot_add
check "Xen counts 128 MiB more" wait_until 20 is_added
xenstore-rm $D/memory/target

check_has "doctor names it" "$(guest balloonctl doctor)" "hot-added memory behind all vnodes, up to 128 MiB"
# Xen's count, by node: what is hot-added has memory of any physical node.
node0=$(pages 0) node1=$(pages 1)
targets 98304 98304
check "96 MiB on vnode 1 are reached" wait_reached 1 98304
check "96 MiB on vnode 0 are reached" wait_reached 0 98304
check_eq "pnode 0 has 32 MiB more" $(((node0 - $(pages 0)) * 4)) 32768
check_eq "pnode 1 has 32 MiB more" $(((node1 - $(pages 1)) * 4)) 32768
note "vnode 0: $(row 0 state) $(row 0 reason)"

check "the daemon is killed" kill_daemon
check "the daemon starts again" start_daemon
node0=$(pages 0) node1=$(pages 1)
targets 131072 65536
check "after a restart 64 MiB on vnode 1 are reached" wait_reached 1 65536
check "after a restart 128 MiB on vnode 0 are reached" wait_reached 0 131072
note "vnode 0: $(row 0 state) $(row 0 reason)"
note "pnode 0 $(((node0 - $(pages 0)) * 4)) KiB, pnode 1 $(((node1 - $(pages 1)) * 4)) KiB"
check_exit "deflate --all" 0 "balloonctl deflate --all"
check_eq "deflate --all: Xen counts what it did, 128 MiB more and nothing given" \
    $(($(total_pages) - before)) $((ADDED / 4 + 32768))
finish
