# shellcheck shell=sh
# The daemon in dom0: domains come, live, lie and go. No command is typed except questions. Xen's own library counts.
check "the daemon starts in dom0" start_watch
host 75 "there is one daemon" watch

note "four guests: two with two vnodes, one without, one PV"
for guest in "g1 pvh 256,256" "g2 pvh 256,256" "gp pvh-plain 256 384" "gv pv 256 384"; do
    set -- $guest
    make_guest "$1" "$2" "$(echo "$3" | tr , ' ')" "$4"
    wanted="8 7"
    [ $2 != pvh ] || wanted="15 13"
    check_eq "$1 has its rows before it is up" "$(prepared_rows)" "$wanted"
    check_eq "$1 has no target" "$(xenstore-ls -f $D | grep -c target-balloon-size)" 0
    eval "TOT_$1=$(tot "$1")"
    check "the daemon of $1 starts" start_daemon
    wait_until 20 feature_is 1
    check "$1: what it has becomes its target" wait_until 3 xenstore-exists $D/memory/vnode0/target-balloon-size
done
sleep 2
check_eq "the targets" "$(target_of g1 0) $(target_of g1 1) $(target_of g2 0) $(target_of g2 1) $(target_of gp 0) \
$(target_of gv 0)" "0 0 0 0 131072 131072"
check_eq "no page moved" "$(tot g1) $(tot g2) $(tot gp) $(tot gv)" "$TOT_g1 $TOT_g2 $TOT_gp $TOT_gv"
check_eq "memory/target is away where there is virtual NUMA, and stays elsewhere" \
    "$(legacy_of g1) $(legacy_of g2) $(legacy_of gp) $(legacy_of gv)" "  262144 262144"
check_eq "what it said is kept" "$(xenstore-read /vnode-balloon/domain/$(id_of g1)/target)" 524288
host 0 "the list" list

note "128 MiB of pnode 1"
remember_free
TOT1=$(tot g1) TOT2=$(tot g2)
host 0 "both give the same" free +128m --pnode 1 --spread even
check_eq "the targets" "$(target_of g1 1) $(target_of g2 1)" "65536 65536"
check_freed "both" 0 32768
check_eq "16,384 pages each" "$((TOT1 - $(tot g1))) $((TOT2 - $(tot g2)))" "16384 16384"
host 0 "back" set g1 --vnode 1=0 --wait
host 0 "back" set g2 --vnode 1=0 --wait
check_freed "all is back" 0 0

note "the daemon is killed in the middle"
host 0 "the targets alone" free +128m --pnode 1 --spread even --no-wait
stop_watch KILL
check_eq "SIGKILL" $? 137
check "the next one starts" start_watch
host 0 "it goes on" wait g1 g2
check_freed "the same end" 0 32768

note "a PV guest gives of whatever node, and of none in particular"
TOT=$(tot gv)
host 75 "no node has it for certain" free +32m --pnode 0 --from gv
host 0 "32 MiB" free +32m --any --from gv
check_eq "its target" "$(target_of gv 0)" 163840
check_eq "exactly 8,192 pages" $((TOT - $(tot gv))) 8192

note "a guest that lies: its daemon is killed, and its rows say that more is given than Xen has back"
on g1
target 1 98304
check "96 MiB" wait_reached 1 98304
check "its daemon is killed" kill_daemon
target 1 131072
guest "xenstore-write memory/vnode1/balloon-target 131072 memory/vnode1/balloon-size 131072 memory/vnode1/balloon-state idle"
host 75 "its word does not count" wait g1
check_has "both figures are told" "$(cat /tmp/host.err)" "claims 131072 KiB, Xen says 98304 KiB"
host 0 "the list has them, too" list
check_has "the list has them, too" "$(cat /tmp/host.out)" "claims 128 MiB, Xen says 96 MiB"

note "hostile rows"
guest "xenstore-write memory/vnode1/balloon-size '$(printf '\033[2J\033[31m')262144'
    xenstore-write memory/vnode1/balloon-state '$(head -c 1900 /dev/zero | tr '\0' a)'
    xenstore-write memory/vnode1/balloon-granularity 7
    i=0; while xenstore-write memory/vnode1/balloon-reason/n\$i x 2> /dev/null; do i=\$((i + 1)); done
    xenstore-rm memory/vnode0/balloon-reason"
host 0 "a list with hostile rows" list
check_eq "no byte of them is shown" "$(tr -d ' -~\n' < /tmp/host.out | wc -c)" 0
host 0 "the same as JSON" list --json
check_eq "no byte of them is in the JSON" "$(tr -d ' -~\n' < /tmp/host.out | wc -c)" 0
check "the row that was removed is back" wait_until 12 xenstore-exists $D/memory/vnode0/balloon-reason
check_eq "and is the guest's" "$(xenstore-ls -fp $D | grep -c "vnode0/balloon-reason = .*(n$DOMID)")" 1
remember_free
host 0 "the other guest gives all the same" free +32m --pnode 1
check_freed "32 MiB of g2" 0 8192
check_eq "g1 was not asked" "$(target_of g1 1)" 131072

note "memory/target comes back when the daemon ends"
stop_watch
check_eq "it ends well" $? 0
check_eq "byte for byte" "$(legacy_of g1) $(legacy_of g2)" "524288 524288"
check_eq "xl's list, and so xendomains', has all" "$(listed)" "Domain-0 g1 g2 gp gv"
check "it starts again" start_watch
check "memory/target goes again" wait_until 3 eval '[ -z "$(legacy_of g2)" ]'
stop_watch KILL
check_eq "without it xl's list lacks those" "$(listed)" "Domain-0 gp gv"
host 75 "the doctor sees it" doctor
host 0 "what the unit does after it" yield --all
check_eq "xl's list has all" "$(listed)" "Domain-0 g1 g2 gp gv"

note "domains come and go"
check "the daemon starts" start_watch
for i in 1 2 3 4; do
    sed "s/^name=.*/name=\"t$i\"/" /tmp/gp.cfg > /tmp/t$i.cfg
    create_named t$i -p > /tmp/xl.log 2>&1 && xl destroy t$i
done
sleep 3
ids=$(xl list | awk 'NR > 1 { print $2 }' | sort | one_line)
check_eq "no ghost is in xenstore" "$(xenstore-list /local/domain | sort | one_line)" "$ids"
check_eq "nothing is kept of them" "0 $(xenstore-list /vnode-balloon/domain | sort | one_line)" "$ids"
host 0 "the daemon's memory" list
note "the daemon in dom0 has $(awk '/VmRSS/ { print $2 }' /proc/$WATCH/status) KiB"
sed 's/^/@@ watch: /' /run/watch.log
stop_watch
stop_guests
finish
