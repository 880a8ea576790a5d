# The main job, in a guest that stock xl started: each vnode's balloon follows its target, exactly, as Xen counts it,
# while the guest's memory is in use.
start_guest
remember_pages
check "the daemon starts" start_daemon

status
check_eq "status describes the guest" \
    "$(json domain.type domain.static_max_kib domain.legacy_target_kib interface fallback backend daemon \
        granularity_kib vnodes.0.size_kib vnodes.1.size_kib vnodes.0.linux_node vnodes.1.linux_node \
        vnodes.0.target_kib vnodes.0.forced_kib)" \
    "PVH 1048576 1048576 legacy true privcmd true 2048 524288 524288 0 1 null null"
check_eq "without targets nothing is asked for" \
    "$(feature) $(row 0 size) $(row 0 state) $(row 1 size) $(row 1 state)" "1 0 idle 0 idle"
check "the guest's memory is in use" start_pattern_beside 96 160

target 1 131072
check "128 MiB on vnode 1 are reached" wait_reached 1 131072
check_given "128 MiB on vnode 1" 0 131072
check_agree "128 MiB on vnode 1"

targets 98304 163840
check "96 MiB on vnode 0 are reached" wait_reached 0 98304
check "160 MiB on vnode 1 are reached" wait_reached 1 163840
check_given "96 MiB on vnode 0 and 160 MiB on vnode 1" 98304 163840
check_agree "96 MiB on vnode 0 and 160 MiB on vnode 1"
check_eq "the interface is in use now" "$(json interface vnodes.0.target_kib vnodes.1.target_kib)" \
    "vnode 98304 163840"
check_audit "with the daemon running" 128
check_explained "with the daemon running" -4

# A clean end keeps the balloons; the next daemon finds them.
check "the daemon ends on SIGTERM" stop_daemon
check_row "after a clean end" 0 98304 stopped
check_row "after a clean end" 1 163840 stopped
check_eq "the feature stays 1 while balloons are not empty" "$(feature)" 1
check_given "after a clean end" 98304 163840
check_agree "after a clean end"
check_eq "status knows that no daemon is running" "$(json daemon vnodes.0.state)" "false stopped"
check_audit "without a daemon" 128
check_holes "without a daemon" 0 96
check_holes "without a daemon" 1 160
check "the daemon starts again" start_daemon
check_row "after a restart" 0 98304 idle
check_row "after a restart" 1 163840 idle
check_given "after a restart" 98304 163840
check_agree "after a restart"

targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
check_all_back "both balloons are empty"
check_agree "both balloons are empty"

# Up, down and up again before the first is reached.
guest_start turns "turns 2048"
target 1 163840
sleep 0.15
target 1 16384
sleep 0.15
target 1 133120
check "the last of three targets is reached" wait_reached 1 133120
guest_end turns
turns=$(guest_log turns | tr '\n' ' ')
note "reservation: $turns"
check_eq "the balloon really turned twice" "$(guest_log turns | cut -d ' ' -f 1 | tr '\n' ' ')" \
    "start low high end lasted "
check_le "within a second" "$(echo "$turns" | sed 's/.*lasted \([0-9]*\) ms.*/\1/')" 1000
check_given "130 MiB on vnode 1" 0 133120
check_agree "130 MiB on vnode 1"

# A target that is no multiple of 2 MiB is rounded down.
target 1 67000
check "67000 KiB are accepted" wait_until 20 row_is 1 target 67000
check_row "67000 KiB become 64 MiB" 1 65536 idle
check_given "64 MiB on vnode 1" 0 65536

# When the rows are removed the balloons stay as they are.
xenstore-rm "$D/memory/vnode1/target-balloon-size"
target 0 32768
check "vnode 0 follows when vnode 1 has no target" wait_reached 0 32768
check_row "without a target" 1 65536 idle
xenstore-rm "$D/memory/vnode0"
target 1 32768
check "vnode 1 follows when memory/vnode0 is gone" wait_reached 1 32768
check_given "memory/vnode0 is gone" 32768 32768
status
check_eq "status still shows vnode 0" \
    "$(json vnodes.0.balloon_kib vnodes.0.target_kib vnodes.0.state)" "32768 null idle"
target 0 0
target 1 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
end_pattern

# The daemon at rest, after all of this.
daemon=$(guest_pid daemon)
memory=$(guest "grep -E 'VmRSS|RssAnon' /proc/$daemon/status" | tr -s ' \t\n' ' ')
note "the idle daemon: $memory"
# Nearly all of it are pages of the program's file, of which the kernel maps sixteen where one is read: where the linker puts what is
# read decides some hundred kB.
check_le "VmRSS of the idle daemon in kB" "$(echo "$memory" | sed 's/.*VmRSS: \([0-9]*\).*/\1/')" 12800
check_le "RssAnon of the idle daemon in kB" "$(echo "$memory" | sed 's/.*RssAnon: \([0-9]*\).*/\1/')" 1535
# Once a minute it reads xenstore again; each row that it reads is one switch.
switches() { guest "cat /proc/$daemon/task/*/status | awk '/^voluntary/ { n += \$2 } END { print n }'"; }
before=$(switches)
sleep 120
switches=$(($(switches) - before))
note "context switches of the idle daemon in two minutes: $switches"
check_le "context switches of the idle daemon in two minutes" $switches 40

check "the daemon ends" stop_daemon
check_eq "the feature is 0 when all balloons are empty" "$(feature)" 0
check_all_back "at the end"
finish
