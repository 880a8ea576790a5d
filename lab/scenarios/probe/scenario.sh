# Tests the lab itself: a small program gives memory to Xen and takes it back, and Xen's count per physical node agrees.
# The tools that judge the product are judged here first.
start_guest
remember_pages
check_eq "the guest is PVH" "$(guest cat /sys/hypervisor/guest_type)" PVH
check_eq "it sees two nodes" "$(guest 'ls -d /sys/devices/system/node/node[0-9] | wc -l')" 2

guest 'exit 7'
check_eq "a command's exit code comes back" $? 7
check_eq "its output comes back, quotes and all" "$(guest "echo \"it's\" 'a \"test\"'")" "it's a \"test\""
check_eq "6000 characters come back whole" "$(guest 'head -c 6000 /dev/zero | tr "\0" x' | wc -c)" 6000
GUEST_SECONDS=1 guest 'sleep 10'
check_eq "a command that takes too long is ended" $? 124

guest 'mkdir -p /pages && mount -t hugetlbfs -o mode=0700,pagesize=2M none /pages'
for node in 0 1; do
    guest "echo 70 > /sys/devices/system/node/node$node/hugepages/hugepages-2048kB/nr_hugepages"
    given=$((node * 131072))
    check_eq "128 MiB of node $node are given" "$(guest "probe give /pages/p$node $node 128" | tail -n 1)" \
        "extents 64 holes 128 ram 0"
    check_given "128 MiB of node $node are given" 131072 $given
done
check_eq "the holes are found again in the files" "$(guest 'probe audit /pages/p1 128')" "extents 64 holes 128 ram 0"

for node in 0 1; do
    check_eq "128 MiB of node $node are taken back" "$(guest "probe take /pages/p$node $node 128" | tail -n 1)" \
        "extents 64 holes 0 ram 128"
done
check_given "everything is back" 0 0

# The tools that watch and kill.
guest "echo 30 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages; rm -f /pages/*"
guest_start turns "turns 2048"
victim_over() { guest '[ -s /run/lab/victim.code ]'; }
# The emulator may let the command run to its end before it lets the watching processor look once.
for try in 1 2 3; do
    guest_start victim "env KILLAT_ALONE=1 killat below $((START_TOTAL - 1000)) probe give /pages/p1 1 60"
    wait_until 30 victim_over
    [ "$(guest 'cat /run/lab/victim.code')" = 0 ] || break
    note "try $try: it had ended before"
    guest "probe take /pages/p1 1 60; rm /pages/p1" > /dev/null
done
check_eq "killat kills" "$(guest 'cat /run/lab/victim.code')" 137
check_has "and says when" "$(guest_log victim)" "killed at"
check_eq "probe lists the frames" "$(guest 'probe frames /pages/p1 60' | grep -c '^[0-9]*$')" 30
check_eq "what the killed program gave is taken back" "$(guest "probe take /pages/p1 1 60" | tail -n 1)" \
    "extents 30 holes 0 ram 60"
guest_end turns
check_eq "turns saw it all" "$(guest_log turns | head -n 3 | tr '\n' ' ')" \
    "start $START_TOTAL low $((START_TOTAL - 15360)) end $START_TOTAL "
guest_start early "killat after 100 sleep 5"
sleep 1
check_eq "killat kills after a time" "$(guest 'cat /run/lab/early.code')" 137

start_pattern 64 64
end_pattern
finish
