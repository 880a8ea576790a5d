# Held memory and a guest that is saved, restored and migrated: PVH without virtual NUMA, then PV saved and restored.
resumed() { [ "$(state_of resumes)" -ge "$1" ] && looked_at; }
# check_whole TEXT: each held frame is a hole, and Xen's total agrees.
check_whole() {
    held=$(vnode_of 0 held)
    vnb audit 0
    check_eq "$1: every frame is a hole" "$VNB_ANSWER" "extents $held holes $((held * 512)) ram 0 other 0"
    check_eq "$1: none in doubt" "$(vnode_of 0 doubt)" 0
    check_total "$1" $((held * 2048))
}

start_guest
remember_pages
guest 'insmod /lib/modules/vnode_balloon_test.ko'
check_eq "without virtual NUMA there is one vnode" "$(state_of vnodes)" 1
check_move "64 MiB" hold 0 32 32 0
total=$(mem_total)
check "saved and restored" save_and_restore
check "the module saw it, and looked" wait_until 20 resumed 1
check_eq "as much is held" "$(vnode_of 0 held) $(mem_total)" "32 $total"
check_whole "after it"
check_move "half of it back" release 0 16 16 0

# --- While the domain is being sent nothing moves -------------------------------------------------------------------------
guest_start mover 'sh -c "while true; do vnbctl hold 0 1; vnbctl release 0 1; sleep 0.02; done"'
sleep 1
check "migrated" migrate_guest
guest_end mover KILL
guest_log mover | awk '{ print $4 }' | sort -u | tr '\n' ' ' > /tmp/reasons
check_has "some were told that it is being sent (reasons: $(cat /tmp/reasons))" "$(cat /tmp/reasons)" 4
check "looked at" wait_until 20 resumed 2
check_whole "after the migration"

# --- A module that does not look for it: what is given meanwhile comes back, and is given again ---------------------------
guest 'echo 1 > /sys/module/vnode_balloon/parameters/ignore_migration'
regiven=$(state_of regiven)
guest_start mover 'sh -c "while true; do vnbctl hold 0 1; sleep 0.05; done"'
sleep 1
check "migrated while it gives" migrate_guest
guest_end mover KILL
check "looked at" wait_until 30 resumed 3
check "frames came back as memory and were given again" [ "$(state_of regiven)" -gt "$regiven" ]
check_whole "after that migration"
guest 'echo 0 > /sys/module/vnode_balloon/parameters/ignore_migration'
vnb release 0 1000
check_total "all back" 0
stop_guest

# --- PV -------------------------------------------------------------------------------------------------------------------
GUEST_TYPE=pv
start_guest
remember_pages
guest 'insmod /lib/modules/vnode_balloon.ko'
check_move "PV: 64 MiB" hold 0 32 32 0
check_whole "PV"
check "PV: saved and restored" save_and_restore
check "PV: looked at" wait_until 20 resumed 1
check_whole "PV: after it"
check_move "PV: all back" release 0 32 32 0
check_total "PV: all back" 0
start_pattern 100
sleep 3
end_pattern
finish
