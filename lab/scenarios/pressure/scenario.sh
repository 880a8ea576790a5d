# Other programs want the guest's memory, too. A hog takes memory while a balloon grows. A hog takes all that is left
# while a balloon shrinks. Free memory lies in pieces. With on-pressure = yield, memory pressure takes memory back.

. /lab/figures.sh

start_guest
remember_pages
guest "mount -t tracefs tracefs /sys/kernel/tracing"
# With this rate the hog is first on a fast Xen, too. How much of node 1 the kernel's own files use differs from boot to
# boot, but 320 MiB are always there.
check "the daemon starts" start_daemon --log-level info --max-rate 200
check "it is locked in memory" [ "$(of_daemon VmLck)" -gt 0 ]
note "VmLck $(of_daemon VmLck) kB, VmRSS $(of_daemon VmRSS) kB"
check_eq "its OOM score" "$(guest "cat /proc/$(guest_pid daemon)/oom_score_adj")" -1000

# --- A hog while a balloon grows ----------------------------------------------------------------------------------------

# The hog leaves more than the kernel needs. It takes memory that the balloon does not have yet.
guest_start hog "hog 1 rest 81920 1"
target 1 327680
check "the hog has its memory" wait_until 60 hog_is_full hog
note "$(guest_log hog)"
check "the inflate stops at the guard" wait_row 1 reason guard
check_eq "held" "$(row 1 state) $(row 1 target)" "held 327680"
held=$(row 1 size)
note "held at $held KiB"
check_given "held at the guard" 0 "$held"
check_at_guard "held at the guard" 1
sleep 65
check_rest "held" 20
guest_end hog
check_row "memory is back, and the tick not due yet" 1 "$held" held guard
check "at the next tick it goes on by itself" wait_reached_by_tick 1 327680 62
check_given "320 MiB on vnode 1" 0 327680
check_rest "at rest" 20
log=$(guest_log daemon)
check_has "the journal tells of the target" "$log" "notice: vnode 1: target 320 MiB"
check_has "the journal tells of the hold" "$log" "vnode 1: held at $((held / 1024)) MiB: more would leave the guest too little"
check_has "the journal tells of its end" "$log" "vnode 1: no longer held"
check_has "the journal tells of the move" "$log" "vnode 1: inflated from $((held / 1024)) MiB to 320 MiB in "

# --- A floor --------------------------------------------------------------------------------------------------------------

check "the daemon ends" stop_daemon
check "the daemon starts with a floor" start_daemon --floor 300m
check "a vnode's memory never goes below the floor" wait_row 1 size $(((512 - 300) * 1024))
check_row "the floor" 1 $(((512 - 300) * 1024)) held guard
check "the daemon ends" stop_daemon

# --- All memory taken, then deflate -----------------------------------------------------------------------------------------

guest_start daemon "env LD_PRELOAD=/lib/mallocs.so MALLOCS=/run/lab/mallocs balloonctl daemon"
target 1 307200
check "300 MiB on vnode 1" wait_reached 1 307200
# allocations: what the daemon has allocated since the last call.
allocations() { guest "mallocs /run/lab/mallocs"; }
peak() { echo "$1" | sed 's/.*peak \([0-9]*\).*/\1/'; }
sleep 65
allocations > /dev/null
target 1 256000
check "250 MiB on vnode 1" wait_reached 1 256000
small=$(allocations)
for node in 0 1; do
    guest_start hog$node "hog $node rest $(($(least_kib $node) + 4096))"
done
for node in 0 1; do
    check "a hog takes all of node $node" wait_until 60 hog_is_full hog$node
    note "$(guest_log hog$node)"
done
majors=$(guest "awk '{ print \$12 }' /proc/$(guest_pid daemon)/stat")
anonymous=$(of_daemon RssAnon)
allocations > /dev/null
target 1 0
check "with all memory taken vnode 1 is back" wait_reached 1 0
large=$(allocations)
note "deflating 50 MiB: $small; 250 MiB: $large"
check_le "the deflate of 50 MiB has this much more in use, in bytes" "$(peak "$small")" 20480
check_le "the deflate of 250 MiB, too" "$(peak "$large")" 20480
check_eq "major faults of the daemon meanwhile" \
    "$(guest "awk '{ print \$12 }' /proc/$(guest_pid daemon)/stat")" "$majors"
check_eq "its own memory meanwhile, in kB" "$(of_daemon RssAnon)" "$anonymous"
check_given "with all memory taken" 0 0
check "it said nothing of failures" guest '! grep -E "error|warning: .*fail" /run/lab/daemon.log'
check_eq "the OOM killer did not run" "$(oom_kills)" 0

