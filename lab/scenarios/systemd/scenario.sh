# The units as `make install` leaves them, under Debian's systemd: the sandbox, kills of the daemon, of the holder and of
# both, stops and restarts, rescue mode, hibernation, kexec, reboot, `make uninstall`. Each time Xen's own count is exact.
DAEMON=vnode-balloon.service HOLDER=vnode-balloon-hold.service

main_pid() { guest "systemctl show -P MainPID $1"; }
is_active() { guest "systemctl -q is-active $*" > /dev/null; }
is_failed() { guest "systemctl -q is-failed $*" > /dev/null; }

# check_unit TEXT UNIT NAME WANTED: a property, as systemd sees it.
check_unit() { check_eq "$1: $3 of $2" "$(guest "systemctl show -P $3 $2")" "$4"; }

# console_says LINES PATTERN: what whoever sits at the guest's console sees of balloonctl, behind so many lines.
console_says() { tail -n +$(($1 + 1)) $GUEST_LOG | grep -q "balloonctl.*$2"; }

# balloons: sets the sizes that the other checks use.
balloons() { check "$1: both balloons have their size" wait_both $2 $3 && check_given "$1" $2 $3; }
wait_both() { wait_reached 0 $1 && wait_reached 1 $2; }

# The pins: the pipes that a process has open, by inode number.
pins() { guest "ls -l /proc/$1/fd" | grep -o 'pipe:.[0-9]*' | sort | tr '\n' ' '; }

# after COMMAND, in the same breath: Linux is told to give up frames of vnode 1 that Xen has. It must not.
addresses() {
    guest "probe frames $PAGES_DIRECTORY/vnode1 $1" | awk 'NR % 16 == 1 { printf "%.0f ", ($1 + 255) * 4096 }'
}
check_pinned() {
    guest "$2; for address in $ADDRESSES; do
        echo \$address > /sys/devices/system/memory/soft_offline_page && echo accepted || echo refused; done" \
        > /tmp/output 2>&1
    check_eq "$1: soft offline of $(echo $ADDRESSES | wc -w) frames of vnode 1 is refused, busy" \
        "$(grep -c busy /tmp/output) $(grep -c accepted /tmp/output)" "$(echo $ADDRESSES | wc -w) 0"
}

start_guest
remember_pages
check "systemd is up" wait_until 60 is_active multi-user.target
check "the units are enabled and started" guest "systemctl -q enable --now $DAEMON"
check_unit "after the start" $DAEMON ActiveState active
check_unit "after the start" $HOLDER ActiveState active
check_eq "systemd has nothing to complain of" \
    "$(guest "systemctl --failed --no-legend; journalctl -b -o cat -p warning -t systemd" | grep -i vnode)" ""

# --- The sandbox -----------------------------------------------------------------------------------------------------
# What every thread may do, as the kernel sees it: 24 is CAP_SYS_RESOURCE.
confinement() {
    guest "cat /proc/$(main_pid $1)/task/*/status" | awk '/^(CapPrm|CapEff|CapInh|CapAmb|CapBnd|NoNewPrivs|Seccomp):/ {
        print $1 $2 }' | sort -u | tr '\n' ' '
}
check_eq "the daemon has one capability left, and cannot gain others" "$(confinement $DAEMON)" \
    "CapAmb:0000000000000000 CapBnd:0000000001000000 CapEff:0000000001000000 CapInh:0000000000000000 CapPrm:0000000001000000 NoNewPrivs:1 Seccomp:2 "
check_eq "the holder has none" "$(confinement $HOLDER)" \
    "CapAmb:0000000000000000 CapBnd:0000000000000000 CapEff:0000000000000000 CapInh:0000000000000000 CapPrm:0000000000000000 NoNewPrivs:1 Seccomp:2 "
