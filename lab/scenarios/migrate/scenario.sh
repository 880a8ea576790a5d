# Live migration on one host, while the balloon inflates and while it deflates, at several moments. Nothing moves while
# the domain is being sent: Xen would not send what was populated meanwhile, and the sender fails on a page that was just
# given. Nothing leaks, nothing is missing, and everything is exact afterwards.

# The daemon moves so slowly that a migration begins in the middle of it: a step is a second's worth, 20 MiB.
RATE=20

# migrate_while TEXT SECONDS KIB: the target is written, so long after it the migration begins. The toolstack writes the
# target anew.
migrate_while() {
    target 0 "$3"
    sleep "$2"
    check "$1: migrated" migrate_guest
    note "$1: when it arrived $((START_TOTAL - $(total_pages))) pages were gone"
    target 0 "$3"
    check "$1: $(($3 / 1024)) MiB are reached" wait_reached 0 "$3" 20
    check_exact "$1" "$3"
}

start_guest
remember_pages
check "the guest's memory is in use" start_pattern 16
check "the daemon starts" start_daemon --max-rate $RATE
# Each migration takes half a minute of the emulator's time.
migrate_while "inflating for 0.3 s" 0.3 65536
migrate_while "deflating from the first moment" 0 0

# What the toolstack reads meanwhile.
target 0 65536
sleep 1.5
xl migrate -s "" g1 "xl migrate-receive" > /tmp/migrate.log 2>&1 &
check "while it is being sent the balloon is held" wait_row 0 reason migrating 10
held_at=$(row 0 size)
check "it is migrated" wait $!
find_guest
check "and has what it had" wait_row 0 size "$held_at" 10
check_exact "held, and arrived" "$held_at"

# Forced to and fro all the time, whatever the moment.
guest_start storm 'sh -c "while :; do balloonctl force 0 48m > /dev/null 2>&1; balloonctl force 0 8m > /dev/null 2>&1; done"'
check "forced to and fro, it is migrated" migrate_guest
guest_end storm KILL
check_exit "the force is released" 0 "balloonctl force 0 --release"
target 0 32768
check "32 MiB are reached" wait_reached 0 32768 20
check_exact "after it" 32768
target 0 0
check "all is back" wait_reached 0 0 20
end_pattern
check "the daemon ends" stop_daemon
check_total "at the end" 0
check_eq "at the end: the 2 MiB pool is as it was" "$(pool_counts)" "$START_POOL"
finish
