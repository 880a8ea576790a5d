# shellcheck shell=sh
# Helpers for scenarios: they ask the kernel module through programs/vnbctl.c.

# vnb COMMAND...: prints the module's answer. value NAME: a figure of the last answer.
vnb() {
    VNB_ANSWER=$(guest "vnbctl $*" 2>&1)
    vnb_code=$?
    echo "@@ vnbctl $*: $VNB_ANSWER"
    return $vnb_code
}
value() { echo "$VNB_ANSWER" | awk -v name="$1" '{ for (i = 1; i < NF; i += 2) if ($i == name) print $(i + 1) }'; }

# state_of NAME, vnode_of VNODE NAME: one figure.
state_of() {
    vnb state > /dev/null
    value "$1"
}
vnode_of() {
    vnb vnode "$1" > /dev/null
    value "$2"
}

# check_move TEXT HOW VNODE EXTENTS DONE REASON
check_move() {
    vnb "$2" "$3" "$4"
    check_eq "$1: $5 of $4, reason $6" "$(value "done") $(value reason)" "$5 $6"
}

# check_held TEXT EXTENTS0 EXTENTS1: the module, each of its frames, and Xen's count of each pnode say that this much is
# held.
check_held() {
    held_text=$1
    for held_vnode in 0 1; do
        shift
        check_eq "$held_text: vnode $held_vnode holds $1 extents, none in doubt" \
            "$(vnode_of $held_vnode held) $(vnode_of $held_vnode doubt)" "$1 0"
        vnb audit $held_vnode
        check_eq "$held_text: every frame of vnode $held_vnode is a hole" "$VNB_ANSWER" \
            "extents $1 holes $(($1 * 512)) ram 0 other 0"
    done
    check_given "$held_text" $(($(vnode_of 0 held) * 2048)) $(($(vnode_of 1 held) * 2048))
}

mem_total() { guest "awk '/MemTotal/ { print \$2 }' /proc/meminfo"; }
# MemTotal of the guest and of both nodes, and PageOffline frames.
memory_figures() {
    guest "awk '/MemTotal/ { print \$2 }' /proc/meminfo; awk '/MemTotal/ { print \$4 }' /sys/devices/system/node/node*/meminfo;
        kpage offline" | tr '\n' ' '
}
oom_kills() { guest "awk '/^oom_kill / { print \$2 }' /proc/vmstat"; }
# moved: how many pages less than at remember_pages lie on pnode 0 and on 1.
moved() {
    set -- $(page_counts)
    echo "$((START_0 - $4)) $((START_1 - $6))"
}
# looked_at: waits until the module has audited every frame, after a resume or after a load that adopted some.
looked_at() { [ $(($(state_of flags) & 8)) = 0 ]; }
