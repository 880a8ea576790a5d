# What `make demo` shows: targets written in dom0, the balloons moving, and Xen's own count beside them. Then one command in
# dom0 makes room on a physical node over two guests.
RATE=96 # MiB a second: slow enough to be watched

bar() { awk -v kib="$1" 'BEGIN { for (i = 1; i <= 10; i++) printf i * 16384 <= kib ? "#" : "." }'; }

# One line: both balloons as the guest reports them, and then what Xen counts on each physical node.
show() {
    status
    counts=$(page_counts | tr '\n' ' ')
    line=$(printf '%5.1f s' $(awk -v now="$(uptime_seconds)" -v start="$began" 'BEGIN { print now - start }'))
    for vnode in 0 1; do
        kib=$(json vnodes.$vnode.balloon_kib)
        line="$line  [$(bar $kib)] $(printf '%3d MiB %-9s' $((kib / 1024)) $(json vnodes.$vnode.state))"
    done
    set -- $counts
    tell "$line $(printf '%7d %6d %8d %6d' $4 $(($4 - START_0)) $6 $(($6 - START_1)))"
}

both_idle() { [ "$(json vnodes.0.state) $(json vnodes.1.state)" = "idle idle" ]; }

# move KIB0 KIB1: writes both targets and shows what happens until they are reached.
move() {
    tell ""
    tell "dom0 writes memory/vnode0/target-balloon-size = $1 and memory/vnode1/target-balloon-size = $2 (KiB)"
    began=$(uptime_seconds)
    targets $1 $2
    watch_until_reached $1 $2
}

watch_until_reached() {
    for i in $(seq 1 60); do
        show
        both_idle && is_reached 0 $1 && is_reached 1 $2 && break
        sleep 0.2
    done
    check_given "exact as Xen counts it" $1 $2
}

tell "Starting a guest with two virtual nodes of 512 MiB: vnode 0 on physical node 0, vnode 1 on physical node 1."
start_guest
remember_pages
check "balloonctl daemon runs in the guest" start_daemon --max-rate $RATE
tell ""
tell "                                                                 Xen's own count of pages, change"
tell "   time  balloon of vnode 0           balloon of vnode 1                 pnode 0         pnode 1"

move 0 131072
move 98304 163840

tell ""
tell "dom0 writes other targets, and the daemon is killed (SIGKILL) while it moves"
began=$(uptime_seconds)
targets 163840 65536
sleep 0.3
show
check "the daemon is killed" kill_daemon
show
check "started again, it takes up where it was" start_daemon --max-rate $RATE
watch_until_reached 163840 65536
check_audit "every frame of the balloons is a hole for Xen" 112

move 0 0
check "the daemon ends" stop_daemon
check_all_back "all memory is back where it was"
stop_guest

tell ""
tell "Two guests, each with two virtual nodes of 256 MiB. dom0 wants 256 MiB of physical node 1, whoever has them."
check "balloonctl host watch runs in dom0" start_watch
for name in g1 g2; do
    make_guest $name pvh "256 256"
    check "balloonctl daemon runs in $name" start_daemon --max-rate $((RATE / 2))
done
sleep 3
remember_free

# show_host: the balloons on physical node 1 as the guests report them, and what Xen has free, in MiB.
show_host() {
    line=$(printf '%5.1f s' $(awk -v now="$(uptime_seconds)" -v start="$began" 'BEGIN { print now - start }'))
    for name in g1 g2; do
        on $name
        kib=$(row 1 size)
        line="$line  [$(bar $kib)] $(printf '%3d MiB %-9s' $((kib / 1024)) $(row 1 state))"
    done
    set -- $(hostcount free)
    tell "$line $(printf '%7d %6d %8d %6d' $1 $(($1 - FREE_0)) $2 $(($2 - FREE_1)))"
}
tell ""
tell "                                                                 Xen's own count of free pages, change"
tell "   time  g1's balloon on pnode 1      g2's balloon on pnode 1            pnode 0         pnode 1"
tell ""
tell "dom0: balloonctl host free +256m --pnode 1"
began=$(uptime_seconds)
balloonctl host free +256m --pnode 1 > /tmp/host.out 2> /tmp/host.err &
freeing=$!
for i in $(seq 1 60); do
    sleep 0.5
    show_host
    has_ended $freeing && break
done
await_end $freeing 60 "host free"
wait $freeing
check_eq "host free: exit 0" $? 0
while read -r line; do tell "     $line"; done < /tmp/host.out
check_freed "one command, two guests" 0 65536
tell ""
tell "dom0: balloonctl host top --batch --count 1"
balloonctl host top --batch --count 1 > /tmp/host.out
while IFS= read -r line; do tell "     $line"; done < /tmp/host.out
stop_watch
stop_guests
finish
