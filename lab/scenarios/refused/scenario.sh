# The product must not touch files that are not on hugetlbfs, another daemon's state, or a mount that would end with a
# process.
start_guest
remember_pages
target 0 65536
S=/run/refused
guest "mkdir -p -m 700 $S"

# refused TEXT COMMANDS-BEFORE COMMANDS-AFTER
refused() {
    guest "$2"
    for command in daemon "force 0 64m" audit; do
        check_exit "$1: $command" 69 "balloonctl $command --state-dir $S"
    done
    note "it says: $(head -n 1 /tmp/output)"
    guest "$3; rm -rf $S; mkdir -p -m 700 $S"
    check_all_back "$1"
}
refused "files in 'pages'" "mkdir $S/pages; dd if=/dev/zero of=$S/pages/vnode0 bs=1M count=2" true
refused "another file system on 'pages'" "mkdir $S/pages; mount -t tmpfs none $S/pages" "umount $S/pages"
refused "huge pages open to others" "mkdir $S/pages; mount -t hugetlbfs -o mode=1777,pagesize=2M none $S/pages" \
    "umount $S/pages"
refused "'pages' is a link" "mkdir /run/elsewhere; ln -s /run/elsewhere $S/pages" "rm -rf /run/elsewhere"
refused "'pages' is a file" "echo > $S/pages" true
check_has "it says what to do" "$(cat /tmp/output)" "--state-dir"
refused "a state directory open to others" "chmod 0755 $S" true
check_has "it says what to do" "$(cat /tmp/output)" "chmod 0700 $S"
refused "a state directory whose parent is missing" "rmdir $S; ln -s /run/nowhere $S" true
check_exit "no parent at all" 69 "balloonctl daemon --state-dir /run/nowhere/state"
check_has "it says which" "$(cat /tmp/output)" "/run/nowhere does not exist"
check_exit "doctor sees it too" 69 "balloonctl doctor --state-dir /run/nowhere/state"
check_has "doctor names the directory" "$(cat /tmp/output)" "FAIL  state-directory"

for command in daemon "force 0 64m" audit; do
    check_exit "a private mount namespace: $command" 69 "unshare -m balloonctl $command --state-dir $S"
done
check_has "it says what to do" "$(cat /tmp/output)" "mount namespace"
check_all_back "a private mount namespace"
check_eq "nothing was reported in xenstore" "$(feature)$(row 0 state)" ""

# A second daemon, while the first one works.
check "a daemon starts" start_daemon
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check_exit "a second daemon on its state directory" 75 "balloonctl daemon"
check_has "it says why" "$(cat /tmp/output)" "/run/vnode-balloon"
guest "mount -t tmpfs none $PAGES_DIRECTORY"
check_exit "what is wrong with 'pages' comes before the lock" 69 "balloonctl daemon"
check_exit "doctor: something else on 'pages'" 69 "balloonctl doctor"
check_has "doctor names it" "$(cat /tmp/output)" "FAIL  pages"
guest "umount $PAGES_DIRECTORY"
check "the first one still runs" guest_runs daemon
target 1 32768
check "and works" wait_reached 1 32768
check_given "after a second daemon" 65536 32768
check_agree "after a second daemon"

# A daemon is stopped (SIGSTOP): a command that needs it gives up.
guest "kill -STOP $(guest_pid daemon)"
check_exit "a daemon that does not answer: force" 75 "balloonctl force 0 0"
check_exit "a daemon that does not answer: status" 75 "balloonctl status"
guest "kill -CONT $(guest_pid daemon)"
check_given "after a daemon that did not answer" 65536 32768

# No holder keeps the pins, and none can start: without one nothing is touched.
check "the daemon is killed" kill_daemon
guest 'for p in /proc/[0-9]*; do tr "\\0" " " < $p/cmdline | grep -q "^balloonctl hold" && kill -9 ${p#/proc/}; done'
guest "rm -f /run/vnode-balloon/hold.sock; mkdir /run/vnode-balloon/hold.sock"
check_exit "a holder that cannot start" 69 "balloonctl daemon"
check_has "it says how to see why" "$(cat /tmp/output)" "balloonctl hold --state-dir"
check_exit "the holder itself" 69 "balloonctl hold"
guest "rmdir /run/vnode-balloon/hold.sock"
check "the daemon starts again" start_daemon
check_given "with a holder again" 65536 32768

targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