check_eq "both see the mounts of process 1" \
    "$(guest "for p in $(main_pid $DAEMON) $(main_pid $HOLDER) 1; do readlink /proc/\$p/ns/mnt; done" | uniq | wc -l)" 1
check_eq "their OOM scores" \
    "$(guest "cat /proc/$(main_pid $DAEMON)/oom_score_adj /proc/$(main_pid $HOLDER)/oom_score_adj" | tr '\n' ' ')" \
    "-1000 -1000 "
for unit in $DAEMON $HOLDER; do
    note "$(guest "systemd-analyze --no-pager security $unit" | tail -n 1)"
done
# With a sandbox option that makes a mount namespace the daemon does not run at all.
guest "systemctl stop $DAEMON; mkdir -p /run/systemd/system/$DAEMON.d
    printf '[Service]\nPrivateTmp=yes\n' > /run/systemd/system/$DAEMON.d/lab.conf; systemctl daemon-reload
    systemctl start $DAEMON"
check_unit "in a private mount namespace" $DAEMON ExecMainStatus 69
check_has "it says why" "$(guest "journalctl -b -o cat -u $DAEMON")" "private mount namespace"
# The journal looks up whose message it reads. The process has ended long before.
guest "kill -STOP \$(systemctl show -P MainPID systemd-journald)
    systemctl reset-failed $DAEMON; systemctl start $DAEMON
    kill -CONT \$(systemctl show -P MainPID systemd-journald); journalctl --sync"
check_eq "and so it does where the journal reads it late" \
    "$(guest "journalctl -b -o cat -u $DAEMON | grep -c 'balloonctl: .*private mount namespace'")" 2
guest "rm -r /run/systemd/system/$DAEMON.d; systemctl daemon-reload; systemctl reset-failed; systemctl start $DAEMON"

# 128 slots in two pins. Beyond its share of pipes a user needs the capability that is left.
guest "echo 1 > /proc/sys/fs/pipe-user-pages-soft"
targets 65536 196608
balloons "started" 65536 196608
check_agree "started"

# What programs look for in the journal: fields, which journald itself tells from the text.
journal() { guest "journalctl --sync; journalctl -b -o cat -u $DAEMON $*"; }
check_eq "the journal has vnode 1's target by its fields" \
    "$(journal VNODE=1 TARGET_KIB=196608 MESSAGE_ID=ae5f5956f6734d70a68c9a464c6f7b20)" "vnode 1: target 192 MiB"
check_has "and the end of its move" "$(journal VNODE=1 BALLOON_KIB=196608 -p notice)" "vnode 1: inflated from 0 MiB to 192 MiB in"
check_eq "and nothing of vnode 1 where vnode 0 is asked for" "$(journal VNODE=0 | grep -c 'vnode 1')" 0
check_has "and why the daemon did not start" "$(journal CODE=privateNamespace -p err)" "private mount namespace"

# --- Kills -----------------------------------------------------------------------------------------------------------
ADDRESSES=$(addresses 192)
# In or behind the first of its two steps.
limit=$((START_TOTAL - 69632)) pid=$(main_pid $DAEMON)
guest_start killer "sh -c \"until [ \\\$(probe reservation) -lt $limit ]; do :; done; kill -9 $pid\""
target 1 262144
killer_done() { guest '[ -s /run/lab/killer.code ]'; }
check "the daemon is killed while it inflates" wait_until 60 killer_done
far=$((START_TOTAL - $(guest 'probe reservation')))
check "in the middle ($far pages are given)" [ $far -gt 65536 -a $far -lt 81920 ]
check_unit "after the kill" $DAEMON SubState auto-restart
check_pinned "before systemd starts it again" true
balloons "started again by systemd" 65536 262144
check_unit "started again by systemd" $DAEMON NRestarts 1
check_audit "started again by systemd" 160

