# shellcheck shell=sh
# Room on one physical node over two guests: `balloonctl host free`, the guests' own moves of the same amount, and `xl mem-set` of
# each guest, which can name no node. hostcount asks Xen; each try begins with all memory in the guests.
EACH_KIB=262144
PAGES=$((2 * EACH_KIB / 4))
check "the daemon starts in dom0" start_watch
for name in g1 g2; do
    make_guest $name pvh "512 512"
    check "the daemon of $name starts" start_daemon
done
sleep 3

# own_move NAME: of one guest alone, from dom0's write to `balloon-size` final.
own_move() {
    on "$1"
    moment "$D/memory/vnode1/target-balloon-size" $EACH_KIB "$(rows place "$D")/vnode1/balloon-size" $EACH_KIB > /tmp/moment ||
        fail "$1 reaches $EACH_KIB KiB"
    read_moment
    figure "host.own.$1 $(milliseconds "$REACHED - $WRITTEN")"
}

# measured NAME PNODE COMMAND...: how long it takes until Xen has PAGES more free there, and until the command has ended.
measured() {
    measured_name=$1 measured_pnode=$2
    shift 2
    sleep 3
    remember_free
    case $measured_pnode in
        1) measured_from=$FREE_1 ;;
        *) measured_from=$((FREE_0 + FREE_1)) ;;
    esac
    hostcount until "$measured_pnode" $((measured_from + PAGES)) "$@" > /tmp/moment 2> /run/output
    check_eq "$measured_name: exit 0" $? 0
    for measured_what in freed ended; do
        figure "host.$measured_name.$measured_what $(milliseconds "$(
            awk -v what=$measured_what '$1 == "written" { from = $2 } $1 == what { print $2 " - " from }' /tmp/moment)")"
    done
    set -- $(hostcount free)
    figure "host.$measured_name.landed $(($2 - FREE_1)) $(($1 - FREE_0))"
}

for try in 1 2 3 4 5; do
    own_move g1
    own_move g2
    for name in g1 g2; do host 0 "back" set $name --total 0 --wait; done
    measured free 1 balloonctl host free +512m --pnode 1
    check_freed "512 MiB, all of physical node 1" 0 $PAGES
    for name in g1 g2; do host 0 "back" set $name --total 0 --wait; done
done

stop_watch
for name in g1 g2; do
    on $name
    check "the daemon of $name ends" stop_daemon
done
WHOLE_KIB=$((1024 * 1024))
check_eq "xl has memory/target to change" "$(legacy_of g1) $(legacy_of g2)" "$WHOLE_KIB $WHOLE_KIB"
WHOLE="$(tot g1) $(tot g2)"
is_whole() { [ "$(tot g1) $(tot g2)" = "$WHOLE" ]; }
# set_both KIB: as an administrator types it.
set_both() { echo "xl mem-set g1 $1k && xl mem-set g2 $1k"; }
for try in 1 2 3; do
    measured mem-set all sh -c "$(set_both $((WHOLE_KIB - EACH_KIB)))"
    sh -c "$(set_both $WHOLE_KIB)" > /run/output 2>&1
    check "all is back" wait_until 60 is_whole
done
stop_guests
finish
