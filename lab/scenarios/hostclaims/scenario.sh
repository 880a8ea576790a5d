# shellcheck shell=sh
# Room for a new guest on a node that is full; claims; guests without virtual NUMA and without our daemon; xl beside it.
check "the daemon starts in dom0" start_watch
make_guest g1 pvh "256 256"
check "the daemon of g1 starts" start_daemon
make_guest g2 pvh "256 256"
check "the daemon of g2 starts" start_daemon
sleep 3

note "physical node 1 is filled up to 100 MiB"
set -- $(hostcount free)
size=$(($2 / 256 - 100))
cat > /tmp/f1.cfg <<CONFIG
name="f1"
type="pvh"
kernel="/lab/vmlinux"
memory=$size
vcpus=1
vnuma=[["pnode=1","size=$size","vcpus=0","vdistances=10"]]
CONFIG
check "the filler is made" create_named f1 -p
set -- $(hostcount free)
free=$2 wanted=$(((51200 - $2 + 511) / 512))
note "$free pages are free: $wanted extents are missing for 200 MiB"
host 0 "200 MiB shall be free" free 200m --pnode 1
set -- $(hostcount free)
check_eq "just so many extents came free" $(($2 - free)) $((wanted * 512))
xenstore-ls -f /local/domain | grep -v ' = ""$' > /tmp/before
host 0 "twice is once" free 200m --pnode 1
xenstore-ls -f /local/domain | grep -v ' = ""$' > /tmp/after
check "and writes nothing" cmp /tmp/before /tmp/after

note "a guest that does not fit"
host 0 "given back" set g1 --total 0 --wait
host 0 "given back" set g2 --total 0 --wait
set -- $(hostcount free)
sed 's/^name=.*/name="g3"/' /tmp/g1.cfg > /tmp/g3.cfg
create_named g3 -p > /tmp/xl.log 2>&1
check_eq "g3 cannot be made with $2 pages free on pnode 1, $(xl info free_memory) MiB in all" $? 3
balloonctl host run --pnode 1=262m -- env LD_PRELOAD=/lab/vnumafix.so xl create -p /tmp/g3.cfg > /tmp/host.out 2> /tmp/host.err
check_eq "with room made for it, it can" $? 0
sed 's/^/@@ | /' /tmp/host.out /tmp/host.err
check "g3 is there" xl domid g3
check_eq "no reservation is left" "$(xenstore-list /vnode-balloon/reservation 2> /dev/null | wc -l)" 0
xl destroy g3
host 7 "the exit code is the command's" run --pnode 1=8m -- sh -c 'exit 7'

note "reservations"
host 0 "60 MiB" reserve 60m --pnode 1 --for somebody --json
id=$(host_json id)
host 0 "the list has it" list --json
check_eq "the list has it" "$(host_json pnodes.1.reserved_kib reservations.0.name)" "61440 somebody"
host 0 "given up" unreserve $id
host 64 "once only" unreserve $id
note "a vnode that is short gets memory of the other one on its node"
host 0 "96 MiB of g1" set g1 --vnode 1=96m --wait
set -- $(hostcount free)
host 0 "all but 40 MiB of the rest is somebody's" reserve $((($2 / 256 - 40) * 1024)) --pnode 1 --for somebody --json
id=$(host_json id)
on g1
check_eq "it lacks nothing" "$(xenstore-read $D/memory/vnode1/balloon-short)" 0
guest_start hog "hog 1 rest $((18 << 10)) 1"
check "it tells that it lacks memory" wait_until 20 eval '[ "$(xenstore-read $D/memory/vnode1/balloon-short)" -gt 8192 ]'
note "it lacks $(xenstore-read $D/memory/vnode1/balloon-short) KiB"
host 0 "the list has it" list --json
check "the list has it" [ "$(host_json domains.1.vnodes.1.short_kib)" -gt 8192 ]
host 0 "levelled" balance --pnode 1
check "g1 has got memory" [ "$(row 1 size)" -lt 92160 ]
check "g2 gave some" [ "$(target_of g2 1)" -gt 0 ]
check "g1 lacks nothing any more" wait_until 20 eval '[ "$(xenstore-read $D/memory/vnode1/balloon-short)" = 0 ]'
guest_end hog
host 0 "given up" unreserve $id
host 0 "back" set g1 --total 0 --wait
host 0 "back" set g2 --total 0 --wait
xl destroy f1
sleep 1

note "a claim of all but 2,000 pages stops a deflate"
host 0 "144 MiB" set g2 --vnode 1=144m --wait
sed "s/^memory=.*/memory=256/;s/^name=.*/name=\"c1\"/;/^vnuma/d" /tmp/f1.cfg > /tmp/c1.cfg
check "a domain that claims" create_named c1 -p
maxmem "$(id_of c1)" 9000000
tot=$(tot c1)
set -- $(hostcount free)
check "it claims" hostcount claim "$(id_of c1)" $((tot + $1 + $2 - 2000))
host 75 "what is claimed is not granted" set g2 --vnode 1=112m
on g2
target 1 114688
host 75 "claims are named" wait g2
check_has "the pages are named" "$(cat /tmp/host.err)" "$(hostcount claimed) pages of the host are claimed"
check_eq "what there was was taken first" "$(row 1 size)" 139456
hostcount claim "$(id_of c1)" 0
host 0 "without the claim it comes to its end" wait g2
xl destroy c1

