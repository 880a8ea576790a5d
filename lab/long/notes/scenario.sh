# What kmod-notes/ claims and no other scenario shows.

# --- libxl and vnuma= --------------------------------------------------------------------------------------------------

write_guest_config > /tmp/guest.cfg
xl create /tmp/guest.cfg > /tmp/xl.log 2>&1
check "stock xl cannot build a PVH guest with vnuma=" [ $? != 0 ]
grep -i vnuma /tmp/xl.log | sed 's/^/@@ /'
check_has "because the size query is taken for an error" "$(cat /tmp/xl.log)" "xc_domain_getvnuma"
(VNODES="128 128 128"; write_guest_config; echo maxvcpus=3) > /tmp/three.cfg
LD_PRELOAD=/lab/vnumafix.so xl create -p /tmp/three.cfg > /tmp/xl.log 2>&1
check "with the query answered it cannot build one with three vnodes" [ $? != 0 ]
check_has "because its table of distances has room for one row" "$(cat /tmp/xl.log)" \
    "libxl has 24 bytes for the distances, 36 are written"

# --- The page that Xen shares with the guest costs it one --------------------------------------------------------------

# Built in the same way, and never run.
LD_PRELOAD=/lab/vnumafix.so xl create -p /tmp/guest.cfg > /tmp/xl.log 2>&1
DOMID=$(xl domid g1)
built=$(total_pages)
xl destroy g1
DOMID=

start_guest
remember_pages
check_eq "a guest that runs has one page less than one that was only built" $((built - START_TOTAL)) 1

