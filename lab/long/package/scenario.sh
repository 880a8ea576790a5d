# The Debian packages as a newcomer meets them, in a Debian guest with systemd, apt and dpkg: from a bare guest to a target that
# is met; then upgraded, removed and purged with 128 MiB given. Xen's own count is the judge.
DAEMON=vnode-balloon.service HOLDER=vnode-balloon-hold.service
APT="DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0"

main_pid() { guest "systemctl show -P MainPID $1"; }
is_active() { guest "systemctl -q is-active $*" > /dev/null; }
state_of() { guest "dpkg-query -W -f '\${db:Status-Abbrev}' $1 2> /dev/null" | tr -d ' '; }

# --- A newcomer ------------------------------------------------------------------------------------------------------

start_guest
check "systemd is up" wait_until 60 is_active multi-user.target
remember_pages
check_exit "nothing of ours is there" 127 "balloonctl --version"

begin=$(uptime_seconds)
commands=0
# command WANTED TEXT: one of those that the newcomer types.
command() {
    commands=$((commands + 1))
    note "command $commands: $2"
    check_exit "command $commands" "$1" "$2"
}
command 0 "$APT install -y /debs/*.deb"
check_eq "both packages are installed" "$(state_of vnode-balloon) $(state_of vnode-balloon-common)" "ii ii"
check_eq "nothing is enabled" "$(guest "systemctl is-enabled $DAEMON; systemctl is-active $DAEMON $HOLDER" | tr '\n' ' ')" \
    "disabled inactive inactive "
command 69 "balloonctl doctor"
missing=$(grep '^FAIL' /tmp/output)
note "doctor: $missing"
check_eq "doctor finds one thing missing" "$(echo "$missing" | grep -c .)" 1
check_has "and says how to mend it" "$missing" "options xen-privcmd unrestricted=1"
command 0 "echo options xen-privcmd unrestricted=1 > /etc/modprobe.d/xen-privcmd.conf"
command 0 "systemctl enable --now vnode-balloon"
targets 65536 65536
check "vnode 0 has its size" wait_reached 0 65536
check "vnode 1 has its size" wait_reached 1 65536
check_given "the target is met" 65536 65536
took=$(echo "$(uptime_seconds) $begin" | awk '{ printf "%d", $1 - $2 }')
note "a newcomer needs $commands commands, which take $took s on an emulated processor"
check_le "commands until the target is met" $commands 4
check_json doctor-1 0 "balloonctl doctor --json"
check_eq "the manuals are there" "$(guest "ls /usr/share/man/man?/*balloon*" | wc -l)" 4
check_eq "systemd has nothing to complain of" \
    "$(guest "systemctl --failed --no-legend; journalctl -b -o cat -p warning -t systemd" | grep -i vnode)" ""

# --- Upgraded --------------------------------------------------------------------------------------------------------

daemon=$(main_pid $DAEMON) holder=$(main_pid $HOLDER)
check_exit "an upgrade" 0 "$APT install -y /newer/*.deb"
check_has "it is another version" "$(guest "dpkg-query -W vnode-balloon")" "+newer"
check "the daemon was started anew" [ "$(main_pid $DAEMON)" != "$daemon" ]
check "and runs" wait_until 20 is_active $DAEMON
check_eq "the holder was not" "$(main_pid $HOLDER)" "$holder"
check "vnode 0 keeps its size" wait_reached 0 65536
check_given "after the upgrade" 65536 65536
check_audit "after the upgrade" 64
check_exit "installed once more" 0 "$APT install -y --reinstall /newer/*.deb"
check_eq "the holder is still the same" "$(main_pid $HOLDER)" "$holder"
check_given "installed once more" 65536 65536

# --- Removed ---------------------------------------------------------------------------------------------------------

status
enough=$(json domain.maximum_reservation_kib)
maxmem "$DOMID" $((enough - 65536))
check_exit "a removal when the memory is not to be had" 100 "$APT remove -y vnode-balloon"
check_eq "it stays installed" "$(state_of vnode-balloon)" ii
check "and at work" wait_until 20 is_active $DAEMON
maxmem "$DOMID" "$enough"
check "vnode 0 has its size again" wait_reached 0 65536
check "vnode 1 has its size again" wait_reached 1 65536
check_given "after a removal that was refused" 65536 65536

check_exit "a removal" 0 "$APT remove -y vnode-balloon"
check_all_back "removed"
check_eq "the package is gone, but for its configuration" "$(state_of vnode-balloon)" rc
check_eq "the service is gone" "$(guest "ps | grep '[b]alloonctl'; ls /lib/systemd/system/vnode-balloon* 2> /dev/null")" ""
check_exit "the command, which is another package, stays" 0 "balloonctl given"

check "installed and enabled again" guest "$APT install -y /newer/*.deb && systemctl -q enable --now $DAEMON"
check "vnode 0 has its size" wait_reached 0 65536
check "vnode 1 has its size" wait_reached 1 65536
check_given "installed again" 65536 65536
check_exit "everything is purged" 0 "$APT purge -y vnode-balloon vnode-balloon-common"
check_all_back "purged"
check_eq "nothing is left" "$(guest "dpkg -l 'vnode*' | grep vnode | grep -v '^un'; ls -d /usr/sbin/balloonctl \
    /usr/share/*/*balloon* /run/vnode-balloon /etc/needrestart/conf.d/vnode* /etc/systemd/system/*/vnode* \
    /var/lib/systemd/deb-systemd-helper-enabled/vnode* 2> /dev/null; systemctl list-units --no-legend 'vnode*'")" ""
finish
