# The units under special limits: a start that has two seconds and must audit everything, kexec with few descriptors,
# `make uninstall` where balloonctl cannot run.
DAEMON=vnode-balloon.service

is_active() { guest "systemctl -q is-active $*" > /dev/null; }
balloons() { check "$1: both balloons have their size" wait_both $2 $3 && check_given "$1" $2 $3; }
wait_both() { wait_reached 0 $1 && wait_reached 1 $2; }
drop_in() { guest "mkdir -p /run/systemd/system/$1.d; printf '[Service]\n$2\n' > /run/systemd/system/$1.d/lab.conf
    systemctl daemon-reload"; }
no_drop_in() { guest "rm -r /run/systemd/system/$1.d; systemctl daemon-reload"; }
restarts() { guest "systemctl show -P NRestarts $DAEMON"; }

start_guest
remember_pages
check "systemd is up" wait_until 60 is_active multi-user.target
check "the units are enabled and started" guest "systemctl -q enable --now $DAEMON"
targets 65536 262144
balloons "started" 65536 262144

# No intent record says where to audit closer, so Xen is asked about every frame; and systemd gives a start two seconds.
drop_in $DAEMON TimeoutStartSec=2
before=$(restarts)
guest "systemctl stop $DAEMON; rm /run/vnode-balloon/intent"
check "a start that has to look at everything" guest "systemctl start $DAEMON"
balloons "a start that had to look at everything" 65536 262144
check_le "systemd did not have to start it again" "$(restarts)" "$before"
no_drop_in $DAEMON

# Replaces what systemd would run: it records how much Xen had by then.
guest "mkdir -p /run/systemd/system/systemd-kexec.service.d /run/lab
    printf '[Unit]\nSuccessAction=none\n[Service]\nExecStart=\nExecStart=/bin/sh -c \"probe reservation > /run/lab/kexec\"\n' \
        > /run/systemd/system/systemd-kexec.service.d/lab.conf"
drop_in vnode-balloon-kexec.service LimitNOFILE=24
guest "systemctl start --job-mode=replace-irreversibly --no-block kexec.target"
had() { guest "cat /run/lab/kexec 2> /dev/null"; }
is_over() { guest "systemctl -q is-failed vnode-balloon-kexec" > /dev/null || [ -n "$(had)" ]; }
check "kexec with 24 descriptors comes to an end" wait_until 60 is_over
is_whole() { [ -z "$(had)" ] || [ "$(had)" = "$START_TOTAL" ]; }
check "kexec with 24 descriptors: there was none, or no memory was missing in it" is_whole
note "kexec with 24 descriptors: $(guest "journalctl -b -o cat -u vnode-balloon-kexec" | grep balloonctl: | tail -n 1)"
no_drop_in vnode-balloon-kexec.service
guest "systemctl reset-failed; systemctl start multi-user.target"
check "the system is up again" wait_until 60 is_active multi-user.target $DAEMON
balloons "after a kexec with 24 descriptors" 65536 262144

# Without the daemon balloonctl cannot work there. That does not answer the question whether something is given.
guest "systemctl stop $DAEMON"
check_exit "make uninstall in a mount namespace of its own" 2 "unshare -m make -s -C /src uninstall"
guest "chmod 0755 /run/vnode-balloon"
check_exit "make uninstall with a state directory open to others" 2 "make -s -C /src uninstall"
check_has "it names what is there" "$(cat /tmp/output)" "320 MiB"
guest "chmod 0700 /run/vnode-balloon; balloonctl deflate --release; systemctl start $DAEMON"
balloons "after it could not know" 65536 262144
check_exit "make uninstall" 0 "make -s -C /src uninstall"
check_all_back "uninstalled"
finish