# Linux wants it in the first page of low memory that nobody has reserved. Xen frees what was there. The time of day is in
# it, in seconds at 3076: behind 32 vcpu_info of 64 bytes, two bit maps of 512, and a version.
frame=$(guest 'now=$(date +%s); for frame in $(seq 1 159); do
    age=$((now - $(kpage words $frame 3076 1 || echo 0))); [ $age -ge 0 -a $age -lt 600 ] && echo $frame && break; done')
check "the page that Xen keeps the time of day in is in low memory (frame ${frame:-none})" [ "${frame:-0}" -gt 0 ]
memory_map=$(guest 'cat /sys/firmware/memmap/0/start /sys/firmware/memmap/0/end /sys/firmware/memmap/0/type' | tr '\n' ' ')
note "the firmware's first range: $memory_map"
check_has "the firmware's memory map calls it RAM" "$memory_map" "System RAM"
check "it is in that range" [ "${frame:-999}" -lt $((($(echo "$memory_map" | cut -d ' ' -f 2) + 1) / 4096)) ]
check_eq "so does Xen: no type tells it" "$(guest "probe types ${frame:-0} 1; probe types 1 128" | tr '\n' ' ')" \
    "ram 1 holes 0 other 0 ram 128 holes 0 other 0 "

# --- Locked pages move, 2 MiB pages do not --------------------------------------------------------------------------------

check "the daemon starts" start_daemon
total() { guest "awk '/MemTotal/ { print \$2 }' /proc/meminfo"; }
before=$(total)
target 0 131072
check "128 MiB on vnode 0 are reached" wait_reached 0 131072
check_eq "MemTotal does not know that 128 MiB are gone" "$(total)" "$before"
frames=$(guest "probe frames $PAGES_DIRECTORY/vnode0 128")
# Compaction moves what lies low in a zone; where so much memory comes to lie is not for us to say.
for mib in 160 240 100; do
    locked=$(guest "mlocked $mib 3")
    note "$mib MiB of locked memory over three compactions: $locked"
    [ "$(echo "$locked" | awk '{ print $4 + 0 }')" = 0 ] || break
done
check "locked pages change their frames" [ "$(echo "$locked" | awk '{ print $4 + 0 }')" -gt 0 ]
check_eq "given pages do not" "$(guest "probe frames $PAGES_DIRECTORY/vnode0 128")" "$frames"
check_holes "after compaction" 0 128

# --- What the kernel knows of a given page, and who may read it ------------------------------------------------------------

first=${frames%%
*}
check_eq "a given frame is a huge page, not offline, mapped nowhere" "$(guest "kpage state $first")" \
    "huge 1 offline 0 mapped 0"
check_eq "/proc/kcore reads ones there" "$(guest "kpage words $first 0 4; kpage words $((first + 511)) 4080 4" | sort -u)" \
    4294967295
check_eq "so does root in the file" \
    "$(guest "dd if=$PAGES_DIRECTORY/vnode0 bs=64 count=1 2> /dev/null | hexdump -v -e '1/4 \"%08x\n\"'" | sort -u)" \
    ffffffff
check_holes "nobody minds" 0 128
note "sizes of huge pages here: $(guest 'ls /sys/kernel/mm/hugepages' | tr '\n' ' ')"
target 0 0
check "vnode 0 is back" wait_reached 0 0
check "the daemon ends" stop_daemon
check_all_back "at the end"

# --- Linux's own balloon: memory drifts between physical nodes ---------------------------------------------------------------

target_kb=/sys/devices/system/xen_memory/xen_memory0/target_kb
all=$(guest "cat $target_kb")
linux_moves() {
    guest "echo $1 > $target_kb; until [ \$(cat ${target_kb%/*}/info/current_kb) = $1 ]; do sleep 0.2; done"
}
before="$(total) $(guest 'kpage offline')"
linux_moves $((all - 262144))
check_eq "what Linux's own balloon gives leaves MemTotal, and is marked as offline" \
    "$(total) $(guest 'kpage offline')" "$((${before% *} - 262144)) $((${before#* } + 65536))"
linux_moves $all
for round in 2 3; do
    linux_moves $((all - 262144))
    linux_moves $all
done
set -- $(page_counts)
note "after three cycles of 256 MiB with Linux's own balloon: $4 pages on pnode 0, $6 on pnode 1 (were $START_0, $START_1)"
check_eq "all of it is back" "$2" "$START_TOTAL"
check "but not where it was" [ "$4" != "$START_0" ]

# --- A huge page that nothing pins moves: one of RAM, for once ---------------------------------------------------------------

guest 'mkdir -p /pages && mount -t hugetlbfs none /pages && echo 4 > /proc/sys/vm/nr_hugepages && fallocate -l 2097152 /pages/p'
frame=$(guest 'probe frames /pages/p 2')
check "soft offline of a huge page without a pin is done" \
    guest "echo $((${frame:-0} * 4096)) > /sys/devices/system/memory/soft_offline_page"
moved=$(guest 'probe frames /pages/p 2')
check "it has another frame then ($frame, $moved)" [ "${moved:-$frame}" != "$frame" ]
stop_guest

# --- A kernel module: what user space cannot do, and no privcmd ------------------------------------------------------------

PRIVCMD=locked start_guest
remember_pages
before="$(total) $(guest 'kpage offline')"
check_has "privcmd is shut" "$(guest 'balloonctl status 2>&1')" "XSA-482"
check "a module gives 128 MiB of node 1" guest 'insmod /lib/modules/hold.ko node=1 vnode=1 extents=64'
check_eq "all 64 extents" "$(guest 'cat /sys/module/hold/parameters/given /sys/module/hold/parameters/kept' | tr '\n' ' ')" \
    "64 0 "
check_given "by the module" 0 131072
check_eq "they have left MemTotal, and are marked as offline" "$(total) $(guest 'kpage offline')" \
    "$((${before% *} - 131072)) $((${before#* } + 32768))"
frame=$(guest 'kpage offline first')
check_eq "/proc/kcore leaves them out: it reads zeros" "$(guest "kpage words $frame 0 4" | sort -u)" 0
check "it takes them back" guest 'rmmod hold'
check_given "without the module" 0 0
check_eq "all is as it was" "$(total) $(guest 'kpage offline')" "$before"
finish
