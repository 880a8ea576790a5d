# The lab itself: memory given to Xen and taken back by a small program, and Xen's count per physical node agrees. What
# the product is judged by is judged here first.
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

start_pattern 64 64
end_pattern
finish
