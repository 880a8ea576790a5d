# shellcheck shell=sh
# Helpers for scenarios: memory as Xen counts it, the vnode interface in xenstore, the product's own reports.

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

# Remembers the counts, Xen's and the 2 MiB pools'; check_given and check_all_back compare with them later.
remember_pages() {
    set -- $(page_counts)
    START_TOTAL=$2 START_0=$4 START_1=$6 START_POOL=$(pool_counts)
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

# target VNODE KIB: writes a target, as the toolstack does.
target() { xenstore-write -- "$D/memory/vnode$1/target-balloon-size" "$2"; }

# targets KIB0 KIB1: both in one transaction, as seen by the guest.
targets() { xenstore-write "$D/memory/vnode0/target-balloon-size" "$1" "$D/memory/vnode1/target-balloon-size" "$2"; }

# row VNODE NAME...: prints the guest's row, e.g. `row 0 size` for balloon-size; programs/rows.c knows its place.
# Nothing, and
# exit 1, without such a row.
row() { rows read "$D" "$@" 2>/dev/null; }

feature() { rows feature "$D" 2>/dev/null; }

row_is() { rows wait 0 "$D" "$1" "$2=$3"; }

# wait_row VNODE NAME VALUE [SECONDS]: waits for the value, and shows all rows if it does not come.
wait_row() {
    rows wait "${4:-60}" "$D" "$1" "$2=$3" && return 0
    echo "@@ vnode $1: balloon-$2 is '$(row "$1" "$2")', not '$3'"
    xenstore-ls -f "$D/memory"
    xenstore-ls -f "$D/data/balloon-vnode"
    return 1
}

# is_reached VNODE KIB [SECONDS]: reached as the protocol defines it: acknowledged, idle, and exactly the size.
is_reached() { rows wait "${3:-0}" "$D" "$1" "target=$2" state=idle "size=$2"; }

# wait_reached VNODE KIB [SECONDS]
wait_reached() {
    is_reached "$1" "$2" "${3:-60}" && return 0
    echo "@@ vnode $1: target, size, state and reason are $(row "$1" target size state reason)"
    return 1
}

# Plays the toolstack of xenstore-interface: makes all rows, first targets 0, before the daemon starts.
prepare_domain() {
    vnode=0
    for size in $VNODES; do
        prepare_vnode $vnode $((size * 1024)) 0
        vnode=$((vnode + 1))
    done
    guest_owned "$D/control/feature-balloon-vnode"
}

# prepare_vnode VNODE KIB TARGET: the rows of one vnode. The target comes last.
prepare_vnode() {
    xenstore-write "$D/memory/vnode$1/size" "$2"
    for name in target size state reason granularity; do
        guest_owned "$D/memory/vnode$1/balloon-$name"
    done
    target "$1" "$3"
}

guest_owned() {
    xenstore-write "$1" ""
    xenstore-chmod "$1" "n$DOMID"
}

feature_is() { [ "$(feature)" = "$1" ]; }

# The toolstack's reaction to feature "1": from here on only the vnode targets count.
hand_over() {
    wait_until 60 feature_is 1 || return 1
    LEGACY_TARGET=$(xenstore-read "$D/memory/target")
    xenstore-rm "$D/memory/target"
}

# --- The product -----------------------------------------------------------------------------------------------------

# start_daemon [OPTION...]: starts it, and waits until it answers and has published the vnodes.
start_daemon() {
    guest_start daemon "balloonctl daemon $*"
    wait_until 60 daemon_published && wait_until 20 daemon_answers
}
daemon_published() { [ -n "$(row 0 state)" ] && ! row_is 0 state stopped; }
daemon_answers() { status && [ "$(json daemon)" = true ]; }

# stop_daemon: cleanly; returns its exit code.
stop_daemon() { guest_end daemon; }

# kill_daemon: SIGKILL, for a daemon at rest. killat (programs/) kills in the middle of a move.
kill_daemon() {
    guest_end daemon KILL
    [ $? = 137 ]
}

# cpu_ticks: processor time that the daemon has used, in 1/100 s.
cpu_ticks() { guest "cut -d ' ' -f 14,15 /proc/$(guest_pid daemon)/stat" | awk '{ print $1 + $2 }'; }

# status: fetches the product's own report; json PATH... then prints values of it.
status() { guest "balloonctl status --json 2> /dev/null" > /tmp/status.json; }
json() { jsonget "$@" < /tmp/status.json; }

# tell_json SCHEMA FILE: has the file compared with docs/schema/SCHEMA.json when the machine has ended.
tell_json() { while read -r json_line; do printf 'json %s %s\n' "$1" "$json_line" >&3; done < "$2"; }

# tell_metrics EXAMPLE FILE: has the file compared with packaging/metrics/EXAMPLE.prom then.
tell_metrics() {
    echo "prom $1 begin" >&3
    while read -r metrics_line; do printf 'prom %s %s\n' "$1" "$metrics_line" >&3; done < "$2"
}

# check_json SCHEMA WANTED COMMAND: the same for the output of a command that must end with this code.
check_json() {
    json_schema=$1 json_wanted=$2
    shift 2
    guest "$* 2> /dev/null" > /tmp/output
    check_eq "$*: exit $json_wanted" $? "$json_wanted"
    tell_json "$json_schema" /tmp/output
}

# check_agree TEXT: for a balloon at rest, the product, its rows in xenstore and Xen's own count agree.
check_agree() {
    # The sides are read one after the other, and memory may move in between.
    for agree_try in 1 2 3 4 5 6; do
        [ $agree_try = 1 ] || sleep 1
        rm -f /tmp/agreement
        if status && read_agreement && awk -F '|' '$2 != $3 { exit 1 }' /tmp/agreement; then break; fi
    done
    [ -s /tmp/agreement ] || fail "$1: status answers"
    tell_json status-1 /tmp/status.json
    while IFS='|' read -r agree_what agree_is agree_wanted; do
        check_eq "$1: status and $agree_what" "$agree_is" "$agree_wanted"
    done < /tmp/agreement
    rm -f /tmp/agreement
}

# Prints what `status` reported, and what Xen and xenstore report of the same, a line each.
read_agreement() {
    set -- $(page_counts)
    echo "Xen agree on all of the domain|$(json domain.current_reservation_kib)|$(($2 * 4))" > /tmp/agreement
    for agree_vnode in $(seq 0 $(($(echo $VNODES | wc -w) - 1))); do
        agree_key=vnodes.$agree_vnode
        agree_row=$(row $agree_vnode size state reason)
        # An empty reason is the last word of the line: none.
        case $agree_row in *" ") agree_row="${agree_row}null" ;; esac
        agree_said=$(json $agree_key.balloon_kib $agree_key.state $agree_key.reason)
        echo "xenstore agree on vnode $agree_vnode|$agree_said|$agree_row" >> /tmp/agreement
    done
}

