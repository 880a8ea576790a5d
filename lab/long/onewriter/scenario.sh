# A guest has one writer, whatever the state directory, the namespaces, the root directory. Memory that another writer
# gave is found and named, and can be taken over.
start_guest
remember_pages
check "the daemon starts" start_daemon
targets 65536 65536
check "64 MiB on vnode 0" wait_reached 0 65536
check "64 MiB on vnode 1" wait_reached 1 65536

# A root of its own, with a /run of its own. Its /dev is the kernel's, or one with a node made by hand.
guest 'R=/run/root; mkdir -p $R; for d in bin lib lib64; do mkdir -p $R/$d; mount --bind /$d $R/$d; done
    mkdir -p $R/proc $R/sys $R/dev $R/run $R/etc; mount -t proc proc $R/proc; mount -t sysfs sys $R/sys
    mount -t devtmpfs dev $R/dev; mount -t tmpfs run $R/run'
OTHER="--state-dir /run/two"
daemon=$(guest_pid daemon)
for way in "" "unshare -n" "chroot /run/root"; do
    for command in "daemon $OTHER" "force 0 96m $OTHER" "status $OTHER"; do
        check_exit "${way:-another state directory}: $command" 75 "$way balloonctl $command"
    done
    check_has "${way:-another state directory}: it says who" "$(cat /tmp/output)" "process $daemon has the lock"
done
guest 'R=/run/root; umount $R/dev; mount -t tmpfs dev $R/dev; mkdir $R/dev/xen; mknod $R/dev/null c 1 3
    for d in privcmd hypercall xenbus; do
        [ ! -e /dev/xen/$d ] || mknod $R/dev/xen/$d c $((0x$(stat -c %t /dev/xen/$d))) $((0x$(stat -c %T /dev/xen/$d)))
    done'
check_exit "devices made by hand: force" 75 "chroot /run/root balloonctl force 0 96m $OTHER"
check_has "devices made by hand: it says who" "$(cat /tmp/output)" "has the lock"
check_exit "a mount namespace of its own" 69 "unshare -m balloonctl force 0 96m $OTHER"
check_given "whoever tried" 65536 65536
check_agree "whoever tried"

# --- Without the first one's daemon ----------------------------------------------------------------------------------

check "the daemon ends" stop_daemon
check_exit "a daemon on another state directory" 69 "balloonctl daemon $OTHER"
check_has "it names the first one" "$(cat /tmp/output)" "--adopt /run/vnode-balloon"
check_exit "status on another state directory" 0 "balloonctl status $OTHER"
check_has "status names it" "$(cat /tmp/output)" "another state directory, /run/vnode-balloon, has 128 MiB"
check_has "status knows that memory is missing" "$(cat /tmp/output)" "are missing that no balloon accounts for"
check_exit "audit on another state directory" 75 "balloonctl audit $OTHER --json 2> /dev/null"
# A PVH guest has a page less than its firmware's map says.
check_has "it is a finding" "$(cat /tmp/output)" '"kind":"unaccounted","kib":131076'
check_exit "doctor on another state directory" 69 "balloonctl doctor $OTHER"
check_has "doctor names it" "$(grep other-balloons /tmp/output)" "FAIL  other-balloons"
check_exit "is anything given?" 75 "balloonctl given $OTHER"
check_exit "in another root: is anything given?" 75 "chroot /run/root balloonctl given"
check_given "after all questions" 65536 65536

# two_runs OPTION...: a daemon on the other state directory, until both targets are reached there.
two_runs() {
    guest_start two "balloonctl daemon $OTHER $*"
    wait_reached 0 65536 && wait_reached 1 65536
}
check "the other one takes over" two_runs --adopt /run/vnode-balloon
check_given "taken over" 65536 65536
check_exit "its audit" 0 "balloonctl audit $OTHER"
check_has "its audit is clean" "$(cat /tmp/output)" "64 extents audited, clean"
check_exit "its doctor finds nothing that is needed" 0 "balloonctl doctor $OTHER"
check_eq "the other one ends" "$(guest_end two; echo $?)" 0
check_exit "taking back what another state directory has" 0 "balloonctl deflate --all $OTHER"
check_all_back "taken back"
check "the first one starts again" start_daemon
check "64 MiB on vnode 0" wait_reached 0 65536
check "64 MiB on vnode 1" wait_reached 1 65536
check_agree "the first one again"
targets 0 0
check "vnode 0 is empty" wait_reached 0 0
check "vnode 1 is empty" wait_reached 1 0
check "the daemon ends" stop_daemon
check_exit "nothing is given" 0 "balloonctl given"
check_all_back "at the end"
finish
