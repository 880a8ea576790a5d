# shellcheck shell=sh
# Helpers for scenarios: reporting, the guest, commands in it. Sourced in dom0 by busybox sh.

# The guest's settings; a scenario changes them before start_guest.
GUEST_TYPE=pvh      # pvh, pvh-plain (without vNUMA), hvm, hvm-plain or pv
VNODES="512 512"    # MiB of each virtual node; node n lies on physical node n modulo 2
MAXMEM=             # MiB; empty: all memory is there from the start
CROSS=              # 1: vCPU 0 on the last vnode, and so on
PRIVCMD=open        # or locked
KARGS=              # more for the guest's kernel
XL_CONFIG=          # more lines for the guest's configuration

# --- Reporting -------------------------------------------------------------------------------------------------------

# Writes one line, whatever the text has. The console shows it, too, among the other messages of that moment.
report() {
    set -f
    set -- $*
    set +f
    echo "$*" >&3
    echo "@@ $*"
}
note() { report "note $*"; }
# figure NAME VALUE, series NAME X Y...: measurements, for programs that read the run's output.
figure() { report "figure $*"; }
series() { report "series $*"; }
tell() { echo "tell $*" >&3; }
pass() { report "ok $*"; }
fail() {
    failed=1
    report "FAIL $*"
}

# The last line of every scenario. Without it the run counts as failed.
finish() {
    stop_guest
    report end
    exit 0
}

# For a failure that makes the rest pointless: reports it and ends the scenario.
die() {
    fail "$*"
    exit 1
}

# check TEXT COMMAND...: passes when the command succeeds.
check() {
    check_text=$1
    shift
    if "$@"; then pass "$check_text"; else fail "$check_text ($*)"; fi
}

# check_eq TEXT ACTUAL EXPECTED
check_eq() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1 (is '$2', expected '$3')"; fi
}

# check_le TEXT ACTUAL LIMIT, numbers
check_le() {
    if [ "$2" -le "$3" ] 2>/dev/null; then pass "$1"; else fail "$1 (is '$2', expected at most $3)"; fi
}

# check_has TEXT HAYSTACK NEEDLE
check_has() {
    case $2 in
        *"$3"*) pass "$1" ;;
        *) fail "$1 (no '$3' in '$(echo "$2" | head -c 300 | tr '\n' ' ')')" ;;
    esac
}

# wait_until SECONDS COMMAND...: tries ten times a second.
wait_until() {
    wait_left=$(($1 * 10)) wait_tries=0
    shift
    until "$@"; do
        # A check costs real time and sleeping does not, so it checks less often after the first three seconds.
        wait_tries=$((wait_tries + 1)) wait_step=1
        [ $wait_tries -lt 30 ] || wait_step=5
        wait_left=$((wait_left - wait_step))
        [ $wait_left -gt 0 ] || return 1
        sleep 0.$wait_step
    done
}

# --- The guest -------------------------------------------------------------------------------------------------------

# One line of vnuma= for each vnode; distances 10 to itself, 20 to the others.
vnuma_list() {
    count=$(echo $VNODES | wc -w)
    node=0
    for size in $VNODES; do
        distances=$(for other in $(seq 0 $((count - 1))); do [ $other = $node ] && echo 10 || echo 20; done)
        vcpu=$node
        [ -z "$CROSS" ] || vcpu=$((count - 1 - node))
        echo "[\"pnode=$((node % 2))\",\"size=$size\",\"vcpus=$vcpu\",\"vdistances=$(echo $distances | tr ' ' ',')\"],"
        node=$((node + 1))
    done
}

write_guest_config() {
    memory=0
    for size in $VNODES; do memory=$((memory + size)); done
    arguments="console=hvc0 panic=1 loglevel=5 lab.privcmd=$PRIVCMD $KARGS"
    cat <<CONFIG
name="g1"
type="${GUEST_TYPE%-plain}"
vcpus=2
memory=$memory
maxmem=${MAXMEM:-$memory}
on_poweroff="destroy"
on_reboot="destroy"
on_crash="destroy"
$XL_CONFIG
CONFIG
    case $GUEST_TYPE in
        pvh | hvm) echo "vnuma=[$(vnuma_list)]" ;;
    esac
    case $GUEST_TYPE in
        hvm*) write_hvm_config ;;
        *) printf '%s\n' 'kernel="/lab/vmlinux"' 'ramdisk="/lab/guest.img"' "cmdline=\"$arguments\"" ;;
    esac
}

