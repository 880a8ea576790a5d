# xl save and xl restore with a balloon: of a guest that no toolstack prepared, with the daemon running, and killed in the
# middle of a move; on a host whose clock is behind; of a prepared guest, restored with less memory. Checkpoint and pause.

# --- A guest with virtual NUMA cannot be saved -----------------------------------------------------------------------
GUEST_TYPE=pvh VNODES="128 128" start_guest
xl save g1 $SAVED > /tmp/save.log 2>&1
check_has "xl saves no guest with virtual NUMA" "$(cat /tmp/save.log)" "Cannot save a guest with vNUMA configured"
stop_guest

# --- The daemon runs -------------------------------------------------------------------------------------------------
start_guest
remember_pages
check "the guest's memory is in use" start_pattern 16
check "the daemon starts" start_daemon
target 0 65536
check "64 MiB are reached" wait_reached 0 65536

check "it is saved and restored" save_and_restore
check "what it holds is published in the new xenstore" wait_row 0 size 65536 10
check "so is its state" wait_row 0 state idle 10
check "and that it follows" wait_until 10 feature_is 1
check_exact "restored, no target" 65536
target 0 65536
check "the old target, written again, is reached at once" wait_reached 0 65536 5
target 0 81920
check "a new target is followed at once" wait_reached 0 81920 10
check_exact "restored, another target" 81920

check "a checkpoint is made" xl save -c g1 $SAVED
check_exact "after a checkpoint" 81920
xl pause g1
sleep 2
xl unpause g1
target 0 65536
check "paused and unpaused, it follows at once" wait_reached 0 65536 5
check_exact "after a pause" 65536

# --- To a host without room ------------------------------------------------------------------------------------------
target 0 90112
check "88 MiB are reached" wait_reached 0 90112 10
check "it is saved" save_guest
fill_host 60
note "free in the machine: $(xl info free_memory) MiB"
restore_guest
check "without room it is not restored" [ $? != 0 ]
check_eq "without room nothing is left of it" "$(xl list | grep -c g1)" 0
empty_host
# What the balloon has is not needed: 88 MiB of the guest's 256, and what Xen itself needs for a domain.
fill_host 200
note "free in the machine: $(xl info free_memory) MiB"
check "with room for what it has it is restored" restore_guest
check "what it holds is published" wait_row 0 size 90112 10
check_exact "restored where there is little room" 90112
target 0 0
check "the rest of its memory is not to be had" wait_row 0 reason pnode-full 20
held=$(row 0 size)
check "some of it was ($held KiB are missing)" [ "$held" -gt 0 -a "$held" -lt 90112 ]
check_row "without room" 0 "$held" held pnode-full
check_total "without room" "$held"
empty_host
check "with room again it goes on by itself" wait_reached 0 0 70
check_exact "with room again" 0
target 0 65536
check "64 MiB are reached" wait_reached 0 65536 10
check_exact "64 MiB" 65536

# --- To a host whose clock is behind ---------------------------------------------------------------------------------
check "it is saved" save_guest
date -s "@$(($(date +%s) - 1000))" > /dev/null
check "it is restored 1000 s earlier" restore_guest
check "what it holds is published, though no clock jumped" wait_row 0 size 65536 10
check "it is seen that xenstore is another one" guest 'grep -q "the domain has another xenstore" /run/lab/daemon.log'
check_exact "restored, the clock behind" 65536

# --- The daemon does not run -----------------------------------------------------------------------------------------
check "the daemon ends" stop_daemon
guest_start daemon "killat below $((START_TOTAL - 12000)) balloonctl daemon"
target 0 81920
is_dead() { guest '[ -s /run/lab/daemon.code ]'; }
check "it is killed in the middle of a move" wait_until 60 is_dead
check "the guest is saved and restored" save_and_restore
target 0 81920
check "the daemon starts afterwards" start_daemon
check "it goes on" wait_reached 0 81920 10
check_exact "restored after a kill" 81920

# --- A prepared domain, restored with less memory --------------------------------------------------------------------
target 0 0
check "all is back" wait_reached 0 0 10
prepare_domain
check "the toolstack prepares the domain" hand_over
target 0 40960
check "40 MiB are reached" wait_reached 0 40960 10
xl save g1 $SAVED > /tmp/save.log 2>&1
check "without memory/target it cannot be saved" [ $? != 0 ]
xenstore-write $D/memory/target "$LEGACY_TARGET"
target 0 49152
check "with memory/target back nothing more is given" wait_row 0 reason legacy-target 10
check "it is saved" save_guest
sed -e 's/^memory=.*/memory=224/' -e 's/^maxmem=.*/maxmem=224/' /tmp/guest.cfg > /tmp/small.cfg
check "it is restored with 224 MiB at most" restore_guest /tmp/small.cfg
check "memory/target is there: held" wait_row 0 state held 10
# Linux's own balloon takes the 32 MiB that the guest is short of: they are part of the vnode's balloon. A daemon that
# rests looks once a minute.
sleep 61
check "what Linux's own balloon takes is counted" wait_row 0 size 73728 10
prepare_vnode 0 262144 49152
guest_owned $D/control/feature-balloon-vnode
check "the new domain is prepared" hand_over
check "all is published below memory/, and followed" wait_reached 0 49152 10
check_total "restored with less" 49152
check_audit "restored with less" 8
check_agree "restored with less"
target 0 0
check "Xen lets it have no more than it was restored with" wait_row 0 reason max-reservation 10
check_audit "all of ours is back" 0
check_total "all of ours is back" "$(row 0 size)"
end_pattern
check "the daemon ends" stop_daemon
check_eq "at the end: the 2 MiB pool is as it was" "$(pool_counts)" "$START_POOL"
finish
