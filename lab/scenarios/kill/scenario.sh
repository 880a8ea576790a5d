# SIGKILL in the middle: of an inflate, of a deflate, of a force without the daemon, and anywhere. Each time the next
# start converges, and nothing of the guest's memory or of its 2 MiB pool is lost.

# start_killed below|above|after NUMBER [OPTION...]: a daemon that will be killed there.
start_killed() {
    killed_at="$1 $2"
    shift 2
    guest_start daemon "killat $killed_at balloonctl daemon $*"
}
is_dead() { guest '[ -s /run/lab/daemon.code ]'; }

# check_killed TEXT: waits for the kill, shows how far it was, and says whether that was in the middle.
check_killed() {
    check "$1: killed" wait_until 60 is_dead
    check_eq "$1: by SIGKILL" "$(guest 'cat /run/lab/daemon.code')" 137
    far=$((START_TOTAL - $(guest 'probe reservation')))
    note "$1: $((far / 256)) of $((MOVE / 256)) MiB were given"
    check "$1: in the middle of the move ($far of $MOVE pages)" [ $far -gt 0 -a $far -lt $MOVE ]
    guest "balloonctl audit --json 2> /dev/null" > /tmp/audit.json
    code=$?
    check_eq "$1: the audit is clean" "$code $(jsonget clean < /tmp/audit.json)" "0 true"
    [ $code = 0 ] || sed 's/^/@@ /' /tmp/audit.json
}

# there_and_back VNODE: 256 MiB, killed at three points on the way there and at three on the way back.
MOVE=65536
there_and_back() {
    vnode=$1
    start_killed below $((START_TOTAL - MOVE / 16))
    target $vnode $((MOVE * 4))
    check_killed "inflating vnode $vnode, first kill"
    start_killed below $((START_TOTAL - MOVE / 2))
    check_killed "inflating vnode $vnode, second kill"
    # A step is an eighth of the way, and the kill comes within or behind the one that passes the number. At full speed a fast
    # Xen is at the end before.
    start_killed below $((START_TOTAL - MOVE * 3 / 4)) --max-rate 128
    check_killed "inflating vnode $vnode, third kill"
    check "the daemon starts again" start_daemon
    check "256 MiB on vnode $vnode are reached" wait_reached $vnode $((MOVE * 4))
    is_reached $vnode $((MOVE * 4)) 1 ||
        note "available, kept, per processor in KiB: $(node_kib $vnode); $(guest 'grep Node /proc/buddyinfo' | tr -s ' \n' ' ;')"
    check_given "256 MiB on vnode $vnode" $((vnode == 0 ? MOVE * 4 : 0)) $((vnode == 1 ? MOVE * 4 : 0))
    check_agree "256 MiB on vnode $vnode"
    check_audit "256 MiB on vnode $vnode" 128
    check_holes "256 MiB on vnode $vnode" $vnode 256

    check "the daemon ends" stop_daemon
    start_killed above $((START_TOTAL - MOVE + MOVE / 16))
    target $vnode 0
    check_killed "deflating vnode $vnode, first kill"
    # A deflate moves so much at a time that this one may come between the last populate and the end of the file.
    start_killed above $((START_TOTAL - MOVE / 8))
    check "deflating vnode $vnode, second kill" wait_until 60 is_dead
    check_eq "deflating vnode $vnode, second kill: by SIGKILL" "$(guest 'cat /run/lab/daemon.code')" 137
    check "the daemon starts again" start_daemon
    check "vnode $vnode is back" wait_reached $vnode 0
    check_all_back "vnode $vnode"
    check_agree "vnode $vnode is back"
    check_audit "vnode $vnode is back" 0
    check "the daemon ends" stop_daemon
}

start_guest
remember_pages
# 80 MiB will be others' pool pages on node 1. With all of that gone, what is left has to have whole pages of 2 MiB still.
check "the guest's memory is in use" start_pattern_beside 256 $((256 + 80 + 48))
# The other vnode has all of this, too, and more.
[ $KILLS -lt 16 ] || there_and_back 0

# Once more with pool pages that somebody else set aside.
guest 'cd /sys/devices/system/node && echo 7 > node0/hugepages/hugepages-2048kB/nr_hugepages &&
    echo 40 > node1/hugepages/hugepages-2048kB/nr_hugepages'
START_POOL=$(pool_counts)
check_eq "others set pool pages aside" "$START_POOL" "7 7 40 40 "
there_and_back 1

# A force without the daemon.
guest_start daemon "killat below $((START_TOTAL - 8192)) balloonctl force 0 256m"
check_killed "force without the daemon"
check_exit "force 0 64m after it" 0 "balloonctl force 0 64m"
check_given "64 MiB on vnode 0" 65536 0
check_exit "deflate --all" 0 "balloonctl deflate --all"
check_all_back "deflate --all"
check_exit "deflate --release" 0 "balloonctl deflate --release"

# In the middle of a move, at a random place: after so many pages of the way and some milliseconds more, inflating and
# deflating in turn, one vnode and the other. The seed is always the same. A deflate moves 64 extents at a time;
# with --max-rate there are more steps to be killed in.
SEED=20261127
note "random kills: seed $SEED"
MOST=16384
size_0=0 size_1=0 left=$START_TOTAL # pages of each balloon, and of the domain
met_0_inflating=0 met_0_deflating=0 met_1_inflating=0 met_1_deflating=0 between=0

