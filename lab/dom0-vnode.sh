# shellcheck shell=sh
# What scenarios call: memory as Xen counts it, the vnode interface in xenstore, what the product says of itself.

# --- Xen's own count -------------------------------------------------------------------------------------------------

# Shows how many pages of the guest lie on each physical node (Xen's debug key u): `total N`, then `0 N` and `1 N`.
page_counts() {
    xl dmesg -c > /dev/null
    xl debug-keys u
    xl dmesg | awk -v domain="$DOMID" '
        /Domain [0-9]+ \(total: [0-9]+\)/ || /\(XEN\) d[0-9]+ \(total: [0-9]+\)/ {
            ours = ($0 ~ ("(Domain |d)" domain " "))
            if (ours) { n = $NF; gsub(/[^0-9]/, "", n); print "total", n }
        }
        ours && /    Node [0-9]+: / { n = $(NF - 1); sub(":", "", n); print n, $NF }'
}

# pages PNODE: the guest's pages on that physical node. total_pages: on all.
pages() { page_counts | awk -v node="$1" '$1 == node { print $2 }'; }
total_pages() { pages total; }

# Remembers the counts; check_given compares with them later.
remember_pages() {
    set -- $(page_counts)
    START_TOTAL=$2 START_0=$4 START_1=$6
    note "at the start Xen counts $START_0 pages on pnode 0 and $START_1 on pnode 1"
}

# check_given TEXT KIB0 KIB1: exactly this much less than at remember_pages lies on pnode 0 and 1.
check_given() {
    given_text=$1 want_0=$(($2 / 4)) want_1=$(($3 / 4))
    set -- $(page_counts)
    check_eq "$given_text: $want_0 pages gone from pnode 0, $want_1 from pnode 1" \
        "$((START_0 - $4)) $((START_1 - $6))" "$want_0 $want_1"
}

# --- The vnode interface in xenstore ---------------------------------------------------------------------------------

# target VNODE KIB: what the toolstack writes.
target() { xenstore-write "$D/memory/vnode$1/target-balloon-size" "$2"; }

# targets KIB0 KIB1: both in one transaction, as seen by the guest.
targets() { xenstore-write "$D/memory/vnode0/target-balloon-size" "$1" "$D/memory/vnode1/target-balloon-size" "$2"; }

# Where the guest reports: memory/ when the toolstack made the rows, data/balloon-vnode/ otherwise.
report_base() {
    if xenstore-exists "$D/control/feature-balloon-vnode"; then echo "$D/memory"; else echo "$D/data/balloon-vnode"; fi
}

# row VNODE NAME: what the guest reports, e.g. `row 0 size` for balloon-size.
row() { xenstore-read "$(report_base)/vnode$1/balloon-$2" 2>/dev/null; }

feature() {
    xenstore-read "$D/control/feature-balloon-vnode" 2>/dev/null ||
        xenstore-read "$D/data/balloon-vnode/feature-balloon-vnode" 2>/dev/null
}

row_is() { [ "$(row "$1" "$2")" = "$3" ]; }

# wait_row VNODE NAME VALUE [SECONDS]: shows everything when it does not come.
wait_row() {
    wait_until "${4:-60}" row_is "$1" "$2" "$3" && return 0
    echo "@@ vnode $1: balloon-$2 is '$(row "$1" "$2")', not '$3'"
    xenstore-ls -f "$D/memory"
    xenstore-ls -f "$D/data/balloon-vnode"
    return 1
}

# Reached, as the protocol says it: acknowledged, idle, and exactly the size.
is_reached() { row_is "$1" target "$2" && row_is "$1" state idle && row_is "$1" size "$2"; }

# wait_reached VNODE KIB [SECONDS]
wait_reached() {
    wait_until "${3:-60}" is_reached "$1" "$2" && return 0
    echo "@@ vnode $1: target $(row "$1" target), size $(row "$1" size), state $(row "$1" state)"
    return 1
}

# Plays the toolstack of xenstore-interface: makes all rows, first targets 0, before the daemon starts.
prepare_domain() {
    vnode=0
    for size in $VNODES; do
        xenstore-write "$D/memory/vnode$vnode/size" $((size * 1024)) "$D/memory/vnode$vnode/target-balloon-size" 0
        for name in target size state reason granularity; do
            guest_owned "$D/memory/vnode$vnode/balloon-$name"
        done
        vnode=$((vnode + 1))
    done
    guest_owned "$D/control/feature-balloon-vnode"
}

guest_owned() {
    xenstore-write "$1" ""
    xenstore-chmod "$1" "n$DOMID"
}

feature_is() { [ "$(feature)" = "$1" ]; }

# The toolstack's answer to feature "1": from here on only the vnode targets count.
hand_over() {
    wait_until 60 feature_is 1 || return 1
    LEGACY_TARGET=$(xenstore-read "$D/memory/target")
    xenstore-rm "$D/memory/target"
}

# --- The product -----------------------------------------------------------------------------------------------------

# start_daemon [OPTION...]: and waits until it has published what it found.
start_daemon() {
    guest_start daemon "balloonctl daemon $*"
    wait_until 60 daemon_published || return 1
}
daemon_published() { [ -n "$(row 0 state)" ] && ! row_is 0 state stopped; }

# status: fetches the product's own view; json PATH then prints a value of it.
status() { guest "balloonctl status --json" > /tmp/status.json; }
json() { jsonget "$1" < /tmp/status.json; }

# Pool pages of 2 MiB on both nodes, all and free: `N N N N`. Nothing of the product may be left in it at the end.
pool_counts() {
    guest 'for n in 0 1; do for f in nr_hugepages free_hugepages; do
        cat /sys/devices/system/node/node$n/hugepages/hugepages-2048kB/$f; done; done' | tr '\n' ' '
}

# start_pattern MIB0 MIB1: programs that write and verify that much on each node, from now to end_pattern.
start_pattern() {
    guest_start pattern0 "pattern 0 $1" && guest_start pattern1 "pattern 1 $2" &&
        wait_until 60 pattern_ready 0 && wait_until 60 pattern_ready 1
}
pattern_ready() { guest "grep -q ready /run/lab/pattern$1.log"; }

end_pattern() {
    for node in 0 1; do
        guest_end pattern$node
        check_eq "the pattern in the memory of node $node is whole ($(guest_log pattern$node | tail -n 1))" $? 0
    done
}
