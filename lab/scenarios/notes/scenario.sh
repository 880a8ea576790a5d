# What kmod-notes/ claims and no other scenario shows.

# --- libxl and vnuma= --------------------------------------------------------------------------------------------------

write_guest_config > /tmp/guest.cfg
xl create /tmp/guest.cfg > /tmp/xl.log 2>&1
check "stock xl cannot build a PVH guest with vnuma=" [ $? != 0 ]
grep -i vnuma /tmp/xl.log | sed 's/^/@@ /'
check_has "because the size query is taken for an error" "$(cat /tmp/xl.log)" "xc_domain_getvnuma"

# --- Locked pages move, 2 MiB pages do not --------------------------------------------------------------------------------

start_guest
remember_pages
check "the daemon starts" start_daemon
total() { guest "awk '/MemTotal/ { print \$2 }' /proc/meminfo"; }
before=$(total)
target 0 131072
check "128 MiB on vnode 0 are reached" wait_reached 0 131072
check_eq "MemTotal does not know that 128 MiB are gone" "$(total)" "$before"
frames=$(guest "probe frames $PAGES_DIRECTORY/vnode0 128")
locked=$(guest "mlocked 160 3")
note "locked memory over three compactions: $locked"
check "locked pages change their frames" [ "$(echo "$locked" | awk '{ print $4 + 0 }')" -gt 0 ]
check_eq "given pages do not" "$(guest "probe frames $PAGES_DIRECTORY/vnode0 128")" "$frames"
check_holes "after compaction" 0 128
target 0 0
check "vnode 0 is back" wait_reached 0 0
check "the daemon ends" stop_daemon
check_all_back "at the end"

# --- Linux's own balloon: memory drifts between physical nodes ---------------------------------------------------------------

target_kb=/sys/devices/system/xen_memory/xen_memory0/target_kb
all=$(guest "cat $target_kb")
for round in 1 2 3; do
    for kib in $((all - 262144)) $all; do
        guest "echo $kib > $target_kb; until [ \$(cat ${target_kb%/*}/info/current_kb) = $kib ]; do sleep 0.2; done"
    done
done
set -- $(page_counts)
note "after three cycles of 256 MiB with Linux's own balloon: $4 pages on pnode 0, $6 on pnode 1 (were $START_0, $START_1)"
check_eq "all of it is back" "$2" "$START_TOTAL"
check "but not where it was" [ "$4" != "$START_0" ]
finish