# An emulated PC with as few devices as possible. AHCI is the disk that SeaBIOS reads fast (DMA).
write_hvm_config() {
    [ -e /lab/grub.img ] || die "dom0 has a device model (the scenario's options need HVM=1)"
    write_guest_disk "$arguments" > $GUEST_DISK
    cat <<CONFIG
disk=["vdev=hda,format=raw,access=rw,backendtype=qdisk,target=$GUEST_DISK"]
hdtype="ahci"
boot="c"
serial="none"
nographic=1
vnc=0
usb=0
CONFIG
    case $XL_CONFIG in
        *vga=*) ;;
        *) echo 'vga="none"' ;;
    esac
}
GUEST_DISK=/run/guest.disk

# write_guest_disk ARGUMENTS: GRUB, its configuration, the kernel, the initial file system, each from a multiple of 64 KiB
# on. GRUB reads sectors by number; host/hvm.sh says where the configuration begins.
write_guest_disk() {
    kernel_at=$((512 + 128))
    image_at=$((kernel_at + $(sectors /lab/vmlinuz)))
    padded /lab/grub.img
    padded <<CONFIG
linux (hd0)$kernel_at+$(sectors /lab/vmlinuz) $1
initrd (hd0)$image_at+$(sectors /lab/guest.img)
boot
CONFIG
    padded /lab/vmlinuz
    padded /lab/guest.img
}
padded() { dd ${1:+if=$1} bs=64k conv=sync 2> /dev/null; }
sectors() {
    blocks=$((($(stat -c %s $1) + 65535) / 65536))
    echo $((blocks * 128))
}

# Starts a guest with the settings above and waits until it takes commands. Sets DOMID and D (its xenstore path).
start_guest() {
    write_guest_config > /tmp/guest.cfg
    GUEST_LOG=/var/log/xen/guest-g1.log
    : > $GUEST_LOG
    if ! create_guest > /tmp/xl.log 2>&1; then
        sed 's/^/@@ /' /tmp/xl.log
        die "the guest can be created ($(head -n 2 /tmp/xl.log | tr '\n' ' '))"
    fi
    DOMID=$(xl domid g1)
    D=/local/domain/$DOMID
    tail -f $GUEST_LOG | sed 's/^/guest| /' &
    GUEST_TAIL=$!
    wait_until 120 xenstore-exists $D/data/lab/ready || die "the guest comes up"
    echo "@@ guest $DOMID is up at $(uptime_seconds) s"
}

# Only a PVH guest with virtual NUMA needs help: stock xl builds all others.
create_guest() {
    case $GUEST_TYPE in
        pvh) LD_PRELOAD=/lab/vnumafix.so xl create /tmp/guest.cfg ;;
        *) xl create /tmp/guest.cfg ;;
    esac
}

# Ends the guest at once. Its console's last lines are shown before.
stop_guest() {
    [ -n "$DOMID" ] || return 0
    [ -z "$failed" ] || show_guest_logs
    sleep 1
    xl destroy g1 > /dev/null 2>&1
    kill $GUEST_TAIL 2>/dev/null
    DOMID=
}

# Writes the output of the programs in the guest into the console's log, when something failed.
show_guest_logs() {
    GUEST_SECONDS=10 guest 'tail -n 40 /run/lab/*.log' | sed 's/^/@@ /'
    failed=
}

uptime_seconds() { cut -d ' ' -f 1 /proc/uptime; }

# guest CMD...: runs a shell command in the guest, prints its output, returns its exit code.
# 124: it took longer than GUEST_SECONDS (60) and was killed. 125: the guest does not answer.
guest() { remote call "$DOMID" "${GUEST_SECONDS:-60}" "$*"; }

# guest_start NAME CMD...: runs it in the background in the guest, as a process of its own (so that $! is its id), with
# its output in /run/lab/NAME.log, its id in NAME.pid and, once it has ended, its exit code in NAME.code.
guest_start() {
    start_name=$1
    shift
    # An earlier program with that name may just have been killed; its exit code must not count for this one.
    guest "mkdir -p /run/lab; cd /run/lab
        [ ! -e $start_name.pid ] || for i in \$(seq 1 40); do [ -s $start_name.code ] && break; sleep 0.05; done
        rm -f $start_name.code $start_name.pid
        (setsid sh -c 'echo \$\$ > $start_name.pid; exec $*' > $start_name.log 2>&1; echo \$? > $start_name.code) &
        while [ ! -s $start_name.pid ]; do sleep 0.02; done"
}

guest_pid() { guest "cat /run/lab/$1.pid"; }
guest_log() { guest "cat /run/lab/$1.log"; }
guest_runs() { guest "kill -0 \$(cat /run/lab/$1.pid)" > /dev/null; }

# guest_end NAME [SIGNAL]: sends the signal (TERM), waits for the end, and returns the exit code.
guest_end() {
    guest "kill -${2:-TERM} \$(cat /run/lab/$1.pid); for i in \$(seq 1 400); do
        [ -s /run/lab/$1.code ] && exit \$(cat /run/lab/$1.code); sleep 0.05; done; exit 124"
}
