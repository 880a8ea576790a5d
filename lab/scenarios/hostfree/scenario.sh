# shellcheck shell=sh
# dom0 makes room on one physical node over two guests: Xen's own library counts.
check "the product runs in dom0" balloonctl host --help > /dev/null
host 0 "nothing but dom0" list
host 0 "a host that is as it should be" doctor
make_guest g1 pvh "256 256"
make_guest g2 pvh "256 256"
host 0 "nothing was prepared" prepare --all
check_has "15 rows are made" "$(cat /tmp/host.out)" "g2: 15 rows made"
for name in g1 g2; do
    on $name
    check_eq "$name has 15 rows and no target" "$(xenstore-ls -f $D | grep -c '/vnode[01]/\|feature-balloon-vnode') \
$(xenstore-ls -f $D | grep -c target-balloon-size)" "15 0"
    check_eq "$name may write what it reports" "$(xenstore-ls -fp $D | grep -c "balloon-[a-z]* = .*(n$DOMID)")" 13
    check "the daemon of $name starts" start_daemon
done
wait_until 20 feature_is 1
remember_free
host 0 "what they have becomes their target" prepare --all
check_eq "the targets are what the guests said" "$(target_of g1 0) $(target_of g1 1) $(target_of g2 1)" "0 0 0"
check_freed "adopting moves nothing" 0 0
host 0 "the list" list
host 0 "the list as JSON" list --json
tell_json host-list /tmp/host.out
check_eq "the list's JSON knows the physical nodes" \
    "$(host_json domains.1.vnodes.0.pnode domains.1.vnodes.1.pnode domains.1.vnodes.1.size_kib)" "0 1 262144"

# What dom0 writes down, while all that follows moves.
balloonctl host record /tmp/host.ndjson &
RECORDER=$!
host 0 "a plan alone writes nothing" free +128m --pnode 1 --dry-run
check_eq "nothing was written" "$(target_of g1 1) $(target_of g2 1)" "0 0"
TOT1=$(tot g1) TOT2=$(tot g2)
host 0 "128 MiB from both" free +128m --pnode 1 --spread even --json
check_eq "each gives a half" "$(target_of g1 1) $(target_of g2 1)" "65536 65536"
check_freed "128 MiB of pnode 1" 0 32768
check_eq "each has 16,384 pages less" "$((TOT1 - $(tot g1))) $((TOT2 - $(tot g2)))" "16384 16384"
host 0 "one gives it back" set g2 --vnode 1=0 --wait
check_freed "64 MiB stay" 0 16384
host 0 "the fewest guests" free +64m --pnode 1
check_eq "one guest was asked" "$(target_of g1 1) $(target_of g2 1)" "65536 65536"
host 75 "more than there can ever be" free 100g --pnode 1
check_has "the error has figures" "$(cat /tmp/host.err)" "missing"
host 64 "a node that does not exist" free 1m --pnode 7
host 64 "a domain that does not exist" wait nobody
host 64 "less than a vnode's minimum" set g1 --vnode 1=200m

# What Prometheus gets, beside what Xen's own library counts.
metric() { sed -n "s/^vnode_balloon_host_$1 //p" /tmp/host.out; }
vnode_metric() { metric "$1{domain=\"$(id_of "$2")\",uuid=\"[^\"]*\",vnode=\"$3\",pnode=\"$3\"}"; }
check_metrics() {
    host 0 "$1" metrics
    tell_metrics host /tmp/host.out
    check_eq "$1: free memory of the physical nodes is what Xen says" \
        "$(metric 'pnode_free_bytes{pnode="0"}') $(metric 'pnode_free_bytes{pnode="1"}')" \
        "$(hostcount free | awk '{ printf "%.0f %.0f", $1 * 4096, $2 * 4096 }')"
    for name in g1 g2; do
        check_eq "$1: so are $name's memory and its maximum" \
            "$(metric "domain_memory_bytes{domain=\"$(id_of $name)\",.*}") \
$(metric "domain_max_memory_bytes{domain=\"$(id_of $name)\",.*}")" "$(($(tot $name) * 4096)) $(($(max_pages $name) * 4096))"
    done
}
check_metrics "metrics without a daemon"
check_eq "they say so, and that xenstore is up" "$(metric daemon_up) $(metric xenstore_up)" "0 1"
check_eq "the balloons are in them, and on their physical nodes" \
    "$(vnode_metric size_bytes g1 1) $(vnode_metric target_bytes g2 1) $(vnode_metric size_bytes g1 0) \
$(metric 'pnode_balloon_bytes{pnode="0"}') $(metric 'pnode_balloon_bytes{pnode="1"}')" \
    "$((65536 * 1024)) $((65536 * 1024)) 0 0 $((131072 * 1024))"
check_eq "each target is reached, and each guest has a name" \
    "$(grep -c '^vnode_balloon_host_target_reached{.*} 1$' /tmp/host.out) \
$(grep -c '^vnode_balloon_host_domain_info{.*name="g[12]",type="PVH"} 1$' /tmp/host.out)" "4 2"
host 0 "metrics into a file" metrics --output /tmp/host.prom
check_eq "all of it" "$(tail -n 1 /tmp/host.prom | cut -d '{' -f 1)" vnode_balloon_host_state

host 0 "a picture" top --batch --count 1
check_eq "it has a bar for each physical node and each vnode" "$(grep -c '^\[.\{78\}\]$' /tmp/host.out)" 6
check_has "a physical node's free memory is what Xen says" "$(cat /tmp/host.out)" \
    "pnode 0  free $(($(hostcount free | cut -d ' ' -f 1) / 256))M/"
