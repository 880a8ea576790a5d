# shellcheck shell=sh
# The rows of 200 domains, made by a script: how long a command takes that reads all of them, what a turn of the daemon takes,
# which reads what has changed, and how much memory that needs. Time is counted in instructions, as in the benchmarks.
COUNT=${COUNT:-200}

# libxl's own record of a guest with two vnodes, for all of them.
GUEST_TYPE=pvh VNODES="256 256"
write_guest_config > /tmp/g1.cfg
check "a guest for its record" create_named g1 -p
cp /var/lib/xen/userdata-d."$(id_of g1)".*.libxl-json /tmp/record
xl destroy g1
note "the record has $(stat -c %s /tmp/record) bytes"

# give_rows DOMID UUID: all that libxl, the guest and the toolstack write of a guest that has given everything.
give_rows() {
    set -- "$1" "$2" "/local/domain/$1" "/vnode-balloon/domain/$1"
    cp /tmp/record "/var/lib/xen/userdata-d.$1.$2.libxl-json"
    xenstore-write "$3/domid" "$1" "$3/name" "many$1" "$3/memory/static-max" 2097152 "$3/control/feature-balloon" 1 \
        "$3/control/feature-balloon-vnode" 1 "$4/uuid" "$2" "$4/target" 2097152 "$4/constant" 2097152 \
        "$4/pnode/0" 0 "$4/pnode/1" 1 \
        $(for vnode in 0 1; do
            row="$3/memory/vnode$vnode"
            echo "$row/size" 1048576 "$row/target-balloon-size" 524288 "$row/balloon-target" 524288 "$row/balloon-size" \
                1048576 "$row/balloon-state" idle "$row/balloon-granularity" 2048 "$row/balloon-short" 0
        done) "$3/memory/vnode0/balloon-reason" "" "$3/memory/vnode1/balloon-reason" ""
}
hostmany make "$COUNT" 2 > /tmp/many || fail "$COUNT domains can be made"
while read -r id uuid; do give_rows "$id" "$uuid"; done < /tmp/many
check_eq "so many domains are there" "$(wc -l < /tmp/many)" "$COUNT"

# reading TEXT COMMAND...: READING_MS, how long it takes from the program's start to its end; its output is in /run/output.
reading() {
    moment run "$@" 2> /run/output > /tmp/moment
    READING_MS=$(awk '$1 == "written" { from = $2 } $1 == "ended" { printf "%.1f", ($2 - from) / 1e6 }' /tmp/moment)
}
reading balloonctl host --help
note "a program that reads nothing takes $READING_MS ms"
# cpu_of PID...: the processor time of these processes so far, in nanoseconds.
cpu_of() { for pid; do cat /proc/$pid/task/*/schedstat; done | awk '{ n += $1 } END { printf "%.0f", n }'; }
STORE=$(pidof xenstored)
for try in 1 2 3; do
    before=$(cpu_of $STORE)
    reading balloonctl host list --json
    note "the list of $COUNT domains takes $READING_MS ms, $((($(cpu_of $STORE) - before) / 1000000)) of that in xenstored"
done
figure "host.list.$COUNT $READING_MS"
check_eq "it has them all" "$(jsonget domains.$COUNT.name domains.$COUNT.vnodes.1.pnode domains.$COUNT.vnodes.1.balloon_kib \
    domains.$COUNT.vnodes.1.state domains.$COUNT.xen_says_kib < /run/output)" "$(awk -v n="$COUNT" 'NR == n { print "many" $1 }' /tmp/many) 1 1048576 idle 2097152"
# xenstored alone takes 33 us for each of 25 questions about a domain.
check_le "a command reads them within 400 ms" "${READING_MS%.*}" 400

check "the daemon starts" start_watch
sleep 20
before=$(cpu_of $WATCH) before_store=$(cpu_of $STORE)
sleep 30
# A turn each ten seconds while nothing moves; all rows are read once a minute.
idle=$((($(cpu_of $WATCH) - before) / 3000000))
figure "host.watch.$COUNT.idle $idle"
note "while nothing changes a turn takes the daemon $idle ms, and xenstored $((($(cpu_of $STORE) - before_store) / 3000000)) ms"
check_le "a turn in which nothing has changed takes less than 50 ms" $idle 50
before=$(cpu_of $WATCH) before_store=$(cpu_of $STORE)
id=$(awk 'END { print $1 }' /tmp/many)
for size in 524288 526336 528384 530432 532480; do
    xenstore-write "/local/domain/$id/memory/vnode0/target-balloon-size" $size
    sleep 1
done
busy=$((($(cpu_of $WATCH) - before) / 5000000))
figure "host.watch.$COUNT.busy $busy"
note "while one domain's row changes each second the daemon takes $busy ms of it, xenstored $((($(cpu_of $STORE) - before_store) / 5000000))"
check_le "a change of one domain takes the daemon less than 50 ms" $busy 50
note "the daemon in dom0: $(grep -E 'VmRSS|VmHWM|RssAnon' /proc/$WATCH/status | tr -s '\t ' ' ' | one_line)"
memory=$(awk '/VmHWM/ { print $2 }' /proc/$WATCH/status)
figure "host.watch.$COUNT.VmHWM $memory"
sleep 60
check_eq "it needs no more with time" "$(awk '/VmHWM/ { print $2 }' /proc/$WATCH/status)" "$memory"
sed 's/^/@@ watch: /' /run/watch.log | head -n 20
stop_watch
hostmany destroy
finish
