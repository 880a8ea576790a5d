# shellcheck shell=sh
# What happens to a guest while `host free` and `host wait` wait for it: its daemon is killed, stopped, deaf, writes nonsense, is held
# by its guard; it is destroyed, starts again, is migrated. The rest comes from the other guest, nothing is planned twice, the exit
# code and the figures are right. Xen's own library counts.
check "the daemon starts in dom0" start_watch
# Slow enough to be met in the middle.
slow_daemon() { start_daemon --max-rate 32; }
for name in g1 g2; do
    make_guest $name pvh "256 256" "" "on_reboot=\"restart\"
uuid=\"00000000-0000-0000-0000-00000000000${name#g}\""
    check "the daemon of $name starts" slow_daemon
done
sleep 3

# begin ARGUMENT...: `balloonctl host ARGUMENT...` in the background; ends CODE TEXT: it ends so.
begin() {
    echo "@@ | \$ balloonctl host $* &"
    balloonctl host "$@" > /tmp/host.out 2> /tmp/host.err &
    COMMAND=$!
}
ends() {
    await_end $COMMAND 120 "$2"
    wait $COMMAND
    ends_code=$?
    sed 's/^/@@ | /' /tmp/host.out /tmp/host.err
    check_eq "$2: exit $1" $ends_code "$1"
}

# begin_free TEXT: 128 MiB of physical node 1, a half of each guest; g1 is on its way when this returns.
begin_free() {
    remember_free
    begin free +128m --pnode 1 --spread even
    on g1
    check "$1: g1 is on its way" wait_until 20 eval '[ "$(row 1 size)" -ge 16384 ]'
}
# check_room TEXT: 128 MiB more are free on physical node 1, and less than an extent beyond them; what was asked for is as much.
check_room() {
    room_text=$1
    set -- $(hostcount free)
    room=$(($2 - FREE_1))
    check "$room_text: 32768 pages more are free on pnode 1 ($room), less than an extent beyond" \
        [ $room -ge 32768 -a $room -lt 33280 -a "$1" = "$FREE_0" ]
    check_eq "$room_text: g1 and g2 are asked for as much" $(($(target_of g1 1) + $(target_of g2 1))) 131072
}
# check_asked TEXT: the same, and g1 is asked for what it has given, by Xen's count.
check_asked() {
    check_room "$1"
    on g1
    note "$1: g1 has given $(((TOT1 - $(tot g1)) * 4)) KiB, its target is $(target_of g1 1); g2's is $(target_of g2 1)"
    check "$1: g1 is asked for what it has given" [ $(($(target_of g1 1) - (TOT1 - $(tot g1)) * 4)) -lt 2048 ]
}
# settle TEXT: g1's daemon is well again; nothing comes twice. Then all is given back.
settle() {
    sleep 5
    host 0 "$1, afterwards" wait g1 g2
    check_room "$1, afterwards"
    for name in g1 g2; do host 0 "back" set $name --total 0 --wait; done
    check_freed "$1: all is back" 0 0
}
TOT1=$(tot g1)

note "deaf: g1's daemon is killed before"
on g1
check "its daemon is killed" kill_daemon
remember_free
host 0 "g2 gives all" free +128m --pnode 1 --spread even
check_has "the error says why" "$(cat /tmp/host.err)" "domain $(id_of g1) (g1)"
check_asked "deaf"
host 0 "there is nothing to wait for" wait g2
on g1
check "its daemon starts again" slow_daemon
settle "deaf"

note "killed in the middle"
begin_free "killed"
check "its daemon is killed" kill_daemon
ends 0 "killed: the rest comes from g2"
check_asked "killed"
on g1
check "its daemon starts again" slow_daemon
settle "killed"

note "stopped in the middle"
begin_free "stopped"
guest "kill -STOP $(guest_pid daemon)"
ends 0 "stopped: the rest comes from g2"
check_asked "stopped"
on g1
guest "kill -CONT $(guest_pid daemon)"
settle "stopped"

note "stopped for two seconds only"
begin_free "late"
guest "kill -STOP $(guest_pid daemon)"
sleep 2
guest "kill -CONT $(guest_pid daemon)"
ends 0 "late: both give their half"
check_eq "late: both give their half" "$(target_of g1 1) $(target_of g2 1)" "65536 65536"
settle "late"

