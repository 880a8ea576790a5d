# A PV guest: Linux's own balloon does the work, and the daemon controls it through sysfs. The hole that the guest was
# started with is part of the balloon. Xen's count and the kernel's agree to the page.
KERNEL=/sys/devices/system/xen_memory/xen_memory0
kernel() { guest "cat $KERNEL/$1"; }

# check_kernel TEXT KIB: the balloon is this, as Xen, the kernel and the product see it.
check_kernel() {
    check_eq "$1: Xen counts $((MAXMEM * 256 - $2 / 4)) pages" "$(total_pages)" $((MAXMEM * 256 - $2 / 4))
    check_eq "$1: so does the kernel" "$(kernel info/current_kb) $(kernel info/low_kb)" "$((MAXMEM * 1024 - $2)) $2"
    check_agree "$1"
}

# move KIB: as the toolstack asks, to the page.
move() {
    target 0 $1
    check "$(($1 / 1024)) MiB are reached" wait_reached 0 $1
    check_kernel "$(($1 / 1024)) MiB" $1
}

start_guest
before=$(total_pages)
check_eq "what works in PVH does not here: Xen takes no frame by the kernel's number" "$(guest 'probe anonymous 16')" \
    "moved 0 of 16"
check_eq "and nothing is gone" "$(total_pages)" "$before"
check_exit "doctor has no complaint but memory/target" 0 "balloonctl doctor"
check_has "doctor warns of memory/target" "$(cat /tmp/output)" "memory/target"
check "the daemon starts" start_daemon
status
check_eq "status describes the guest" \
    "$(for key in domain.type domain.static_max_kib interface fallback backend daemon granularity_kib vnodes.0.vnode \
        vnodes.0.size_kib vnodes.0.linux_node vnodes.0.target_kib vnodes.0.balloon_kib; do json $key; done | tr '\n' ' ')" \
    "PV 786432 legacy true kernel true 4 0 786432 0 null 262144 "
check_kernel "as it was started" 262144
move 393216
move 569344
check_explained "556 MiB" 0
move 262144
move 300004

# Xen lets it have 513 MiB.
target 0 131072
check "more than the maximum is not to be had" wait_row 0 reason max-reservation
check_row "at the maximum" 0 261120 held max-reservation
check_kernel "at the maximum" 261120
xl mem-max g1 $MAXMEM
check "with a higher maximum it goes on by itself" wait_reached 0 131072 90
check_kernel "128 MiB" 131072

# A stop leaves the size as it is, also in the middle.
target 0 569344
sleep 0.3
check "the daemon ends" stop_daemon
size=$(row 0 size)
check "in the middle of the move ($size KiB)" [ "$size" -gt 131072 -a "$size" -lt 569344 ]
sleep 5
check_row "after a stop" 0 "$size" stopped
check_kernel "after a stop" "$size"
check_exit "force without the daemon" 0 "balloonctl force 0 200m"
check_kernel "200 MiB forced" 204800
check_exit "force --release" 0 "balloonctl force 0 --release"
check_exit "the audit has nothing to look at" 0 "balloonctl audit"
check_has "and says what was given" "$(cat /tmp/output)" "Linux's own balloon has 200 MiB"
check "the daemon starts again" start_daemon
check "556 MiB are reached" wait_reached 0 569344

# --- The physical nodes are full: the kernel tries four times more, then gives up without a word -----------------------

check "the machine's memory is in use" fill_host 24
note "free in the machine: $(xl info free_memory) MiB"
guest "echo 'cd $KERNEL; while sleep 0.5; do echo \$(cat target_kb retry_count); done' > /run/lab/watch"
guest_start watch "sh /run/lab/watch"
target 0 262144
check "the kernel's own tries are seen" wait_row 0 reason pnode-full
check "its giving up, too" wait_row 0 reason kernel-stopped
size=$(row 0 size)
check "some of it came back ($size KiB)" [ "$size" -gt 262144 -a "$size" -lt 569344 ]
guest_end watch
guest_log watch > /tmp/watch
check "it tried again more than twice" [ "$(awk '$2 > n { n = $2 } END { print n + 0 }' /tmp/watch)" -gt 2 ]
check_le "how often its target was written meanwhile" \
    "$(awk '$1 != last { n++; last = $1 } END { print n + 0 }' /tmp/watch)" 8