ADDRESSES=$(addresses 256)
pid=$(main_pid $HOLDER)
pins=$(pins $pid)
note "the holder has $(echo $pins | wc -w) pins; systemd stores $(guest "systemctl show -P NFileDescriptorStore $HOLDER")"
check_eq "a pin for each 128 MiB, and an empty one for each balloon" "$(echo $pins | wc -w)" 5
check_eq "systemd has pins, files and mount, too" "$(guest "systemctl show -P NFileDescriptorStore $HOLDER")" 8
check_exit "a second holder ends" 75 "balloonctl hold"
check_pinned "the holder is killed" "kill -9 $pid"
holder_is_new() { new=$(main_pid $HOLDER) && [ "$new" != 0 ] && [ "$new" != "$pid" ] && is_active $HOLDER; }
check "systemd starts it again" wait_until 20 holder_is_new
check_eq "it has the same pins" "$(pins $new)" "$pins"
check_pinned "both are killed at once" "kill -9 $new $(main_pid $DAEMON)"
pid=$new
check "systemd starts the holder again" wait_until 20 holder_is_new
check_eq "without the daemon it has the same pins" "$(pins $new)" "$pins"
balloons "after both were killed" 65536 262144
check_audit "after both were killed" 160
check_eq "pins that hold what they should are not made anew" "$(pins $new)" "$pins"
check_le "and systemd's store has not grown but for the mount, which has two names" \
    "$(guest "systemctl show -P NFileDescriptorStore $HOLDER")" 9
check_pinned "after both were killed" true

# --- A loop that stands still ----------------------------------------------------------------------------------------
check_unit "the loop is waited for" $DAEMON WatchdogUSec 3min
note "status: $(guest "systemctl show -P StatusText $DAEMON")"
# A shorter patience, as idle minutes cost real time here.
guest "mkdir -p /run/systemd/system/$DAEMON.d
    printf '[Service]\nWatchdogSec=20\n' > /run/systemd/system/$DAEMON.d/lab.conf; systemctl daemon-reload"
runs_again() { is_active $DAEMON && [ "$(main_pid $DAEMON)" != 0 ]; }
check "the daemon runs again" wait_until 30 runs_again
check "and starts anew" guest "systemctl restart $DAEMON"
check_unit "the loop is waited for no longer" $DAEMON WatchdogUSec 20s
# Longer than systemd waits, nothing is wrong with a loop that has nothing to do.
pid=$(main_pid $DAEMON)
sleep 45
check_eq "a daemon with nothing to do goes on" "$(main_pid $DAEMON)" "$pid"
# Slow enough to be met in the middle.
guest "mkdir /etc/vnode-balloon.conf.d; echo max-rate = 16 > /etc/vnode-balloon.conf.d/lab.conf; systemctl reload $DAEMON"
restarts=$(guest "systemctl show -P NRestarts $DAEMON")
target 0 131072
guest "until [ \$(systemctl show -P StatusText $DAEMON | grep -c 'vnode 0: inflating, .* of 128 MiB') = 1 ]; do :; done
    kill -STOP $pid"
note "status of a daemon that was stopped: $(guest "systemctl show -P StatusText $DAEMON")"
check "in the middle of a move" [ "$(row 0 size)" != 131072 ]
daemon_is_new() { new=$(main_pid $DAEMON) && [ "$new" != 0 ] && [ "$new" != "$pid" ] && is_active $DAEMON; }
check "systemd ends it, and starts another" wait_until 60 daemon_is_new
check_unit "because it heard nothing" $DAEMON NRestarts $((restarts + 1))
check_has "the journal says why" "$(guest "journalctl -b -o cat -u $DAEMON")" "Watchdog timeout"
balloons "after the loop stood still" 131072 262144
check_audit "after the loop stood still" 192
guest "rm -r /etc/vnode-balloon.conf.d /run/systemd/system/$DAEMON.d; systemctl daemon-reload; systemctl restart $DAEMON"
target 0 65536
balloons "as before" 65536 262144