note "stopped in the middle, and its rows become nonsense"
begin_free "nonsense"
guest "kill -STOP $(guest_pid daemon)
    xenstore-write memory/vnode1/balloon-size '$(printf '\033[2J')262144'
    xenstore-write memory/vnode1/balloon-state '$(head -c 1900 /dev/zero | tr '\0' a)'
    xenstore-write memory/vnode0/balloon-granularity 7"
ends 0 "nonsense: the rest comes from g2"
check_eq "nonsense: no byte of it is shown" "$(cat /tmp/host.out /tmp/host.err | tr -d ' -~\n' | wc -c)" 0
check_asked "nonsense"
begin wait g1 --stall 3
ends 75 "nonsense: a wait ends"
on g1
guest "kill -CONT $(guest_pid daemon)"
check "its daemon ends" stop_daemon
check "its daemon starts again" slow_daemon
settle "nonsense"

note "held by its guard"
on g1
guest_start hog "hog 1 rest $((64 << 10)) 1"
check "a program takes all but 64 MiB" wait_until 60 eval 'guest_log hog | grep -q holds'
remember_free
host 0 "held: the rest comes from g2" free +128m --pnode 1 --spread even
check_has "the error says why" "$(cat /tmp/host.err)" "guard"
check_asked "held"
guest_end hog
settle "held"

# In the midst of a wait.
note "a wait for a daemon that is killed"
on g1
host 0 "a target alone" set g1 --vnode 1=128m
begin wait g1
check "g1 is on its way" wait_until 20 eval '[ "$(row 1 size)" -ge 16384 ]'
check "its daemon is killed" kill_daemon
ends 75 "a wait for a daemon that is killed"
check "its daemon starts again" slow_daemon
host 0 "it goes on" wait g1
host 0 "back" set g1 --total 0 --wait

note "a wait for a guest that starts again"
on g1
BEFORE=$DOMID
host 0 "a target alone" set g1 --vnode 1=128m
begin wait g1
check "g1 is on its way" wait_until 20 eval '[ "$(row 1 size)" -ge 16384 ]'
GUEST_SECONDS=2 guest "reboot -f" > /dev/null
ends 75 "a wait for a guest that starts again"
check_has "it says so" "$(cat /tmp/host.err)" "gone"
new_id() { [ "$(xl domid g1 2> /dev/null || echo "$BEFORE")" != "$BEFORE" ] && xenstore-exists "/local/domain/$(xl domid g1)/data/lab/ready"; }
check "g1 starts again, with another number" wait_until 180 new_id
on g1
check "its daemon starts" slow_daemon
check "its target is remembered" wait_until 15 eval '[ "$(target_of g1 1)" = 131072 ]'
host 0 "it goes there" wait g1
check_eq "Xen's count" $((TOT1 - $(tot g1))) 32768
check_eq "nothing is kept of the old one" "$(xenstore-list /vnode-balloon/domain | grep -cx "$BEFORE")" 0
host 0 "back" set g1 --total 0 --wait

note "a free in which a guest starts again"
BEFORE=$(id_of g1)
begin_free "again"
GUEST_SECONDS=2 guest "reboot -f" > /dev/null
await_end $COMMAND 120 "the free"
wait $COMMAND
code=$?
sed 's/^/@@ | /' /tmp/host.out /tmp/host.err
check "g1 starts again, with another number" wait_until 180 new_id
on g1
check "its daemon starts" slow_daemon
sleep 5
host 0 "all that was asked for" wait g1 g2
set -- $(hostcount free)
note "again: exit $code; $(($1 - FREE_0)) and $(($2 - FREE_1)) pages more are free, targets $(target_of g1 1) and $(target_of g2 1)"
check "again: what was asked for is free in the end" [ $(($2 - FREE_1)) -ge 32768 ]
check "again: exit 0 or 75" [ $code = 0 -o $code = 75 ]
for name in g1 g2; do host 0 "back" set $name --total 0 --wait; done
check_freed "again: all is back" 0 0

note "a guest without virtual NUMA is migrated"
make_guest gp pvh-plain 256 "" 'uuid="11111111-1111-1111-1111-111111111111"'
check "the daemon of gp starts" slow_daemon
sleep 3
TOTP=$(tot gp)
for what in "free +128m --any --from gp" "wait gp"; do
    on gp
    [ "$what" != "wait gp" ] || host 0 "a target alone" set gp --vnode 0=128m
    begin $what
    check "$what: gp is on its way" wait_until 20 eval '[ "$(row 0 size)" -ge 16384 ]'
    xl migrate -s "" gp "xl migrate-receive" > /tmp/xl.log 2>&1
    check_eq "$what: gp is migrated" $? 0
    ends 75 "$what, migrated meanwhile"
    on gp
    check "$what: its target is remembered" wait_until 15 eval '[ "$(target_of gp 0)" = 131072 ]'
    host 0 "it goes there" wait gp
    check_eq "$what: Xen's count" $((TOTP - $(tot gp))) 32768
    host 0 "back" set gp --total 0 --wait
done

note "a guest is destroyed"
host 0 "a target alone" set g1 --vnode 1=128m
begin wait g1
sleep 1
xl destroy g1
ends 75 "a wait for a guest that is destroyed"
check_has "it says so" "$(cat /tmp/host.err)" "gone"
make_guest g1 pvh "256 256" "" 'uuid="00000000-0000-0000-0000-000000000003"'
check "the daemon of g1 starts" slow_daemon
sleep 3
ID1=$DOMID
begin_free "destroyed"
xl destroy g1
ends 0 "destroyed: its memory is free"
check_eq "destroyed: g2 gives its half, and no more" "$(target_of g2 1)" 65536
sleep 3
set -- $(hostcount free)
note "destroyed: $(($1 - FREE_0)) and $(($2 - FREE_1)) pages more are free"
check "destroyed: all of it is free" [ $(($2 - FREE_1)) -ge $((65536 + 16384)) ]
check_eq "destroyed: nothing is kept of it" "$(xenstore-list /vnode-balloon/domain | grep -cx "$ID1")" 0
check_eq "destroyed: no ghost is in xenstore" "$(xenstore-list /local/domain | grep -cx "$ID1")" 0
sed 's/^/@@ watch: /' /run/watch.log
stop_watch
stop_guests
finish