# killed_moving VNODE inflating|deflating PERMILLE MICROSECONDS
killed_moving() {
    eval "size=\$size_$1"
    if [ $2 = inflating ]; then
        way=$((MOST - size)) to=$MOST when="below $((left - way * $3 / 1000))+$4" options=
    else
        way=$size to=0 when="above $((left + way * $3 / 1000))+$4" options="--max-rate 8"
    fi
    target $1 $((to * 4))
    guest "killat $when balloonctl daemon $options > /run/lab/moving.log 2>&1; echo \$?; probe reservation" > /tmp/moving
    set -- $1 $2 $(cat /tmp/moving) "$(row $1 state)"
    [ "$3" = 137 ] || note "killat $when: exit $3, $(guest_log moving | tail -n 1)"
    moved=$((left - $4)) # less than nothing: deflating
    size=$((size + moved)) left=$4
    [ $moved -ge 0 ] || moved=$((-moved))
    eval "size_$1=$size"
    # Where it was is no part of the next move.
    target $1 $((size * 4))
    if [ $moved -gt 0 ] && [ $moved -lt $way ]; then
        between=$((between + 1))
    elif [ "$5" != $2 ]; then
        return
    fi
    eval "met_$1_$2=\$((met_$1_$2 + 1))"
}
# Where a kill comes is chance: it goes on until enough of them came in a move. KILLS: see options.
ROUNDS=$KILLS
awk -v seed="$SEED" -v n=$ROUNDS 'BEGIN {
    srand(seed)
    for (; n; n--) {
        for (v = 0; v < 2; v++) print v, "inflating", int(200 + rand() * 500), int(rand() * 6000)
        for (v = 0; v < 2; v++) print v, "deflating", int(300 + rand() * 400), int(rand() * 12000)
    }
}' > /tmp/moves
has_met_enough() {
    least=$(printf '%s\n' $met_0_inflating $met_0_deflating $met_1_inflating $met_1_deflating | sort -n | head -n 1)
    met=$((met_0_inflating + met_0_deflating + met_1_inflating + met_1_deflating))
    [ $met -ge $KILLS ] && [ $least -ge $(((KILLS + 7) / 8)) ]
}
targets 0 0
tried=0
while read -r move; do
    killed_moving $move < /dev/null
    tried=$((tried + 1))
    # A round leaves both balloons small.
    [ $((tried % 4)) != 0 ] || ! has_met_enough || break
done < /tmp/moves
note "of $tried kills $between met a balloon between the two ends of its way"
note "vnode 0: $met_0_inflating inflating, $met_0_deflating deflating; vnode 1: $met_1_inflating, $met_1_deflating"
check "$KILLS kills and more came in the middle of a move, $(((KILLS + 7) / 8)) and more of each kind" has_met_enough

# Anywhere: while it starts, looks at what is there, moves. The targets change meanwhile. How long a daemon needs until its
# first move depends on the machine: after the first kills the storm goes on, with more time for each daemon, until enough
# kills found the balloons at different sizes.
moments=$(awk -v seed="$SEED" -v n=$KILLS 'BEGIN {
    srand(seed)
    for (k = 1; k <= n + 24; k++) printf "%d ", 30 + rand() * (k <= n ? 570 : 570 + 100 * (k - n))
}')
sizes=$(awk -v seed="$SEED" 'BEGIN { srand(seed + 1); for (n = 800; n; n--) printf "%d ", int(rand() * 65) * 2048 }')
targets 131072 32768
guest_start storm "sh -c \"for ms in $moments; do [ ! -e /run/lab/storm.enough ] || break
    killat after \\\$ms balloonctl daemon; echo code \\\$?; probe reservation; done\""
storm_over() { guest '[ -s /run/lab/storm.code ]'; }
found_sizes() { guest_log storm | awk '/^[0-9]+$/' | sort -u | wc -l; }
has_stormed_enough() { [ "$(guest_log storm | grep -c '^code')" -ge $KILLS ] && [ "$(found_sizes)" -ge 3 ]; }
for size in $sizes; do
    ! has_stormed_enough || guest 'touch /run/lab/storm.enough'
    ! storm_over || break
    targets $size $((131072 - size / 2))
    sleep 0.3
done
check "the storm is over" wait_until 120 storm_over
guest_log storm > /tmp/storm
note "MiB given after each kill: $(awk -v all="$START_TOTAL" '/^[0-9]+$/ { printf "%d ", (all - $1) / 256 }' /tmp/storm)"
check_eq "all daemons were ended by SIGKILL" "$(grep '^code' /tmp/storm | sort -u)" "code 137"
check "$(grep -c '^code' /tmp/storm) kills, $KILLS at least, found the balloons at $(found_sizes) sizes, 3 at least" \
    has_stormed_enough
targets 98304 65536
check "the daemon starts again" start_daemon
check "96 MiB on vnode 0 are reached" wait_reached 0 98304
check "64 MiB on vnode 1 are reached" wait_reached 1 65536
check_given "after the storm" 98304 65536
check_agree "after the storm"
check_audit "after the storm" 80
targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
end_pattern
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
