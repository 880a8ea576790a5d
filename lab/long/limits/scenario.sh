# Unexpected limits, a full disk, a configuration that does not parse, an output that no process reads: the product
# names each of them, no number is wrong, and memory that can be had comes back.
start_guest
remember_pages

given() {
    wait_reached 0 65536 && wait_reached 1 262144
}
begin_again() {
    check "$1: the targets are followed again" guest "balloonctl deflate --release"
    check "$1: the daemon starts" start_daemon
    check "$1: both balloons are there" given
    check "$1: the daemon ends" stop_daemon
}

# honest TEXT: of a command that was to take all back and ended with exit_code: success is said of an empty balloon only,
# and where memory is away no row and no feature says that there is none.
honest() {
    away=$((START_TOTAL - $(total_pages)))
    note "$1: exit $exit_code, $away pages are away; it says: $(tail -n 1 /tmp/output)"
    if [ $away = 0 ]; then
        check_eq "$1: all is back, and it says so" $exit_code 0
        begin_again "$1"
        return
    fi
    check "$1: it does not end with 0" [ $exit_code != 0 ]
    check_eq "$1: what xenstore says is what is away" \
        "$((($(row 0 size) + $(row 1 size)) / 4)) $(feature)" "$away 1"
    check_exit "$1: something is given" 75 "balloonctl given"
}
# in_guest COMMAND: its output, and exit_code.
in_guest() {
    guest "$*" > /tmp/output 2>&1
    exit_code=$?
}

target 0 65536
target 1 262144
check "the daemon starts" start_daemon
check "both balloons are there" given

# --- What is printed, and what cannot be read ------------------------------------------------------------------------

check_exit "a full device" 74 "balloonctl status --json > /dev/full"
check_has "it is told" "$(cat /tmp/output)" "standard output cannot be written"
check_exit "no standard output" 74 "balloonctl status --json >&-"
check_exit "a reader that has seen enough" 0 "timeout 20 balloonctl status --watch 1 | head -n 1"
check_exit "too high a rate" 64 "balloonctl daemon --max-rate 18014398509481984"
guest 'printf "min-fre = 1\nmax-rate = 18014398509481984\n" > /tmp/bad.conf'
for command in status "audit --quick" "deflate --release"; do
    check_exit "a bad configuration: $command" 0 "balloonctl $command --config /tmp/bad.conf"
    check_has "a bad configuration: $command tells" "$(cat /tmp/output)" "line 2: max-rate is at most"
done
check_exit "a bad configuration: doctor" 69 "balloonctl doctor --config /tmp/bad.conf"
check_exit "a bad configuration: force" 78 "balloonctl force 0 96m --config /tmp/bad.conf"

# --- A full state directory ------------------------------------------------------------------------------------------

# What commands print goes elsewhere, which is not full.
guest 'mkdir -p /tmp/lab'
fill() { guest 'mount -o remount,size=$(($(du -sk /run | cut -f 1) + 32))k /run; dd if=/dev/zero of=/run/fill bs=4k 2> /dev/null
    sync; df -k /run | tail -n 1'; }
empty() { guest 'rm /run/fill; mount -o remount,size=64m /run'; }
fill > /tmp/output
note "the full disk: $(cat /tmp/output)"
check_exit "a full disk: force" 75 "balloonctl force 0 96m"
check_has "a full disk: it is told" "$(cat /tmp/output)" "could not be written down"
check_given "a full disk" 98304 262144
check_exit "a full disk: status" 0 "balloonctl status"
check_has "a full disk: status tells" "$(cat /tmp/output)" "could not be written down"
empty
is_kept() { guest 'grep -q "^0 98304" /run/vnode-balloon/forced'; }
check "it is written down as soon as that can be" wait_until 90 is_kept
check_exit "it is released" 0 "balloonctl force 0 --release"
check "both balloons are there" given
check "the daemon ends" stop_daemon
fill > /tmp/output
in_guest "balloonctl deflate --all"
check_all_back "a full disk: deflate --all without the daemon"
check_eq "it is told that it lasts no longer" "$exit_code $(grep -c 'could not be written down' /tmp/output)" "75 1"
empty
begin_again "after the full disk"
check_exit "nothing landed in the lock's file" 0 "[ ! -s /run/vnode-balloon/lock ]"

# --- Descriptors -----------------------------------------------------------------------------------------------------

for number in 12 18 20 22 24; do
    in_guest "ulimit -n $number; balloonctl deflate --all"
    check_has "with $number descriptors it says what is missing" "$(cat /tmp/output)" "may open no more files"
    honest "with $number descriptors"
done
check_exit "with 24 descriptors: doctor" 75 "ulimit -n 24; balloonctl doctor"
check_has "doctor names them" "$(cat /tmp/output)" "warn  descriptors"
guest_start few "sh -c \"ulimit -n 24; exec balloonctl daemon\""
sleep 3
in_guest "balloonctl deflate --all"
guest_end few
honest "a daemon with 24 descriptors, ended"
begin_again "with all descriptors"
check_audit "with all descriptors" 160

# --- File size, cpuset, cgroup ---------------------------------------------------------------------------------------

in_guest "ulimit -f 65536; balloonctl force 0 140m"
check_eq "a limited file: exit 75" $exit_code 75
check_has "a limited file: it says so" "$(cat /tmp/output)" "file-size"
check_given "a limited file" 65536 262144
check_exit "a limited file: doctor" 75 "ulimit -f 65536; balloonctl doctor"
check_has "doctor names it" "$(cat /tmp/output)" "warn  file-size"
check_exit "it is released" 0 "balloonctl force 0 --release"

guest 'mkdir -p /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; cd /sys/fs/cgroup
    echo "+cpuset +hugetlb" > cgroup.subtree_control; mkdir one few; echo 0 > one/cpuset.mems
    echo 67108864 > few/hugetlb.2MB.max'
within() { echo "echo \\\$\\\$ > /sys/fs/cgroup/$1/cgroup.procs; balloonctl $2"; }
check_exit "node 0 alone: doctor" 75 "sh -c \"$(within one doctor)\""
check_has "doctor names it" "$(cat /tmp/output)" "warn  cpuset: the cpuset leaves out node 1"
check_exit "64 MiB of huge pages: doctor" 75 "sh -c \"$(within few doctor)\""
check_has "doctor names it" "$(cat /tmp/output)" "warn  cgroup"
in_guest "sh -c \"$(within one 'deflate --all')\""
honest "node 0 alone: deflate --all"
check_exit "all is taken back" 0 "balloonctl deflate --all"
check_all_back "all is taken back"
check_exit "nothing is given, and that is known" 0 "balloonctl given"

# --- Is anything given? ----------------------------------------------------------------------------------------------

begin_again "once more"
for way in "unshare -m" "chmod 0755 /run/vnode-balloon;"; do
    check_exit "$way: deflate --all" 69 "$way balloonctl deflate --all"
    check_exit "$way: something is given" 75 "$way balloonctl given"
    check_has "$way: and where" "$(cat /tmp/output)" "320 MiB"
done
guest "chmod 0700 /run/vnode-balloon"
check_exit "all is taken back" 0 "balloonctl deflate --all"
check_all_back "at the end"
finish