note "where memory lies"
on g1
pages=$(page_counts | tr '\n' ' ')
host 0 "Xen counts it" list --measure --json
set -- $(host_json domains.1.pages domains.1.pages_by_pnode.0 domains.1.pages_by_pnode.1)
check_eq "as Xen's own key says it" "total $1 0 $2 1 $3 " "$pages"
note "counting took $(host_json measured_microseconds) us"

note "guests without virtual NUMA"
make_guest gp pvh-plain 256 384 'uuid="11111111-1111-1111-1111-111111111111"'
check "the daemon of gp starts" start_daemon
stop_watch
check "memory-target = keep" start_watch --memory-target keep
check "its first target" wait_until 5 xenstore-exists $D/memory/vnode0/target-balloon-size
sleep 2
host 0 "192 MiB of 384" set gp --vnode 0=192m --wait
check_eq "Xen's count" "$(tot gp)" 49168
xl mem-set gp 200
check "memory/target is put back" wait_until 5 eval '[ "$(legacy_of gp)" = 262144 ]'
check_eq "and Xen's maximum" "$(max_pages gp)" 65792
check "the memory is as it was" wait_until 60 eval '[ "$(tot gp)" = 49168 ]'
host 0 "the list names it" list
check_has "the list names it" "$(cat /tmp/host.out)" "another program wrote memory/target = 204800 KiB"

note "Xen's maximum follows"
stop_watch
check "the daemon enforces" start_watch --memory-target keep --enforce yes
check "where targets are reached Xen's maximum is what they leave" wait_until 15 eval '[ "$(max_pages gp)" = 49408 ]'
host 0 "it is raised for what is asked back" set gp --vnode 0=160m --wait
check_eq "Xen's count" "$(tot gp)" 57360
check "and the maximum is no more than that" wait_until 15 eval '[ "$(max_pages gp)" = 57600 ]'
host 0 "192 MiB again" set gp --vnode 0=192m --wait
stop_watch
check "it enforces no more" start_watch --memory-target keep

note "a guest without our daemon"
make_guest gv pv 256 384 'uuid="22222222-2222-2222-2222-222222222222"'
TOT=$(tot gv)
host 0 "224 MiB" set gv --memory 224m --wait
check_eq "memory/target" "$(legacy_of gv)" 229376
check_eq "exactly 8,192 pages" $((TOT - $(tot gv))) 8192
host 64 "less than it can live with" set gv --memory 40m
host 75 "it keeps 256 MiB where nobody says anything" free +16m --any --from gv --legacy
host 0 "limits that stay" limits gv --min 160m --save
check_eq "they are in a file" "$(tail -n 1 /etc/vnode-balloon-host.d/22222222-2222-2222-2222-222222222222.conf)" "min = 163840k"
TOT=$(tot gv)
host 0 "32 MiB of whatever node" free +32m --any --from gv --legacy
check_eq "memory/target fell by them" "$(legacy_of gv)" 196608
check_eq "exactly 8,192 pages" $((TOT - $(tot gv))) 8192
check_eq "Xen's maximum fell, too" "$(max_pages gv)" 49408
xl destroy gv
check "gv is made again" create_named gv -p
host 0 "what was saved is its limit" limits gv --json
check_eq "what was saved is its limit" "$(host_json vnodes.0.min_kib)" 163840
xl destroy gv

note "xl saves and migrates a guest without virtual NUMA, with its balloon"
on gp
for way in save migrate; do
    if [ $way = save ]; then
        xl save gp /tmp/gp.save > /tmp/xl.log 2>&1 && xl restore -p /tmp/gp.save > /tmp/xl.log 2>&1
        check_eq "gp is restored, paused, with what it had" "$? $(tot gp)" "0 49168"
        xl unpause gp
        rm -f /tmp/gp.save
    else
        xl migrate -s "" gp "xl migrate-receive" > /tmp/xl.log 2>&1
        check_eq "gp is migrated" $? 0
    fi
    sleep 5
    on gp
    check_eq "$way: nothing moved" "$(tot gp)" 49168
    check "$way: what it has is its target" wait_until 10 eval '[ "$(target_of gp 0)" = 196608 ]'
done
note "gp starts again, with its UUID and another number"
xl destroy gp
sleep 2
make_guest gp pvh-plain 256 384 'uuid="11111111-1111-1111-1111-111111111111"'
check "the daemon of gp starts" start_daemon
check "its target is remembered" wait_until 10 eval '[ "$(target_of gp 0)" = 196608 ]'
check "and it goes there" wait_until 60 eval '[ "$(tot gp)" = 49168 ]'
sed 's/^/@@ watch: /' /run/watch.log
stop_watch
stop_guests
finish
