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

host 0 "a picture" top --batch --count 1
check_eq "it has a bar for each physical node and each vnode" "$(grep -c '^\[.\{78\}\]$' /tmp/host.out)" 6
check_has "a physical node's free memory is what Xen says" "$(cat /tmp/host.out)" \
    "pnode 0  free $(($(hostcount free | cut -d ' ' -f 1) / 256))M/"
check_eq "the balloons are in it" "$(grep -c 'balloon 64M/256M' /tmp/host.out)" 2
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
stop_guests
finish
