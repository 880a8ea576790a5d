# Linux is told to give up frames that Xen has: it must fail, or ones would be copied out of a hole and the hole freed.
start_guest
remember_pages
MEMORY=/sys/devices/system/memory

# check_stays TEXT MIB0 MIB1: soft offline of frames of each balloon, and offline of each memory block that has some.
check_stays() {
    for vnode in 0 1; do
        mib=$2
        [ $vnode = 0 ] || mib=$3
        frames=$(guest "probe frames $PAGES_DIRECTORY/vnode$vnode $mib")
        check_eq "$1: frames of vnode $vnode" "$(echo "$frames" | wc -w)" $((mib / 2))
        [ -n "$frames" ] || continue
        soft_offline "$1" $vnode "$frames"
        block_offline "$1" $vnode "$frames"
        check_eq "$1: the frames of vnode $vnode are the same" \
            "$(guest "probe frames $PAGES_DIRECTORY/vnode$vnode $mib")" "$frames"
        check_holes "$1" $vnode $mib
    done
    check_given "$1" $(($2 * 1024)) $(($3 * 1024))
}

# Linux migrates most willingly out of its movable zone; the scenario means little when nothing lies there.
movable_extents() {
    guest "cat /proc/zoneinfo" | awk -v node="$1" '/^Node/ { ours = $2 == node "," && $4 == "Movable" }
        ours && /start_pfn/ { print $2 }' > /tmp/movable
    guest "probe frames $PAGES_DIRECTORY/vnode$1 $2" | awk -v start="$(cat /tmp/movable)" '
        start && $1 >= start { n++ } END { print n + 0 }'
}

# Every eighth extent: its first frame, one in the middle, one near its end.
soft_offline() {
    addresses=$(echo "$3" | awk 'NR % 8 == 1 { for (i = 0; i < 512; i += 255) printf "%.0f ", ($1 + i) * 4096 }')
    guest "for address in $addresses; do
        echo \$address > $MEMORY/soft_offline_page && echo accepted || echo refused; done" > /tmp/output 2>&1
    check_eq "$1: soft offline of $(echo $addresses | wc -w) frames of vnode $2 is refused" \
        "$(grep -c refused /tmp/output) $(grep -c accepted /tmp/output) $(grep -c busy /tmp/output)" \
        "$(echo $addresses | wc -w) 0 $(echo $addresses | wc -w)"
}

# Linux tries for ever when pages do not move, until a signal comes. Were they not pinned, some would have moved by then.
block_offline() {
    blocks=$(echo "$3" | awk '{ print int($1 / 32768) }' | sort -un)
    for block in $blocks; do
        guest "timeout 1 sh -c 'echo offline > $MEMORY/memory$block/state'" > /tmp/output 2>&1
        code=$?
        check "$1: offline of memory block $block of vnode $2 fails (exit $code: busy or interrupted)" \
            [ $code = 1 -o $code = 143 ]
        check_eq "$1: memory block $block is online" "$(guest "cat $MEMORY/memory$block/state")" online
    done
}

check "the daemon starts" start_daemon
targets 65536 131072
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check "128 MiB on vnode 1 are reached" wait_reached 1 131072
movable_0=$(movable_extents 0 64) movable_1=$(movable_extents 1 128)
note "in a movable zone: $movable_0 of 32 extents of vnode 0, $movable_1 of 64 of vnode 1"
check "some extents lie in a movable zone" [ $((movable_0 + movable_1)) -gt 0 ]
check_stays "with the daemon" 64 128

# The daemon sees its holder's end, starts another and gives it all that it had: so its own end unpins nothing either.
holder() { guest "ps | grep '[b]alloonctl hold'" | awk '{ print $1 }'; }
pins() { guest "ls -l /proc/$1/fd" | grep -o 'pipe:.[0-9]*' | sort | tr '\n' ' '; }
old=$(holder)
pins=$(pins $old)
check_eq "a holder has a pin of each balloon, and an empty one" "$(echo $pins | wc -w)" 4
guest "kill -9 $old"
new_holder_has_all() { new=$(holder) && [ -n "$new" ] && [ "$new" != "$old" ] && [ "$(pins $new)" = "$pins" ]; }
check "after its SIGKILL another one has the same" wait_until 10 new_holder_has_all
check "the daemon is killed" kill_daemon
check_stays "after SIGKILL" 64 128
check "the daemon starts again" start_daemon
check_row "after the restart" 0 65536 idle
check_row "after the restart" 1 131072 idle

# Pins are renewed when a balloon shrinks in the middle of a chunk.
targets 32768 139264
check "32 MiB on vnode 0 are reached" wait_reached 0 32768
check "136 MiB on vnode 1 are reached" wait_reached 1 139264
check "the daemon ends" stop_daemon
check_stays "after a clean end" 32 136

check_exit "force 0 48m without the daemon" 0 "balloonctl force 0 48m"
check_stays "after a force without the daemon" 48 136
check_audit "after a force without the daemon" 92

check_exit "deflate --all" 0 "balloonctl deflate --all"
check_all_back "deflate --all"
check_exit "deflate --release" 0 "balloonctl deflate --release"
finish
