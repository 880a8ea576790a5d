# Without knowledge nothing is done: the holder of the pins is stopped, gone, or has no descriptors left; a process has
# too few; a page is broken. An unknown size is never reported as a number, no pin is lost, no hole goes back to Linux,
# and to take memory back needs neither holder nor descriptor.
start_guest
remember_pages
MEMORY=/sys/devices/system/memory

holder() { guest "ps | grep '[b]alloonctl hold'" | awk '{ print $1 }'; }

# check_pinned TEXT VNODE MIB: Linux cannot move a frame of any eighth extent.
check_pinned() {
    addresses=$(guest "probe frames $PAGES_DIRECTORY/vnode$2 $3" | awk 'NR % 8 == 1 { printf "%.0f ", ($1 + 255) * 4096 }')
    guest "for address in $addresses; do
        echo \$address > $MEMORY/soft_offline_page && echo accepted || echo refused; done" > /tmp/output 2>&1
    check_eq "$1: soft offline of $(echo $addresses | wc -w) frames of vnode $2 is refused" \
        "$(grep -c refused /tmp/output) $(grep -c accepted /tmp/output)" "$(echo $addresses | wc -w) 0"
}

# check_unknown TEXT COMMAND: the command fails, and shows no size of vnode 0.
check_unknown() {
    guest "$2" > /tmp/output 2>&1
    code=$?
    sed 's/^/@@ /' /tmp/output
    check "$1: exit 75 or 69 ($code)" [ $code = 75 -o $code = 69 ]
    check "$1: no balloon of 0" [ "$(grep -cE 'balloon 0|"balloon_kib":0|is empty' /tmp/output)" = 0 ]
}

check "the daemon starts" start_daemon
targets 65536 98304
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check "96 MiB on vnode 1 are reached" wait_reached 1 98304

# --- The holder is stopped -------------------------------------------------------------------------------------------

guest "kill -STOP $(holder)"
targets 32768 49152
check "the holder is stopped: 32 MiB of vnode 0 come back" wait_reached 0 32768
check "the holder is stopped: 48 MiB of vnode 1 come back" wait_reached 1 49152
check_given "the holder is stopped" 32768 49152
# More than 64 extents need another pin, and the stopped holder does not take it.
targets 32768 147456
check "the holder is stopped: no more than it has pins for is given" wait_row 1 reason holder 30
check_eq "the holder is stopped: and no step is lost" "$(row 1 state)" held
guest "kill -CONT $(holder)"
check "the holder goes on: 144 MiB on vnode 1 are reached" wait_reached 1 147456 90
check_given "the holder goes on" 32768 147456
targets 65536 98304
check "64 MiB on vnode 0 are reached again" wait_reached 0 65536
check "96 MiB on vnode 1 are reached again" wait_reached 1 98304

# --- A new holder in place of the old one, as after an update ---------------------------------------------------------

# take_over TEXT
take_over() {
    old=$(holder)
    check_exit "$1: hold --take-over" 0 "balloonctl hold --take-over"
    check_has "$1: it says so" "$(cat /tmp/output)" "a new keeper has all"
    check "$1: another process is the holder" [ -n "$(holder)" -a "$(holder)" != "$old" ]
    check_pinned "$1" 0 64
    check_pinned "$1" 1 96
}
take_over "beside the daemon"
check_given "a new holder beside the daemon" 65536 98304
check "the daemon is killed" kill_daemon
take_over "without a daemon"
check_pinned "the holder went on" 0 64
check_pinned "the holder went on" 1 96

# --- Without a daemon ------------------------------------------------------------------------------------------------

guest "kill -STOP $(holder)"
check_unknown "the holder is stopped: deflate --all" "balloonctl deflate --all"
check_unknown "the holder is stopped: status" "balloonctl status --json"
check_unknown "the holder is stopped: audit" "balloonctl audit --json"
check_unknown "the holder is stopped: given" "balloonctl given"
check_has "the holder is stopped: given says so" "$(cat /tmp/output)" "it is not known what is given"
check_given "the holder is stopped" 65536 98304
guest "kill -CONT $(holder)"
guest "balloonctl deflate --release" > /tmp/output 2>&1
check_given "the holder goes on" 65536 98304
check_pinned "the holder goes on" 1 96

# --- A broken page ---------------------------------------------------------------------------------------------------

check "the daemon starts again" start_daemon
frame=$(guest "probe frames $PAGES_DIRECTORY/vnode0 64" | sed -n 11p)
guest "echo $(awk "BEGIN { printf \"%.0f\", ($frame + 100) * 4096 }") > $MEMORY/hard_offline_page" > /tmp/output 2>&1
note "hard offline of frame $((frame + 100)): exit $?"
check "the daemon is killed" kill_daemon
check "the daemon starts again" start_daemon
target 0 0
check "all but the broken page come back" wait_reached 0 0
check_given "all but the broken page" 2048 98304
status
check_eq "status tells of it" "$(json vnodes.0.lost_kib) $(json vnodes.0.balloon_kib)" "2048 0"
guest "balloonctl audit --json 2> /dev/null" > /tmp/audit.json
code=$?
check_eq "the audit names it" "$code $(grep -o '"kind":"[a-z-]*"' /tmp/audit.json)" '75 "kind":"lost"'
target 0 32768
check "the balloon goes on beside it" wait_reached 0 32768
check_given "beside it" $((32768 + 2048)) 98304
target 0 0
check "and comes back" wait_reached 0 0

# --- Too few descriptors, and a file that was cut while nobody looked ------------------------------------------------

check "the daemon is killed" kill_daemon
guest "truncate -s 86M $PAGES_DIRECTORY/vnode1"
refused=0
for limit in 10 12 14 16 18 20 22 24 26 28 30 32 34 36; do
    guest "ulimit -n $limit; balloonctl status --json" > /tmp/output 2>&1
    code=$?
    [ $code = 0 ] || refused=$((refused + 1))
    if [ $code = 0 ]; then
        check_eq "status with $limit descriptors: what is there" \
            "$(grep '^{' /tmp/output | jsonget vnodes.1.balloon_kib vnodes.1.lost_kib | tr '\n' ' ')" "88064 10240 "
    elif [ $code != 75 ] && [ $code != 69 ]; then
        fail "status with $limit descriptors: exit $code: $(tail -n 1 /tmp/output)"
    fi
done
check "some limits were too low ($refused)" [ $refused -gt 2 ]
check_eq "nothing of it is in the pool" "$(pool_counts)" "1 0 48 0 "
guest "ulimit -n 28; balloonctl audit --json" > /tmp/output 2>&1
check_eq "the audit with few descriptors does not say clean" "$?" 75
for limit in 12 16 18 20 22 24; do
    guest "ulimit -n $limit; balloonctl deflate --all" > /tmp/output 2>&1
    code=$?
    given=$(((START_TOTAL - $(guest 'probe reservation')) * 4))
    note "deflate --all with $limit descriptors: exit $code, $given KiB are given: $(tail -n 1 /tmp/output)"
    [ $code != 0 ] || check_eq "deflate --all with $limit descriptors: done is done" $given 12288
done
guest "balloonctl deflate --all" > /tmp/output 2>&1
check_eq "deflate --all" "$(($? == 0 || $? == 75))" 1
check_given "all comes back but the broken page and the five that were cut" 2048 10240
check_eq "they are in use" "$(pool_counts)" "1 0 5 0 "
guest "balloonctl audit --json 2> /dev/null" > /tmp/audit.json
check_eq "the audit names them" "$? $(grep -c '"kind":"lost"' /tmp/audit.json)" "75 1"
finish