empty_host
check "with memory in the machine it goes on by itself" wait_reached 0 262144 120
check_kernel "256 MiB" 262144

# --- The old interface: nobody asks for anything per vnode --------------------------------------------------------------

xenstore-rm $D/memory/vnode0
xl mem-set g1 448
legacy_followed() { [ "$(row 0 size)" = $((MAXMEM * 1024 - 448 * 1024)) ]; }
check "Linux follows memory/target, and we report it" wait_until 90 legacy_followed
check_kernel "xl mem-set 448" 327680
check_eq "the interface is the old one" "$(json interface) $(row 0 state)" "legacy idle"
check "the daemon ends" stop_daemon

# --- Virtual NUMA: Linux has one node and one balloon all the same, and answers for both vnodes ---------------------------

# check_shares TEXT SAID0 SAID1: as the rows say it of vnodes at rest. The sum is exact, whoever counts it.
check_shares() {
    shares_text=$1
    check "$shares_text: vnode 0 says $2" wait_until 60 said 0 "$2"
    check "$shares_text: vnode 1 says $3" wait_until 60 said 1 "$3"
    set -- ${2%% *} ${3%% *}
    check_eq "$shares_text: Xen counts the sum, $(($1 + $2)) KiB" "$(total_pages)" $((MAXMEM * 256 - ($1 + $2) / 4))
    status
    check_eq "$shares_text: status has one balloon, the sum" "$(json vnodes.0.balloon_kib) $(json vnodes.1.vnode)" \
        "$(($1 + $2)) "
}
said() { [ "$(row $1 size) $(row $1 state)$(row $1 reason | sed 's/./ &/')" = "$2" ]; }

# prepare_pv KIB0 KIB1: what the balloons have now.
prepare_pv() {
    prepare_vnode 0 393216 $1
    prepare_vnode 1 393216 $2
    guest_owned "$D/control/feature-balloon-vnode"
}
check "the toolstack gives the guest two vnodes" setvnuma $DOMID 384 384
maxmem $DOMID $((MAXMEM * 1024 + 1024))
prepare_pv 196608 131072
before=$(kernel target_kb)
check "the daemon starts" start_daemon
check "the toolstack hands over" hand_over
check_shares "as it was found" "196608 idle" "131072 idle"
targets 131072 196608
check "both targets are acknowledged" wait_reached 1 196608
check_shares "64 MiB from one account to the other" "131072 idle" "196608 idle"
check_eq "no page had to move for that" "$(kernel target_kb)" "$before"
targets 262144 131072
check_shares "more" "262144 idle" "131072 idle"
check_eq "the sum is the target" "$(json vnodes.0.target_kib) $(json interface)" "393216 vnode"
targets 40000 20001
check_shares "less" "40000 idle" "20000 idle"
xenstore-rm $D/memory/vnode0/target-balloon-size
target 1 131072
check_shares "vnode 0's target removed" "40000 idle" "131072 idle"
kill_daemon
check "the daemon starts after SIGKILL" start_daemon
check_shares "after SIGKILL" "40000 idle" "131072 idle"
targets 65536 393217
check_shares "one that is too much changes nothing" "65536 idle" "131072 held invalid-target"
check_eq "and is acknowledged" "$(row 1 target)" 393217
check_explained "vnodes" 0
maxmem $DOMID 614400
targets 65536 65536
check_shares "at the maximum" "65536 held max-reservation" "106496 held max-reservation"
maxmem $DOMID $((MAXMEM * 1024 + 1024))
targets 0 65536
check_shares "with a higher maximum" "0 idle" "65536 idle"
check "the daemon ends" stop_daemon
check_shares "after a stop" "0 stopped" "65536 stopped"
stop_guest

# --- A kernel that locks privcmd ------------------------------------------------------------------------------------------

PRIVCMD=locked start_guest
setvnuma $DOMID 384 384
prepare_pv 262144 0
check "the daemon starts with privcmd locked" start_daemon
move 393216
check_eq "nobody can ask for the vnodes: row 1 is not answered" "$(row 1 state)" ""
check "the daemon ends" stop_daemon
finish
