# vCPU 0 lies on vnode 1, so Linux's node 0 is Xen's vnode 1: numbers do not match, addresses do.
start_guest
remember_pages
check "the daemon starts" start_daemon
status
check_eq "vnode 0 is Linux's node 1, and the other way round" \
    "$(json vnodes.0.linux_node) $(json vnodes.1.linux_node)" "1 0"
check "the guest's memory is in use" start_pattern 64 64

targets 98304 0
check "96 MiB on vnode 0 are reached" wait_reached 0 98304
check_given "96 MiB on vnode 0" 98304 0
check_eq "they are pool pages of Linux's node 1" "$(pool_counts)" "0 0 48 0 "
check_agree "96 MiB on vnode 0"
targets 32768 163840
check "32 MiB on vnode 0 are reached" wait_reached 0 32768
check "160 MiB on vnode 1 are reached" wait_reached 1 163840
check_given "32 MiB on vnode 0 and 160 MiB on vnode 1" 32768 163840
check_agree "32 MiB on vnode 0 and 160 MiB on vnode 1"
check_audit "32 MiB on vnode 0 and 160 MiB on vnode 1" 96

check "the daemon is killed" kill_daemon
check "the daemon starts again" start_daemon
check_row "after SIGKILL" 0 32768 idle
check_row "after SIGKILL" 1 163840 idle
check_exit "force 0 64m" 0 "balloonctl force 0 64m"
check_given "64 MiB forced on vnode 0" 65536 163840
check_exit "force 0 --release" 0 "balloonctl force 0 --release"

targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0

# --- Memory of other physical nodes -------------------------------------------------------------------------------------
# Xen's count by physical node is the judge of what the product reports.
targets 98304 0
check "96 MiB on vnode 0 are reached again" wait_reached 0 98304
fill_pnode 0 12
target 0 0
check "a full physical node holds the vnode" wait_row 0 reason pnode-full
held=$(row 0 size)
check "some of it is missing ($held KiB)" [ "$held" -gt 0 ]
check_given "without leave none comes from elsewhere" "$held" 0
xenstore-write "$D/memory/vnode0/allow-other-pnode" 1
check "with leave all of it is back" wait_reached 0 0
set -- $(page_counts)
elsewhere=$(((START_1 - $6) * -4))
check_eq "what pnode 0 lacks came from pnode 1" $(((START_0 - $4) * 4)) $elsewhere
check "most of it did ($elsewhere KiB)" [ "$elsewhere" -gt $((held / 2)) ]
# told TEXT: status, the audit and xenstore report that much, or a little more.
told() {
    status
    told=$(json vnodes.0.other_pnode_kib)
    check "$1: status tells of $told KiB" [ "$told" -ge $elsewhere -a "$told" -le $((elsewhere + 4096)) ]
    check_eq "$1: xenstore says the same" "$(xenstore-read $D/data/balloon-vnode/vnode0/other-pnode)" "$told"
    guest 'balloonctl audit --json' > /tmp/audit
    check_eq "$1: so does the audit" "$(jsonget other_pnode_kib clean < /tmp/audit | tr '\n' ' ')" "$told true "
}
told "the daemon that took it"
check "the daemon is killed again" kill_daemon
check "the daemon starts once more" start_daemon
told "the next one"
empty_host
target 0 163840
check "160 MiB on vnode 0 are reached" wait_reached 0 163840
status
note "of $elsewhere KiB $(json vnodes.0.other_pnode_kib) are told to be elsewhere with 160 MiB given"
target 0 0
check "vnode 0 is back once more" wait_reached 0 0
set -- $(page_counts)
elsewhere=$(((START_1 - $6) * -4))
told "with all taken back"
# Linux may not have handed all of it out again: that part is still on the other node.
left=$(($6 - START_1))
START_0=$((START_0 - left)) START_1=$((START_1 + left))
end_pattern
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