check_eq "the balloons are in it" "$(grep -c 'balloon 64M/256M' /tmp/host.out)" 2
# On terminals, as an administrator sees it: a look, sorted by balloon, and ended by a key.
for columns in 40 100; do
    onscreen $columns 44 .sq balloonctl host top > /tmp/screen.out
    tell "host top on $columns columns:"
    sed 's/^/@@ | /' /tmp/screen.out
    check_eq "host top on $columns columns has six bars of that width, on each of three looks" \
        "$(grep -c "^\[.\{$((columns - 2))\}\]$" /tmp/screen.out)" 18
    check_eq "  and sorts by balloon when s is pressed" "$(grep -c 'by balloon' /tmp/screen.out)" 1
    check_eq "  and no line is too long, it ends by q, and the terminal is as it was" "$(tail -n 1 /tmp/screen.out)" \
        "exit 0 wrapped 0 scrolled 0 other-screen 0 changed 0"
done
kill -TERM $RECORDER
wait $RECORDER
check_eq "the record ends when it is told to" $? 0
tell_json host-record-1 /tmp/host.ndjson
check_has "its last line has g1's balloon" "$(tail -n 1 /tmp/host.ndjson)" \
    "\"name\":\"g1\",\"pnode\":1,\"vnode\":1,\"size_kib\":262144,\"target_kib\":65536,\"balloon_kib\":65536"
balloonctl plot /tmp/host.ndjson > /tmp/host.svg
check_eq "plot draws it" $? 0
check_eq "by physical node" "$(grep -c '>pnode [01] of ' /tmp/host.svg)" 2
on g1
note "the guest's daemon: $(guest "grep -E 'VmRSS|RssAnon' /proc/$(guest_pid daemon)/status")"

note "kills"
check "the daemon starts in dom0" start_watch
check_metrics "metrics beside the daemon"
check_eq "they say that it runs" "$(metric daemon_up)" 1
for name in g1 g2; do host 0 "back" set $name --total 0 --wait; done
sleep 2
SEED=${SEED:-14} KILL_MIB=96
kill_guests g1 g2
# hostkill has twenty.
kill_rounds "${ROUNDS:-1}"

note "xenstored is silent for ten seconds"
kill -STOP $(pidof xenstored)
balloonctl host metrics > /tmp/host.out 2> /tmp/host.err
check_eq "metrics do not fail meanwhile" $? 0
kill -CONT $(pidof xenstored)
tell_metrics host /tmp/host.out
check_eq "they say that xenstore is silent and the daemon there, and what Xen has free" \
    "$(metric xenstore_up) $(metric daemon_up) $(metric 'pnode_free_bytes{pnode="1"}') $(grep -c vnode= /tmp/host.out)" \
    "0 1 $(hostcount free | awk '{ printf "%.0f", $2 * 4096 }') 0"

# silent SECONDS: stops it, and lets it go on.
silent() {
    kill -STOP $(pidof xenstored)
    sleep "$1"
    kill -CONT $(pidof xenstored)
}
# with_silence ARGUMENT...: before its first question, `balloonctl host ARGUMENT...` finds xenstored silent.
with_silence() {
    kill -STOP $(pidof xenstored)
    balloonctl host "$@" > /tmp/host.out 2> /tmp/host.err &
    silence_pid=$!
}
# silence_ends CODE TEXT: it goes on afterwards, and ends so.
silence_ends() {
    await_end $silence_pid 60 "$2"
    wait $silence_pid
    silence_code=$?
    sed 's/^/@@ | /' /tmp/host.out /tmp/host.err
    check_eq "$2: exit $1" $silence_code "$1"
}
remember_free
with_silence free +96m --pnode 1 --spread even
silent 10
silence_ends 0 "a free that begins in the silence goes on afterwards"
check_has "it says what it waits for" "$(cat /tmp/host.err)" "xenstore does not answer"
check_freed "as asked" 0 24576
balloonctl host free +96m --pnode 1 --spread even > /tmp/host.out 2> /tmp/host.err &
silence_pid=$!
on g1
check "its targets are written" wait_until 10 eval '[ "$(xenstore-read $D/memory/vnode1/target-balloon-size)" = 98304 ]'
silent 10
silence_ends 0 "a free whose guests have not heard yet goes on afterwards"
check_freed "as asked" 0 49152
host 0 "a target alone" set g2 --vnode 1=32m
balloonctl host wait g2 > /tmp/host.out 2> /tmp/host.err &
silence_pid=$!
silent 10
silence_ends 0 "a wait goes on afterwards"
check_freed "as asked" 0 32768
with_silence wait g1 --timeout 3
sleep 5
check "a timeout counts in the silence, too" has_ended $silence_pid
kill -CONT $(pidof xenstored)
silence_ends 75 "at its end"
with_silence free +8m --pnode 1
sleep 1
# A shell has its background commands ignore SIGINT.
kill -TERM $silence_pid
sleep 1
check "a signal ends it in the silence" has_ended $silence_pid
kill -CONT $(pidof xenstored)
wait_until 10 xenstore-exists /local/domain/0/name
check_eq "nothing was asked for" "$(target_of g1 1) $(target_of g2 1)" "98304 32768"
silent 12
check "the daemon has noticed" grep -q 'does not answer' /run/watch.log
check "and goes on" wait_until 10 grep -q 'all is well again' /run/watch.log
xenstore-rm $D/memory/vnode0/balloon-reason
check "a row that is removed is made again" wait_until 12 xenstore-exists $D/memory/vnode0/balloon-reason
sed 's/^/@@ watch: /' /run/watch.log
stop_watch
host 0 "metrics once it has ended" metrics
check_eq "they say so" "$(metric daemon_up)" 0
stop_guests
finish