# check_explained TEXT KIB: `status --explain` accounts for all of the domain's memory but this much: a PVH guest that runs
# has one page less than it was built with, since Linux has Xen's shared page put where one of RAM was (`lab/run notes`).
# Nothing that a guest can read tells that by name: the frame reads as RAM, and the page is not the domain's.
check_explained() {
    guest "balloonctl status --explain --json 2> /dev/null" > /tmp/explain.json
    tell_json explain-1 /tmp/explain.json
    check_eq "$1: every account adds up, but for $2 KiB of the reservation" \
        "$(jsonget accounts.0.unexplained_kib accounts.1.unexplained_kib accounts.2.unexplained_kib \
            accounts.3.unexplained_kib < /tmp/explain.json)" "$2 0 0 0"
}

# check_row TEXT VNODE SIZE STATE [REASON]: waits for the state, then everything has to be right.
check_row() {
    rows wait 20 "$D" "$2" "state=$4"
    check_eq "$1: vnode $2 is '$4'${5:+ ($5)} at $3 KiB" "$(row "$2" size state reason)" "$3 $4 ${5:-}"
}

# check_exit TEXT WANTED COMMAND: runs it in the guest; its output is in /tmp/output then.
check_exit() {
    exit_text=$1 exit_wanted=$2
    shift 2
    guest "$*" > /tmp/output 2>&1
    exit_code=$?
    [ $exit_code = $exit_wanted ] || sed 's/^/@@ /' /tmp/output
    check_eq "$exit_text: exit $exit_wanted" $exit_code $exit_wanted
}

