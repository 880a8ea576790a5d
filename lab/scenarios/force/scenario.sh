# An administrator's word in the guest: force and deflate, with the daemon and without it.
start_guest
remember_pages
check "the daemon starts" start_daemon
check "the guest's memory is in use" start_pattern_beside 128 96

# --- With the daemon -------------------------------------------------------------------------------------------------

check_json vnode-1 0 "balloonctl force 0 64m --json"
check_eq "it says what it did" "$(jsonget vnode balloon_kib forced_kib state < /tmp/output)" \
    "0 65536 65536 idle"
check_row "forced" 0 65536 idle
check_given "forced" 65536 0
check_agree "forced"

targets 32768 49152
check "vnode 1 follows its target" wait_reached 1 49152
check "a target written meanwhile is acknowledged" wait_row 0 target 32768 20
check_row "but waits" 0 65536 held forced
check_given "a target waits" 65536 49152
status
check_eq "status tells both sizes" "$(json vnodes.0.target_kib) $(json vnodes.0.forced_kib) $(json vnodes.0.reason)" \
    "32768 65536 forced"

check "the daemon ends" stop_daemon
check_given "after a clean end" 65536 49152
check "the daemon starts again" start_daemon
check_row "after a restart" 0 65536 held forced
check "the daemon is killed" kill_daemon
check "the daemon starts again" start_daemon
check_row "after SIGKILL" 0 65536 held forced
check_given "after SIGKILL" 65536 49152

check_exit "force 0 --release" 0 "balloonctl force 0 --release"
check "the target is followed" wait_reached 0 32768
check_given "released" 32768 49152
status
check_eq "nothing is forced" "$(json vnodes.0.forced_kib)" null

check_exit "force 1 33m is rounded down" 0 "balloonctl force 1 33m"
check_has "and it says so" "$(cat /tmp/output)" 32
check_row "rounded down" 1 32768 held forced
check_given "rounded down" 32768 32768
check_exit "more than the vnode" 64 "balloonctl force 0 513m"
check_exit "a vnode that does not exist" 64 "balloonctl force 7 64m"
check_exit "a fraction" 64 "balloonctl force 0 1.5m"
check_exit "a size and --release" 64 "balloonctl force 0 64m --release"
check_exit "no size" 64 "balloonctl force 0"
check_exit "deflate without an option" 64 "balloonctl deflate"
check_given "after commands that were refused" 32768 32768

check_json vnode-1 0 "balloonctl deflate --all --json"
check_exit "deflate --all" 0 "balloonctl deflate --all"
check_has "it says that they stay forced" "$(cat /tmp/output)" \
    "every balloon stays forced to 0 MiB, whatever xenstore says, until balloonctl deflate --release"
check_row "deflate --all" 0 0 held forced
check_row "deflate --all" 1 0 held forced
check_all_back "deflate --all"
check_json vnode-1 0 "balloonctl deflate --release --json"
check_json given-1 75 "balloonctl given --json"
check_json explain-1 0 "balloonctl status --explain --json"
check "the targets are followed" wait_reached 0 32768
check "the targets are followed" wait_reached 1 49152
check_given "deflate --release" 32768 49152

check_eq "status --watch ends when nobody reads on" \
    "$(GUEST_SECONDS=10 guest 'balloonctl status --watch 1 | head -n 1 | cut -c 1-9')" "PVH guest"
check_has "status tells of the nodes' memory" "$(guest balloonctl status)" "AVAILABLE"

# More than the guest can spare: it says so instead of waiting for ever.
check_exit "force 0 512m" 75 "balloonctl force 0 512m"
check_row "force 0 512m" 0 "$(row 0 size)" held guard
check_exit "force 0 --release" 0 "balloonctl force 0 --release"
check "the target is followed" wait_reached 0 32768

# --- Figures for Prometheus ------------------------------------------------------------------------------------------

