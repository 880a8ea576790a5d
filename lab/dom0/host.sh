# shellcheck shell=sh
# What scenarios of the toolstack's half call: several guests in one boot, and the host as Xen counts it (programs/hostcount.c, which
# asks through Xen's own library).

# make_guest NAME TYPE "VNODES" [MAXMEM] [MORE LINES]: starts a guest beside the others; `on NAME` selects it for the
# helpers.
make_guest() {
    made=$1 GUEST_TYPE=$2 VNODES=$3 MAXMEM=$4
    write_guest_config > /tmp/all.cfg
    sed "s/^name=.*/name=\"$made\"/" /tmp/all.cfg > "/tmp/$made.cfg"
    [ -z "$5" ] || printf '%s\n' "$5" >> "/tmp/$made.cfg"
    : > "/var/log/xen/guest-$made.log"
    create_named "$made" > /tmp/xl.log 2>&1 || {
        sed 's/^/@@ /' /tmp/xl.log
        die "$made can be created"
    }
    tail -f "/var/log/xen/guest-$made.log" | sed "s/^/$made| /" &
    on "$made"
    wait_until 180 xenstore-exists "$D/data/lab/ready" || die "$made comes up"
}

# create_named NAME [OPTION...]: xl create, with our replacement for what stock libxl lacks, where that is needed.
create_named() {
    created=$1
    shift
    if grep -q '^type="pvh"' "/tmp/$created.cfg" && grep -q '^vnuma' "/tmp/$created.cfg"; then
        bounded 300 env LD_PRELOAD=/lab/vnumafix.so VNUMAFIX_WIDE=1 xl create "$@" "/tmp/$created.cfg"
    else
        bounded 300 xl create "$@" "/tmp/$created.cfg"
    fi
}

# bounded SECONDS COMMAND...: runs the command and returns its exit code. If it takes longer it is killed, its wait
# channel is printed, and the code is 124. A process that even then does not end is left behind: waiting for it would
# keep the scenario from ending.
bounded() {
    bound=$1
    shift
    "$@" &
    bounded_pid=$!
    await_end $bounded_pid "$bound" "$*" || return 124
    wait $bounded_pid
}

# await_end PID SECONDS TEXT
await_end() {
    wait_until "$2" has_ended "$1" && return
    fail "$3 ends within $2 s"
    sed 's/^/@@ /' "/proc/$1/wchan" "/proc/$1/syscall" "/proc/$1/status" > /dev/console
    kill -KILL "$1"
    wait_until 10 has_ended "$1" || fail "$3 ends when it is killed"
    return 1
}

# on NAME: sets DOMID and D to this guest's.
on() {
    DOMID=$(xl domid "$1")
    D=/local/domain/$DOMID
}

id_of() { xl domid "$1"; }
tot() { hostcount domain "$(id_of "$1")" | cut -d ' ' -f 1; }
max_pages() { hostcount domain "$(id_of "$1")" | cut -d ' ' -f 2; }
target_of() { xenstore-read "/local/domain/$(id_of "$1")/memory/vnode$2/target-balloon-size"; }
legacy_of() { xenstore-read "/local/domain/$(id_of "$1")/memory/target" 2> /dev/null; }

# remember_free: check_freed counts from here on. No other memory of the host may move.
remember_free() { set -- $(hostcount free); FREE_0=$1 FREE_1=$2; }

# check_freed TEXT PAGES0 PAGES1: this much more is free on each physical node.
check_freed() {
    freed_text=$1 freed_want="$2 $3"
    set -- $(hostcount free)
    check_eq "$freed_text: $freed_want pages more are free of the physical nodes" "$(($1 - FREE_0)) $(($2 - FREE_1))" \
        "$freed_want"
}

# host CODE TEXT ARGUMENT...: `balloonctl host ARGUMENT...` ends with CODE; its output is in /tmp/host.out, its errors
# in /tmp/host.err.
host() {
    host_wanted=$1 host_text=$2
    shift 2
    bounded 300 balloonctl host "$@" > /tmp/host.out 2> /tmp/host.err
    host_code=$?
    { echo "\$ balloonctl host $*"; cat /tmp/host.out /tmp/host.err; } | sed 's/^/@@ | /'
    check_eq "$host_text: host $*: exit $host_wanted" $host_code "$host_wanted"
}
host_json() { jsonget "$@" < /tmp/host.out; }

# stop_guests: stops all guests, at a scenario's end.
stop_guests() {
    DOMID=
    for stopped in $(bounded 60 xl list | awk 'NR > 1 && $2 != 0 { print $2 }'); do
        bounded 60 xl destroy "$stopped" || fail "domain $stopped can be destroyed"
    done
    echo "@@ all guests are destroyed"
}

# start_watch [OPTION...]: the daemon in dom0; stop_watch [SIGNAL]: returns its exit code.
start_watch() {
    balloonctl host watch "$@" > /run/watch.log 2>&1 &
    WATCH=$!
    wait_until 10 grep -q 'watching domains' /run/watch.log
}
stop_watch() {
    kill "-${1:-TERM}" $WATCH
    await_end $WATCH 20 "the daemon in dom0" || return 124
    wait $WATCH
}
has_ended() { [ "$(cut -d ' ' -f 3 "/proc/$1/stat" 2> /dev/null || echo Z)" = Z ]; }

# prepared_rows: how many of the domain's rows a toolstack made, in all and writable by the guest.
prepared_rows() {
    echo "$(xenstore-ls -f "$D" | grep -c '/vnode[0-9]*/\|feature-balloon-vnode') \
$(xenstore-ls -fp "$D" | grep -c "/balloon-[a-z]* = .*(n$DOMID)\|feature-balloon-vnode = .*(n$DOMID)")"
}

# listed: the names in xl's long list, which xendomains uses.
listed() { xl list -l 2> /dev/null | sed -n 's/^ *"name": "\([^"]*\)",*$/\1/p' | sort -u | one_line; }
one_line() { tr '\n' ' ' | sed 's/ $//'; }