# --- Stops and starts ------------------------------------------------------------------------------------------------
check "systemctl restart" guest "systemctl restart $DAEMON"
balloons "after a restart" 65536 262144
targets 49152 229376
balloons "part of it is taken back" 49152 229376
ADDRESSES=$(addresses 224)
check "systemctl stop" guest "systemctl stop $DAEMON"
check_row "stopped" 0 49152 stopped
check_given "stopped" 49152 229376
check_unit "stopped" $HOLDER ActiveState active
check_pinned "stopped" true
# Without the daemon the unit's command does its work, and fails where that is not possible.
guest "mkdir -p /run/systemd/system/vnode-balloon-sleep.service.d
    printf '[Service]\nPrivateTmp=yes\n' > /run/systemd/system/vnode-balloon-sleep.service.d/lab.conf; systemctl daemon-reload"
before=$(wc -l < $GUEST_LOG)
check "before hibernation: the command fails in a private mount namespace" guest "! systemctl start vnode-balloon-sleep"
check "the console says why" wait_until 10 console_says "$before" "private mount namespace"
guest "rm -r /run/systemd/system/vnode-balloon-sleep.service.d; systemctl daemon-reload; systemctl reset-failed"
check_given "after that" 49152 229376
check "the holder cannot be stopped" guest "! systemctl stop $HOLDER"
check "systemctl start" guest "systemctl start $DAEMON"
balloons "after a start" 49152 229376
check "systemctl reload" guest "systemctl reload $DAEMON"
pid=$(main_pid $DAEMON)
guest "echo min-fre = 1 > /etc/vnode-balloon.conf"
check "systemctl reload of a bad configuration fails" guest "! systemctl reload $DAEMON"
check_has "it says why" "$(guest "journalctl -b -o cat -u $DAEMON -n 20")" "unknown key min-fre"
check_eq "and the daemon goes on" "$(main_pid $DAEMON)" "$pid"
guest "rm /etc/vnode-balloon.conf; mkdir /etc/vnode-balloon.conf.d; echo min-fre = 1 > /etc/vnode-balloon.conf.d/10-lab.conf"
check "so does one beside it" guest "! systemctl reload $DAEMON"
guest "rm -r /etc/vnode-balloon.conf.d"

# A target of its own stops everything else, as rescue mode does.
guest "printf '[Unit]\nAllowIsolate=yes\n' > /run/systemd/system/lab-alone.target; systemctl daemon-reload
    systemctl isolate lab-alone.target"
is_inactive() { ! is_active $DAEMON && ! guest "systemctl is-active $DAEMON" | grep -q deactivating; }
check "alone: the daemon has ended" wait_until 20 is_inactive
check_unit "alone" $HOLDER ActiveState active
check_pinned "alone" true
guest "systemctl isolate multi-user.target"
balloons "after rescue mode" 49152 229376

# --- Hibernation and kexec -------------------------------------------------------------------------------------------
# Replacements for what systemd would run: they record how much Xen had by then.
for unit in systemd-hibernate systemd-kexec; do
    guest "mkdir -p /run/systemd/system/$unit.service.d
        printf '[Service]\nExecStart=\nExecStart=/bin/sh -c \"probe reservation > /run/lab/$unit\"\n' \
        > /run/systemd/system/$unit.service.d/lab.conf"
done
guest "printf '[Unit]\nSuccessAction=none\n' >> /run/systemd/system/systemd-kexec.service.d/lab.conf
    systemctl daemon-reload"
slept() { guest "cat /run/lab/$1 2> /dev/null"; }

allow() { maxmem "$DOMID" $1; }
status
ENOUGH=$(json domain.maximum_reservation_kib)

allow $((ENOUGH - 131072))
# A service that an administrator has stopped must not be started by that.
guest "printf '[Service]\nExecStart=/bin/sleep 999\n' > /run/systemd/system/lab-off.service
    mkdir -p /run/systemd/system/multi-user.target.wants
    ln -s ../lab-off.service /run/systemd/system/multi-user.target.wants/; systemctl daemon-reload"