metric() { guest "balloonctl metrics" | sed -n "s/^vnode_balloon_$1 //p"; }
check_eq "metrics: a daemon runs" "$(metric daemon_up)" 1
check_eq "metrics: so does the holder" "$(metric holder_up)" 1
check_eq "metrics: the sizes" "$(metric 'size_bytes{vnode="0",node="0"}') $(metric 'size_bytes{vnode="1",node="1"}')" \
    "$((32768 * 1024)) $((49152 * 1024))"
check_eq "metrics: given less taken back is what the balloon has" \
    $(($(metric 'inflated_bytes_total{vnode="1",node="1"}') - $(metric 'deflated_bytes_total{vnode="1",node="1"}'))) 0
check_exit "metrics into a file" 0 "balloonctl metrics --output /run/lab/metrics"
check_has "all of it" "$(guest "tail -n 1 /run/lab/metrics")" "vnode_balloon_step_duration_seconds_count"
guest "cat /run/lab/metrics" > /tmp/output
tell_metrics example /tmp/output

# --- Interrupted -----------------------------------------------------------------------------------------------------

check "the daemon ends" stop_daemon
check "the daemon starts with a limited rate" start_daemon --max-rate 32
check_exit "Ctrl-C while force waits" 130 "timeout -s INT 1 balloonctl force 0 128m"
check_has "it says what goes on" "$(cat /tmp/output)" "to 128 MiB; balloonctl force 0 --release ends that"
status
check_eq "the force stays" "$(json vnodes.0.forced_kib) $(json vnodes.0.state)" "131072 inflating"
check "and is reached" wait_row 0 size 131072
check_given "after Ctrl-C" 131072 49152
check_exit "force 0 --release" 0 "balloonctl force 0 --release"
check "the target is followed" wait_reached 0 32768

# --- Without the daemon ----------------------------------------------------------------------------------------------

check "the daemon ends" stop_daemon
check_exit "force 0 64m without the daemon" 0 "balloonctl force 0 64m"
check_row "without the daemon" 0 65536 stopped
check_given "without the daemon" 65536 49152
check_agree "without the daemon"
check_audit "without the daemon" 56
check_holes "without the daemon" 0 64
check "the daemon starts" start_daemon
check_row "forced before the start" 0 65536 held forced
check_given "forced before the start" 65536 49152
check "the daemon ends" stop_daemon
check_exit "force 0 --release without the daemon" 0 "balloonctl force 0 --release"
check "the daemon starts" start_daemon
check "the target is followed" wait_reached 0 32768
check_given "released" 32768 49152

check "the daemon ends" stop_daemon
check_exit "deflate --all without the daemon" 0 "balloonctl deflate --all"
check_all_back "deflate --all without the daemon"
check_exit "deflate --release without the daemon" 0 "balloonctl deflate --release"
check_json audit-1 0 "balloonctl audit --json"
check_json given-1 0 "balloonctl given --json"
check_json status-1 0 "balloonctl status --json"
targets 0 0
check "the daemon starts" start_daemon
check "vnode 0 is empty" wait_reached 0 0
check "vnode 1 is empty" wait_reached 1 0

# --- What an administrator looks at ----------------------------------------------------------------------------------

guest "balloonctl doctor --json 2> /dev/null" > /tmp/doctor.json
code=$?
tell_json doctor-1 /tmp/doctor.json
check "doctor: exit 0 or 75 in a good guest (is $code)" [ $code = 0 -o $code = 75 ]
names=$(grep -o '"name":"[a-z-]*"' < /tmp/doctor.json | cut -d '"' -f 4 | tr '\n' ' ')
note "doctor looks at: $names"
check_has "doctor looks at privcmd" " $names" " privcmd "
check_eq "doctor finds privcmd in order" "$(grep -o '"name":"privcmd"[^}]*' /tmp/doctor.json | grep -c false)" 0
check_exit "status as a table" 0 "balloonctl status"
check_has "with the vnodes' size" "$(cat /tmp/output)" "512"
check_exit "status --watch goes on until it is ended" 143 "timeout 3 balloonctl status --watch 1 --json 2> /dev/null"
check_le "and prints an object a second" 2 "$(grep -c '"schema":1' /tmp/output)"

end_pattern
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
