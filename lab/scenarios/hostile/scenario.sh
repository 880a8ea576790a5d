# A hostile dom0 and hostile clients: a thousand vnodes, invalid targets, targets that change all the time, two hundred
# clients that are silent, slow, deaf or without an end, a xenstored that does not answer. Memory and processor time
# stay bounded, and a good target is met exactly all the same.
start_guest
remember_pages
check "the guest's memory is in use" start_pattern 32 32
check "the daemon starts" start_daemon
targets 65536 32768
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check "32 MiB on vnode 1 are reached" wait_reached 1 32768
PID=$(guest_pid daemon)
TARGET=$D/memory/vnode0/target-balloon-size

# figures: `VmRSS RssAnon CPU DESCRIPTORS` of the daemon: KiB, KiB, ms of all its threads.
figures() {
    guest "awk '/^VmRSS|^RssAnon/ { print \$2 }' /proc/$PID/status
        awk '{ n += \$1 } END { print int(n / 1000000) }' /proc/$PID/task/*/schedstat; ls /proc/$PID/fd | wc -l" |
        tr '\n' ' '
}

# check_bounded TEXT MS: since the figures were taken last it used so much processor time at most, has next to no more
# memory of its own, and keeps no descriptor.
last=$(figures)
first=$last
check_bounded() {
    set -- "$1" "$2" $last $(figures)
    last="$7 $8 $9 ${10}"
    note "$1: $(($9 - $5)) ms of processor time; VmRSS $3 to $7 KiB, RssAnon $4 to $8 KiB"
    check_le "$1: processor time in ms" $(($9 - $5)) "$2"
    check_le "$1: memory of its own in KiB" "$8" $(($(echo "$first" | cut -d ' ' -f 2) + 256))
    check_eq "$1: descriptors" "${10}" "$6"
}

# ones BYTES: as many 0xff. longest PATH: the longest value that a message to xenstored has room for.
ones() { head -c "$1" /dev/zero | tr '\0' '\377'; }
digits() { head -c "$1" /dev/zero | tr '\0' 9; }
longest() { echo $((4095 - $(printf %s "$1" | wc -c))); }

# --- A thousand vnodes -----------------------------------------------------------------------------------------------

for hundred in $(seq 0 9); do
    set --
    for n in $(seq $((hundred * 100)) $((hundred * 100 + 99))); do
        [ "$n" -lt 2 ] || set -- "$@" "$D/memory/vnode$n/target-balloon-size" $((n * 64))
    done
    xenstore-write "$@"
done
for name in vnode vnode-1 vnode00 vnode1x vnode99999999999999999999 vnode18446744073709551617; do
    xenstore-write "$D/memory/$name/target-balloon-size" 131072
done
xenstore-write "$D/memory/vnode7/target-balloon-size/vnode0/target-balloon-size" 131072
target 1 49152
check "with 1,000 vnodes: 48 MiB on vnode 1 are reached" wait_reached 1 49152
check_given "with 1,000 vnodes" 65536 49152
check_eq "with 1,000 vnodes: it reports its own two" \
    "$(xenstore-list $D/data/balloon-vnode | grep -c vnode) $(feature)" "2 1"
check_bounded "with 1,000 vnodes" 600
note "vnode 500's target: $(rewrite $D/memory/vnode500/target-balloon-size 1000 65536 0)"
target 1 32768
check "a stranger's target, written 1,000 times: 32 MiB on vnode 1 are reached" wait_reached 1 32768
check_bounded "a stranger's target, written 1,000 times" 600

# --- Targets that are none -------------------------------------------------------------------------------------------

# bad TEXT VALUE ACKNOWLEDGED: the value is refused and reported, nothing moves, and the next good target counts again.
bad() {
    xenstore-write -- $TARGET "$2"
    check "$1: acknowledged" wait_row 0 target "$3" 20
    check_row "$1" 0 65536 held invalid-target
    target 0 65536
    check "$1: the next good one counts" wait_reached 0 65536 20
}
bad "4 KiB of 0xff" "$(ones "$(longest $TARGET)")" invalid
bad "4 KiB of digits" "$(digits "$(longest $TARGET)")" invalid
bad "an empty target" "" invalid
bad "a negative target" -65536 -65536
bad "more than 64 bits" 18446744073709551616 18446744073709551616
bad "64 bits" 18446744073709551615 18446744073709551615
bad "4 KiB more than the vnode" 524292 524292
bad "a fraction" 65536.5 65536.5
bad "a size with a space" "65536 " "65536 "
check_given "after bad targets" 65536 32768
xenstore-write $D/memory/vnode0/size "$(ones "$(longest $D/memory/vnode0/size)")"
check "a size of 4 KiB of 0xff says nothing" wait_reached 0 65536
xenstore-write $D/memory/vnode0/size 0
target 0 131072
check "a vnode without memory has no balloon" wait_row 0 reason invalid-target
check_row "a vnode without memory" 0 65536 held invalid-target
xenstore-rm $D/memory/vnode0/size
check "its size is gone: 128 MiB are reached" wait_reached 0 131072
static_max=$(xenstore-read $D/memory/static-max)
xenstore-write $D/memory/static-max "$(ones "$(longest $D/memory/static-max)")"
target 0 65536
check "with a static-max of 0xff: 64 MiB are reached" wait_reached 0 65536
status
check_eq "with a static-max of 0xff: status answers" "$(json vnodes.0.balloon_kib)" 65536
xenstore-write $D/memory/static-max "$static_max"
check_bounded "bad values" 1200

# --- A target that changes all the time ------------------------------------------------------------------------------

note "vnode 0's target: $(rewrite $TARGET 1000 0 131072 "$(ones "$(longest $TARGET)")" 32768)"
target 0 65536
target 1 65536
check "a target written 1,000 times: the last one is reached" wait_reached 0 65536
check "a target written 1,000 times: so is the other vnode's" wait_reached 1 65536
check_given "a target written 1,000 times" 65536 65536
check_audit "a target written 1,000 times" 64
check_bounded "a target written 1,000 times" 4000

# --- Clients ---------------------------------------------------------------------------------------------------------

SOCKET=/run/vnode-balloon/control.sock
check_eq "the socket and its directory are root's alone" \
    "$(guest "stat -c '%a %u' $SOCKET /run/vnode-balloon" | tr '\n' ' ')" "600 0 700 0 "
guest "chmod 755 /run/vnode-balloon; chmod 666 $SOCKET"
guest "echo 'other:x:1000:1000::/:/bin/sh' > /etc/passwd
    start-stop-daemon -S -c other -x /bin/crowd -- $SOCKET 6 1" > /tmp/output 2>&1
check_has "it does not answer another user, whatever the modes" "$(cat /tmp/output)" "good 1 answered 0 "
guest "chmod 700 /run/vnode-balloon; chmod 600 $SOCKET"

# Some of the 200 leave on purpose, so only names are counted: a look at each would come too late.
descriptors() { guest "set -- /proc/$PID/fd/*; echo \$#"; }
own=$(descriptors)
crowd_is_there() { [ "$(descriptors)" -ge $((own + 180)) ]; }
guest_start crowd "crowd $SOCKET 200 4"
check "200 clients are there at once" wait_until 3 crowd_is_there
check_exit "with 200 clients: status" 0 "balloonctl status"
target 1 98304
check "with 200 clients: 96 MiB on vnode 1 are reached" wait_reached 1 98304
check_given "with 200 clients" 65536 98304
check "with 200 clients: they are still there" guest_runs crowd
check_exit "with 200 clients: force" 0 "balloonctl force 0 32m"
crowd_is_over() { guest '[ -s /run/lab/crowd.code ]'; }
check "the 200 clients end" wait_until 60 crowd_is_over
note "$(guest_log crowd)"
check_eq "each good one among the 200 was answered" "$(guest 'cat /run/lab/crowd.code')" 0
check_le "none of them waited long, in ms" "$(guest_log crowd | sed 's/.*longest \([0-9]*\) ms/\1/')" 2000
check_exit "force --release" 0 "balloonctl force 0 --release"
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check_bounded "200 clients" 8000

end_pattern

# --- A xenstored that does not answer --------------------------------------------------------------------------------

STORE=$(pidof xenstored)
# silent SECONDS: xenstored does nothing, so nobody in dom0 hears of the guest meanwhile either.
silent() {
    kill -STOP "$STORE"
    sleep "$1"
    kill -CONT "$STORE"
}
target 1 65536
silent 4
check "after 4 s of silence it goes on: 64 MiB on vnode 1 are reached" wait_reached 1 65536
check_given "after 4 s of silence" 65536 65536

# in_silence NAME SECONDS COMMANDS: so much later, in the guest. What they said, and between two times of /proc/uptime, is in
# NAME.log.
in_silence() {
    guest "echo 'sleep $2; cut -d \" \" -f 1 /proc/uptime; $3; cut -d \" \" -f 1 /proc/uptime' > /run/lab/$1.sh"
    guest_start "$1" "sh /run/lab/$1.sh"
}
took() { guest_log "$1" | awk '/^[0-9]+[.][0-9]+$/ { t[n++] = $1 } END { printf "%d\n", (t[1] - t[0]) * 1000 }'; }
rate_is_read() { guest_log daemon | grep -q "configuration read again"; }
ending="kill -TERM $PID; while kill -0 $PID; do sleep 0.05; done 2> /dev/null"

# Silence in a move: it waits for two seconds once, moves on, and answers its own clients. The move is slow enough to meet it,
# however fast Xen is.
guest "echo max-rate = 384 > /etc/vnode-balloon.conf; kill -HUP $PID"
wait_until 10 rate_is_read || fail "the rate is read"
in_silence moving 7 "balloonctl status; echo status \$?; balloonctl status --json"
target 0 262144
sleep 0.1
silent 12
looked=$(guest_log moving)
check_has "in silence: status tells" "$looked" "warning: xenstore does not answer the daemon"
check_has "in silence: and ends with 75" "$looked" "status 75"
check_has "in silence: and so does its JSON" "$looked" '"xenstore":"silent"'
check_has "in silence: the move came to its end" "$looked" '"target_kib":262144,"forced_kib":null,"balloon_kib":262144,"state":"idle"'
check_le "in silence: three commands are answered, in ms" "$(took moving)" 3000
check "after silence in a move: 256 MiB on vnode 0 are told" wait_reached 0 262144
check_has "it says so" "$(guest_log daemon)" "xenstore does not answer"
check_has "and when it is over" "$(guest_log daemon)" "xenstore answers again"
check_exit "after silence in a move: status" 0 "balloonctl status"
check_given "after silence in a move" 262144 65536
guest "rm /etc/vnode-balloon.conf; kill -HUP $PID"
targets 65536 131072
check "after silence in a move: targets are followed: 64 MiB on vnode 0" wait_reached 0 65536
check "after silence in a move: 128 MiB on vnode 1" wait_reached 1 131072

# A stop during silence: the daemon waits for its last rows as long as for any others.
in_silence rest 1 "$ending"
silent 6
check "SIGTERM at rest while xenstored is silent: it ended" wait_until 5 guest '[ -s /run/lab/daemon.code ]'
check_le "SIGTERM at rest while xenstored is silent: how long it took, in ms" "$(took rest)" 3000
check_eq "SIGTERM at rest while xenstored is silent: the exit code" "$(guest 'cat /run/lab/daemon.code')" 0
check_has "it says why nobody was told" "$(guest_log daemon)" "cannot publish the end"
check_row "nobody could be told" 1 131072 idle
check "the daemon starts again" start_daemon
check_row "after silence at rest" 0 65536 idle
check_row "after silence at rest" 1 131072 idle
check_given "after silence at rest" 65536 131072

# A start during silence: an error after two seconds, and nothing hangs.
check "the daemon ends" stop_daemon
in_silence start 1 "balloonctl daemon; echo daemon \$?; balloonctl doctor"
silent 12
check_has "a start in silence" "$(guest_log start)" "daemon 75"
check_has "a start in silence: why" "$(guest_log start)" "xenstore does not answer"
check_le "a start in silence, and a look by doctor, in ms" "$(took start)" 8000
target 1 65536
target 0 262144
check "the daemon starts again" start_daemon
check "256 MiB on vnode 0 are reached" wait_reached 0 262144
check "64 MiB on vnode 1 are reached" wait_reached 1 65536
check_given "after silence" 262144 65536
check_agree "after silence"
check_audit "after silence" 160
targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