# This hog wants more than there is. The OOM killer runs, and leaves the daemon alone.
guest_end hog0
guest_end hog1
target 1 204800
check "200 MiB on vnode 1" wait_reached 1 204800
guest_start hog "hog 1 4000"
hog_is_dead() { guest '[ -s /run/lab/hog.code ]'; }
check "a hog that wants more than there is ends" wait_until 60 hog_is_dead
check_eq "the OOM killer took the hog, and nothing else" "$(oom_kills) $(guest 'cat /run/lab/hog.code')" "1 137"
check "the daemon runs" guest_runs daemon
target 1 0
check "vnode 1 is back" wait_reached 1 0
check_all_back "after the OOM killer"
check "the daemon ends" stop_daemon

# --- Memory in pieces -------------------------------------------------------------------------------------------------------

check "the daemon starts" start_daemon --log-level info
guest_start fragment "fragment 1 300"
in_pieces() { guest "grep -q ready /run/lab/fragment.log"; }
check "300 MiB of node 1 lie in pieces" wait_until 60 in_pieces
note "MiB available on node 1: $(($(node_kib 1 | cut -d ' ' -f 1) / 1024))"
target 1 256000
check "no 2 MiB page is left" wait_row 1 reason no-memory
held=$(row 1 size)
note "held at $held KiB with $(node_kib 1) KiB available and kept"
check "some of it was given, and not all" [ "$held" -ge 65536 -a "$held" -lt 256000 ]
set -- $(node_kib 1)
check "the guard is not what holds it: $1 KiB are available, $2 kept" [ "$1" -gt $(($2 + 16384)) ]
check_row "no 2 MiB page is left" 1 "$held" held no-memory
tries() { guest "grep -c 'did less than asked' /run/lab/daemon.log"; }
# If the kernel finds a page after all, the back-off begins anew. So only two minutes in which it found none count.
for minutes in 1 2 3 4 5; do
    held=$(row 1 size)
    sleep 65
    before=$(tries)
    sleep 120
    tried=$(($(tries) - before))
    [ "$(row 1 size)" != "$held" ] || break
    note "a page was found: $held KiB, then $(row 1 size)"
done
check_eq "it is tried again once a minute" $tried 2
guest_end fragment
check "at the next tick it goes on by itself" wait_reached_by_tick 1 256000 62
target 1 0
check "vnode 1 is back" wait_reached 1 0
check_all_back "after the pieces"
check "the daemon ends" stop_daemon

# --- Pressure ---------------------------------------------------------------------------------------------------------------

check "the daemon starts" start_daemon --on-pressure yield --yield-to 64m
check_exit "doctor has nothing to say of pressure" 0 "echo on-pressure = yield > /run/lab/yield.conf
    balloonctl doctor --config /run/lab/yield.conf"
check_has "doctor has nothing to say of pressure" "$(cat /tmp/output)" "ok    pressure"
targets 204800 102400
check "200 MiB on vnode 0" wait_reached 0 204800
check "100 MiB on vnode 1" wait_reached 1 102400
# The daemon checks how much memory the nodes have left: every second or two with a quarter of a GiB. That takes a
# thousandth of a processor; a tenth is added, because how often it checks depends on the memory left, and that differs
# by some MiB from build to build.
check_rest "with nothing to do and yield" 240 132000

# A group of processes has less memory than it wants, and waits for memory all the time. That alone
# means that no node is short.
guest "mkdir -p /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; cd /sys/fs/cgroup &&
    echo +memory > cgroup.subtree_control && mkdir slow && echo 2M > slow/memory.high"
guest_start waiting "hog 1 200 10"
guest "echo $(guest_pid waiting) > /sys/fs/cgroup/slow/cgroup.procs"
pressed() { guest "awk '/^some/ { split(\$2, a, \"=\"); exit !(a[2] > 5) }' /proc/pressure/memory"; }
check "the kernel tells of pressure" wait_until 60 pressed
check_row "no node suffers" 0 204800 idle
check_row "no node suffers" 1 102400 idle

# Now node 0 has less than the guard keeps.
set -- $(node_kib 0)
guest_start hog "hog 0 $(($1 / 1024 - 26)) 20"
check "the hog has its memory" wait_until 60 hog_is_full hog
check "the balloon of vnode 0 gives way" wait_row 0 reason guard
check_eq "the balloon of vnode 0 gives way" "$(row 0 state) $(row 0 target)" "held 204800"
sleep 3
held=$(row 0 size)
note "vnode 0 gave way to $held KiB"
# Memory that comes back is first on the processors' own lists, which do not count as available: at most 32 MiB.
check "by what is missing" [ "$held" -lt 204800 -a "$held" -ge $((204800 - 8192 - 32768)) ]
set -- $(node_kib 0)
check "the node has what the guard keeps: $1 KiB available, $3 on the processors' lists, $2 kept" \
    [ $(($1 + $3)) -ge $(($2 - 2048)) -a "$1" -lt $(($2 + 36864)) ]
check_row "the other vnode stays" 1 102400 idle
check_given "one balloon gave way" "$held" 102400