# check_audit TEXT EXTENTS: the audit of every frame is clean, and it counts this many extents.
check_audit() {
    guest "balloonctl audit --json 2> /dev/null" > /tmp/audit.json
    audit_code=$?
    tell_json audit-1 /tmp/audit.json
    [ $audit_code = 0 ] || sed 's/^/@@ /' /tmp/audit.json
    check_eq "$1: the audit is clean, $2 extents" \
        "$audit_code $(jsonget clean extents < /tmp/audit.json)" "0 true $2"
}

# check_holes TEXT VNODE MIB: reads the product's file without the product: it has this much, and all of it is holes.
check_holes() {
    check_eq "$1: $3 MiB in the file of vnode $2, all of it holes" \
        "$(guest "ls -l $PAGES_DIRECTORY/vnode$2 | awk '{ print \$5 / 1048576 }';
            probe audit $PAGES_DIRECTORY/vnode$2 $3" | tr '\n' ' ')" "$3 extents $(($3 / 2)) holes $3 ram 0 "
}
PAGES_DIRECTORY=/run/vnode-balloon/pages

# Pool pages of 2 MiB on each node, all and free: `N N N N`. Nothing of the product may be left in it at the end.
pool_counts() {
    guest 'for n in /sys/devices/system/node/node[0-9]; do for f in nr_hugepages free_hugepages; do
        cat $n/hugepages/hugepages-2048kB/$f; done; done' | tr '\n' ' '
}

# check_all_back TEXT: each physical node has as many of the guest's pages as at the start, and the pool is as it was.
check_all_back() {
    check_given "$1" 0 0
    check_eq "$1: the nodes' 2 MiB pools are as they were" "$(pool_counts)" "$START_POOL"
}

# --- Other memory in the guest ---------------------------------------------------------------------------------------

free_mib() { guest "awk '/MemFree/ { print int(\$4 / 1024) }' /sys/devices/system/node/node$1/meminfo"; }

# node_kib NODE: `available kept percpu` of a node in KiB, reckoned from /proc/zoneinfo without the product, as its documents
# define them: free above the high watermarks, and what the kernel would count of files and slabs in MemAvailable; what the
# guard keeps of it; what is free on the processors' own lists.
node_kib() {
    guest "cat /proc/zoneinfo" | awk -v wanted="$1" '
        $1 == "Node" { node = $2 + 0 }
        node != wanted { next }
        $1 == "pages" && $2 == "free" { free += $3 }
        $1 == "low" { low += $2 }
        $1 == "high" { high += $2 }
        $1 == "count:" { percpu += $2 }
        $1 == "managed" { managed += $2 }
        $1 == "nr_inactive_file" || $1 == "nr_active_file" { file += $2 }
        $1 == "nr_slab_reclaimable" || $1 == "nr_kernel_misc_reclaimable" { slab += $2 }
        function part(list) { return list - (list / 2 < low ? int(list / 2) : low) }
        END {
            kept = 8192
            if (managed / 20 > kept) kept = int(managed / 20)
            available = free - high + part(file) + part(slab)
            print (available < 0 ? 0 : available * 4), kept * 4, percpu * 4
        }'
}

# How much of a node's memory the guest can still use, as the product's guard counts it.
available_mib() { node_kib "$1" | awk '{ print int($1 / 1024) }'; }
kept_mib() { node_kib "$1" | awk '{ print int($2 / 1024) }'; }

# start_pattern MIB0 [MIB1]: starts programs that write and verify this much on each node until end_pattern.
start_pattern() {
    PATTERN_NODES="0${2:+ 1}"
    for node in $PATTERN_NODES; do
        guest_start pattern$node "pattern $node $1" && wait_until 60 pattern_ready $node || return 1
        shift
    done
}
pattern_ready() { guest "grep -q ready /run/lab/pattern$1.log"; }

# start_pattern_beside MIB0 MIB1: over half of what is still to be had on each node with balloons of this size. The other half
# is more than the guard keeps.
start_pattern_beside() {
    start_pattern $((($(available_mib 0) - $1) / 2)) $((($(available_mib 1) - $2) / 2))
}

end_pattern() {
    for node in $PATTERN_NODES; do
        guest_end pattern$node
        pattern_code=$?
        check_eq "the pattern in the memory of node $node is whole ($(guest_log pattern$node | tail -n 1))" \
            $pattern_code 0
    done
}