before=$(wc -l < $GUEST_LOG)
check "hibernation fails when the memory is not to be had" guest "! systemctl start hibernate.target"
check_eq "nothing hibernated" "$(slept systemd-hibernate)" ""
check "and nothing else was started" guest "! systemctl -q is-active lab-off"
check_has "the journal says why" "$(guest "journalctl -b -o cat -p warning -u vnode-balloon-sleep")" "max-reservation"
check "and so does the console" wait_until 10 console_says "$before" max-reservation
allow "$ENOUGH"
balloons "after a hibernation that failed" 49152 229376
check "hibernation" guest "systemctl start hibernate.target"
check_eq "no memory was missing in it" "$(slept systemd-hibernate)" "$START_TOTAL"
balloons "after the hibernation" 49152 229376

kexec() { guest "systemctl start --job-mode=replace-irreversibly --no-block kexec.target"; }
allow $((ENOUGH - 131072))
before=$(wc -l < $GUEST_LOG)
kexec
deflate_failed() { is_failed vnode-balloon-kexec; }
check "kexec: the memory is not to be had" wait_until 60 deflate_failed
check "the system comes up again" wait_until 60 is_active multi-user.target $DAEMON
check_eq "there was no kexec" "$(slept systemd-kexec)" ""
check "the console says why" wait_until 10 console_says "$before" max-reservation
allow "$ENOUGH"
balloons "after a kexec that failed" 49152 229376
kexec
kexec_done() { [ -n "$(slept systemd-kexec)" ]; }
check "kexec" wait_until 60 kexec_done
check_eq "no memory was missing in it" "$(slept systemd-kexec)" "$START_TOTAL"
check_all_back "kexec"
check "the system is started again" guest "systemctl start multi-user.target"
balloons "the system is started again" 49152 229376

# --- Reboot ----------------------------------------------------------------------------------------------------------
begin=$(uptime_seconds)
guest "systemctl --no-block reboot"
is_gone() { ! xl domid g1 > /dev/null 2>&1; }
check "a reboot with balloons" wait_until 60 is_gone
took=$(echo "$(uptime_seconds) $begin" | awk '{ printf "%d", ($1 - $2) * 1000 }')
check_le "in less than 15 s ($took ms)" "$took" 15000
sleep 1
check_has "by systemd's own way to the end" "$(tail -n 3 $GUEST_LOG)" "reboot: Restarting system"
check_eq "nothing fails to be unmounted" "$(grep -c 'Failed unmounting' $GUEST_LOG)" 0
kill $GUEST_TAIL
DOMID=

# --- make uninstall --------------------------------------------------------------------------------------------------
start_guest
remember_pages
check "the units are enabled and started again" guest "systemctl -q enable --now $DAEMON"
targets 65536 32768
balloons "started" 65536 32768
status
allow $(($(json domain.maximum_reservation_kib) - 65536))
check_exit "make uninstall when the memory is not to be had" 2 "make -s -C /src uninstall"
check_has "it says so" "$(cat /tmp/output)" "nothing is uninstalled"
check "everything is still there" guest "systemctl -q is-enabled $DAEMON && balloonctl status"
allow "$(json domain.maximum_reservation_kib)"
balloons "after it was refused" 65536 32768
check_exit "make uninstall" 0 "make -s -C /src uninstall"
check_all_back "uninstalled"
check_eq "nothing is left" \
    "$(guest "ls -d /usr/local/sbin/* /usr/local/lib/systemd/*/* /usr/local/share/*/*/*balloon* /run/vnode-balloon /etc/systemd/system/*/vnode*;
        ps | grep '[b]alloonctl'; systemctl list-units --no-legend 'vnode*'" 2> /dev/null | grep -v 'No such')" ""
finish
