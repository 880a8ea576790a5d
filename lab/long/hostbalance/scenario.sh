# shellcheck shell=sh
# Ten minutes of `balance = yes` over two guests that share a physical node with too little memory. A program in one of them grows
# by 200 MiB, and ends. Xen's count shows whether memory goes to and fro.
check "the daemon starts in dom0, and levels" start_watch --balance yes
make_guest g1 pvh "256 512"
check "the daemon of g1 starts" start_daemon
make_guest g2 pvh "256 512"
check "the daemon of g2 starts" start_daemon
sleep 5
G1=$(id_of g1) G2=$(id_of g2)
set -- $(hostcount free)
# 32 MiB of each node stay free: so 256 of 512 MiB are left to each. A program of 200 MiB needs about 310: what the kernel keeps
# free, what it has on the processors' own lists, and what the guard keeps, 30 MiB and more each, besides.
host 0 "512 MiB of the guests' on pnode 1 are somebody's, and all that was free" \
    reserve $(($2 * 4 + 524288 - 32768)) --pnode 1 --for somebody

TARGETS="/local/domain/$G1/memory/vnode1/target-balloon-size /local/domain/$G2/memory/vnode1/target-balloon-size"
pages_now() { echo "$(hostcount domain "$G1" | cut -d ' ' -f 1) $(hostcount domain "$G2" | cut -d ' ' -f 1)"; }
# watch_for SECONDS: a line each second: the time, the pages of both, their targets.
: > /tmp/course
watch_for() {
    until_ms=$(($(uptime_ms) + $1 * 1000))
    while [ "$(uptime_ms)" -lt $until_ms ]; do
        echo "$(($(uptime_ms) / 1000)) $(pages_now) $(xenstore-read $TARGETS | one_line)" >> /tmp/course
        sleep 1
    done
}
# settled TEXT SECONDS: by Xen's count nothing moved in so many seconds before now.
settled() {
    check_eq "$1: nothing has moved for $2 s" \
        "$(tail -n "$2" /tmp/course | awk '!NR || !($2 in a) { a[$2] } !($3 in b) { b[$3] } END { print length(a), length(b) }')" "1 1"
}
# memory_of_each: MiB of both guests' vnode 1, as Xen counts all their pages and vnode 0 has given nothing.
memory_of_each() { pages_now | awk '{ printf "%d %d", $1 / 256 - 256, $2 / 256 - 256 }'; }

watch_for "${LEVELLING:-150}"
host 0 "the list" list
note "levelled: $(memory_of_each) MiB"
settled "levelled" 60
set -- $(memory_of_each)
check_le "levelled: the difference is less than a step" "$((($1 - $2) * ($1 - $2)))" 16
level=$1
on g1
# 2.5 MiB a second: memory that is asked for comes a second or two later.
guest_start hog "hog 1 200 400"
watch_for "${GROWING:-200}"
host 0 "the list" list
note "a program in g1 holds 200 MiB: $(guest_log hog), $(memory_of_each) MiB"
check_has "it has what it wanted" "$(guest_log hog)" "holds 200 MiB"
settled "with the program" 60
set -- $(memory_of_each)
check "g1 has got memory" [ "$1" -gt $((level + 16)) ]
check "g2 gave it" [ "$2" -lt $((level - 16)) ]
check_eq "g1 lacks nothing" "$(xenstore-read $D/memory/vnode1/balloon-short)" 0
guest_end hog
watch_for "${AFTERWARDS:-250}"
host 0 "the list" list
note "it has ended: $(memory_of_each) MiB"
settled "afterwards" 60
set -- $(memory_of_each)
check_le "afterwards both have the same again" "$((($1 - $2) * ($1 - $2)))" 16

# turns COLUMN: how often memory turned round by 8 MiB or more, as Xen counts it.
turns() {
    awk -v column="$1" '{
            now = $column
            if (NR == 1) { high = low = now }
            if (now > high) high = now
            if (now < low) low = now
            if (way != 1 && now - low >= 2048) { if (way == -1) turns++; way = 1; high = now }
            if (way != -1 && high - now >= 2048) { if (way == 1) turns++; way = -1; low = now }
            if (way == 1 && now > high) high = now
            if (way == -1 && now < low) low = now
            if (way == 1) low = high
            if (way == -1) high = low
        } END { print turns + 0 }' /tmp/course
}
note "the course: $(awk '$2 != a || $3 != b { printf "%s: %d %d, ", $1, $2 / 256, $3 / 256 } { a = $2; b = $3 }' /tmp/course)"
note "targets were written $(awk '$4 != a { n++ } $5 != b { n++ } { a = $4; b = $5 } END { print n - 2 }' /tmp/course) times"
check_le "g1 gives, takes, and gives again" "$(turns 2)" 2
check_le "g2 gives, and takes again" "$(turns 3)" 1
sed 's/^/@@ watch: /' /run/watch.log
stop_watch
stop_guests
finish