# Programs want more and more, down to what yield-to leaves. This hog ends before the OOM killer begins.
guest_start hog2 "hog 0 rest 27648 500"
check "pressed again and again, 64 MiB stay" wait_row 0 size 65536 150
check_row "pressed again and again" 0 65536 held guard
check "the second hog has its memory" wait_until 60 hog_is_full hog2
sleep 10
check_row "no less than that" 0 65536 held guard
check_row "the other vnode stays" 1 102400 idle
check_eq "nobody met the OOM killer" "$(oom_kills)" 1

# The hog ends. After a minute of calm the balloon grows to the size that xenstore asks for.
guest_end hog
guest_end hog2
guest_end waiting KILL
sleep 20
check_row "twenty seconds are too soon" 0 65536 held guard
check "after a minute at ease it goes on by itself" wait_reached_by_tick 0 204800 100
check_given "200 MiB and 100 MiB" 204800 102400
check_agree "200 MiB and 100 MiB"
check_audit "200 MiB and 100 MiB" 150
targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
check "the daemon ends" stop_daemon
check_all_back "at the end"

# --- Nothing to reclaim -----------------------------------------------------------------------------------------------------

# Without swap and cache no task stalls before the OOM killer runs. Both balloons are as large as the guard lets them,
# and a program takes memory at one rate after the other.
remember_pages
took_all() { guest "grep -q took /run/lab/taker.log"; }
killed_or_full() { took_all || ! guest_runs taker; }
for rate in 2048 25600 102400; do
    # The daemon starts anew, so that the pressure of the program before does not count.
    check "the daemon starts" start_daemon --on-pressure yield
    targets 524288 524288
    check "the balloons grow to the guard" wait_row 0 reason guard 60
    check "the balloons grow to the guard, the other, too" wait_row 1 reason guard 60
    set -- $(node_kib 0) $(node_kib 1)
    size=$((($1 + $4) / 1024 + 60))
    before=$(($(row 0 size) + $(row 1 size))) processor=$(cpu_microseconds)
    guest_start taker "taker $size $rate"
    check "a program that takes $size MiB at $rate KiB a second comes to its end" wait_until 150 killed_or_full
    check "it has all of it" took_all
    note "$rate KiB a second: $(guest_log taker), the daemon's processor time $(($(cpu_microseconds) - processor)) us"
    after=$(($(row 0 size) + $(row 1 size)))
    check "the balloons gave way, $before to $after KiB" [ "$after" -lt "$before" ]
    check_eq "nobody met the OOM killer" "$(oom_kills)" 1
    check_agree "beside the program"
    guest_end taker KILL
    targets 0 0
    check "vnode 0 is back" wait_reached 0 0
    check "vnode 1 is back" wait_reached 1 0
    check "the daemon ends" stop_daemon
done
check_all_back "after the programs"
stop_guest

# --- A kernel that does not measure pressure ------------------------------------------------------------------------------

KARGS=psi=0 start_guest
remember_pages
check "the daemon starts" start_daemon --on-pressure yield
check_has "the log says that it is not told" "$(guest_log daemon)" "goes by the nodes' memory alone"
check_exit "doctor says so, too" 0 "echo on-pressure = yield > /run/lab/yield.conf
    balloonctl doctor --config /run/lab/yield.conf"
check_has "doctor says so, too" "$(cat /tmp/output)" "the kernel does not measure memory pressure"
targets 204800 102400
check "200 MiB on vnode 0" wait_reached 0 204800
check "100 MiB on vnode 1" wait_reached 1 102400
# Memory on the processors' own lists is not available, but a hog may get it. Then more is left for another hog.
hogs=
for hog in hog hog2 hog3 hog4; do
    set -- $(node_kib 0)
    if row_is 0 reason guard || [ "$1" -le 20480 ]; then break; fi
    hogs="$hogs $hog"
    guest_start $hog "hog 0 $(($1 / 1024 - 16))"
    check "the hog has its memory" wait_until 60 hog_is_full $hog
    sleep 2
done
set -- $(node_kib 0)
note "available on node 0: $1 KiB, kept: $2"
check "without a word of the kernel the balloon of vnode 0 gives way" wait_row 0 reason guard 5
sleep 2
held=$(row 0 size)
check_eq "the balloon of vnode 0 gives way" "$(row 0 state) $(row 0 target)" "held 204800"
check "by what is missing ($held KiB)" [ "$held" -lt 204800 -a "$held" -ge $((204800 - 24576 - 32768)) ]
check_row "the other vnode stays" 1 102400 idle
check_given "one balloon gave way" "$held" 102400
check_eq "nobody met the OOM killer" "$(oom_kills)" 0
for hog in $hogs; do guest_end $hog; done
targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
check "the daemon ends" stop_daemon
check_all_back "without a measure of pressure"
finish
