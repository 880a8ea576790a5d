# Balloons of several GiB on both vnodes: what a GiB costs is what it costs at 512 MiB, and the count is exact, although the
# daemon is killed in the middle of the way there, at rest, and in the middle of the way back.
EACH=$((GIVE_MIB * 1024))
ALL_PAGES=$((2 * EACH / 4))

# --- The cost -------------------------------------------------------------------------------------------------------------

# move_both KIB: both balloons get this size. Sets COST, ns of the machine's clock of instructions, first step to last.
move_both() {
    fetch_calls
    targets "$1" "$1"
    check "$(($1 / 1024)) MiB on vnode 0" wait_reached 0 "$1" 120
    check "$(($1 / 1024)) MiB on vnode 1" wait_reached 1 "$1" 120
    sleep 1
    fetch_calls
    COST=$(calculate "$(inside)")
}

# cost_at MIB: sets UP and DOWN, ms for a GiB.
cost_at() {
    move_both $(($1 * 1024))
    UP=$(milliseconds "$COST * 1024 / (2 * $1)")
    move_both 0
    DOWN=$(milliseconds "$COST * 1024 / (2 * $1)")
    note "2 x $1 MiB: a GiB takes $UP ms up, $DOWN ms down"
}

# check_cost TEXT MS MS_SMALL: what does not depend on the amount makes a small move dearer, so only more is a fault.
check_cost() {
    check "$1: a GiB takes $2 ms, $3 ms at 512 MiB: at most 3 % more" \
        awk -v is="$2" -v small="$3" 'BEGIN { exit !(is > 0 && small > 0 && is / small <= 1.03) }'
}

# --- The kills ------------------------------------------------------------------------------------------------------------

start_killed() {
    killed_at="$1 $2"
    guest_start daemon "killat $killed_at balloonctl daemon"
}
is_dead() { guest '[ -s /run/lab/daemon.code ]'; }

# check_killed TEXT: it was in the middle, and the audit is clean. Looking at each frame takes minutes here, so
# that is done once, below. A kill between the populate and the file's end leaves a step of 64 extents in the file.
check_killed() {
    check "$1: killed" wait_until 60 is_dead
    check_eq "$1: by SIGKILL" "$(guest 'cat /run/lab/daemon.code')" 137
    far=$((START_TOTAL - $(total_pages)))
    check "$1: $((far / 256)) of $((2 * GIVE_MIB)) MiB were given" [ $far -gt 0 -a $far -lt $ALL_PAGES ]
    guest "balloonctl audit --quick --json 2> /dev/null" > /tmp/audit.json
    killed_code=$? killed_extents=$(jsonget extents < /tmp/audit.json)
    tell_json audit-1 /tmp/audit.json
    check_eq "$1: the audit is clean" "$killed_code $(jsonget clean < /tmp/audit.json)" "0 true"
    check "$1: it counts $killed_extents extents, Xen $((far / 512))" \
        [ "$killed_extents" -ge $((far / 512)) -a "$killed_extents" -le $((far / 512 + 64)) ]
}

# check_both TEXT MIB: exact by Xen's count, by the product and its rows.
check_both() {
    check "$1: vnode 0 is there" wait_reached 0 $(($2 * 1024)) 120
    check "$1: vnode 1 is there" wait_reached 1 $(($2 * 1024)) 120
    check_given "$1" $(($2 * 1024)) $(($2 * 1024))
    check_agree "$1"
}

start_guest
remember_pages
check "the daemon starts, and its calls are counted" start_counted_daemon
# The first move starts the holder, too.
move_both 65536
move_both 0
cost_at 512
small_up=$UP small_down=$DOWN
cost_at "$GIVE_MIB"
check_cost "2 x $GIVE_MIB MiB, inflate" "$UP" "$small_up"
check_cost "2 x $GIVE_MIB MiB, deflate" "$DOWN" "$small_down"
check_all_back "2 x $GIVE_MIB MiB given and taken back"
check "the daemon ends" stop_daemon

check "the guest's memory is in use" start_pattern_beside $GIVE_MIB $GIVE_MIB
start_killed below $((START_TOTAL - ALL_PAGES / 3))
targets $EACH $EACH
check_killed "inflating"
check "the daemon starts again" start_daemon
check_both "2 x $GIVE_MIB MiB after a kill" "$GIVE_MIB"
check_audit "2 x $GIVE_MIB MiB after a kill" "$GIVE_MIB"
check_holes "2 x $GIVE_MIB MiB after a kill" 0 "$GIVE_MIB"
check_holes "2 x $GIVE_MIB MiB after a kill" 1 "$GIVE_MIB"
check "the daemon is killed at rest" kill_daemon
check "the daemon starts again" start_daemon
check_both "killed at rest" "$GIVE_MIB"
check "the daemon ends" stop_daemon
start_killed above $((START_TOTAL - ALL_PAGES / 2))
targets 0 0
check_killed "deflating"
check "the daemon starts again" start_daemon
check_both "back after a kill" 0
end_pattern
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
