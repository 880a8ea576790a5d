# shellcheck shell=bash
# For runs with PROFILE=1: turns the profile into figures and checks. Sourced by lab/run.

# sorted_blocks REPORT PROFILE: the functions and the blocks of Xen, by address: a block follows its function.
sorted_blocks() {
    {
        awk '$1 == "symbol" { print $2, 0, $3 }' "$1"
        awk '$3 != "user" && $3 != "kernel" { print $3, 1, $1, $2, $4, $5 }' "$2"
    } | LC_ALL=C sort -k1,1 -k2,2
}

# inside MOVE WHAT: a figure of the profile; 0 where there is none.
inside() { awk -v move="$1" -v what="$2" '$1 == move && $2 == what { n = $3 } END { print n + 0 }' "$work/inside"; }

# inside_check TEXT IS LOW HIGH
inside_check() {
    if awk -v is="$2" -v low="$3" -v high="$4" 'BEGIN { exit !(is >= low && is <= high) }'; then
        echo "ok   inside: $1"
    else
        echo "FAIL inside: $1 (is $2, expected $3 to $4)"
    fi
}

# timed MOVE: what the program itself measured, the mean of all moves, in ms.
timed() {
    awk -v name="inside.$1.timed" '$2 == "figure" && $3 == name { n++; sum += $4 } END { print n ? sum / n : 0 }' \
        "$work/output"
}

per_cent() { awk -v a="$1" -v b="$2" 'BEGIN { print b ? a / b * 100 : 0 }'; }

# sum_of MOVE PATTERN: of all WHAT that fit.
sum_of() { awk -v move="$1" -v of="$2" '$1 == move && $2 ~ of { n += $3 } END { print n + 0 }' "$work/inside"; }

# Only the processor that makes the hypercall counts; what the other one does meanwhile is chance.
OWN='^in[.](table|map|heap|lock|call|list|flush|thunk|rest)$'

check_inside() {
    local move tolerance=2
    for move in {bare,ours,kernel}.{inflate,deflate}; do
        inside_check "$move: the kinds of functions add up to Xen's instructions, %" \
            "$(per_cent "$(sum_of $move '^in[.]')" "$(inside $move xen)")" 99.99 100.01
        inside_check "$move: functions of no kind, %" "$(per_cent "$(inside $move in.rest)" "$(inside $move xen)")" 0 3
    done
    # The patched Xen does so little that the few interrupts which come by chance meanwhile are per cents of it.
    [[ ${XEN_BUILD:-} != patched* ]] || tolerance=6
    inside_check "the daemon's hypercall does what the bare program's does, %" \
        "$(per_cent "$(sum_of ours.inflate "$OWN")" "$(sum_of bare.inflate "$OWN")")" $((100 - tolerance)) $((100 + tolerance))
    for move in {bare,ours}.{inflate,deflate}; do
        inside_check "$move: instructions of the hypercall against its time, %" \
            "$(per_cent "$(sum_of $move '^(xen|guest)$')" "$(timed $move)")" 99 101
    done
    for move in {bare,ours}.inflate; do
        if [[ ${XEN_BUILD:-} == patched* ]]; then
            inside_check "$move: Xen removes no frame of 4 KiB alone" "$(inside $move removed)" 0 0
        else
            inside_check "$move: Xen removes each frame of 4 KiB alone" "$(inside $move removed)" 65536 65536
        fi
    done
    # Linux's own balloon is noticed a millisecond or two after its first frames.
    move=kernel.inflate
    inside_check "$move: Xen removes each frame of 4 KiB alone" "$(inside $move removed)" 64225 65536
}

# show_inside NAME REPORT
show_inside() {
    sorted_blocks "$2" "$work/profile" > "$work/blocks"
    awk -f "$lab/host/inside.awk" "$2" "$work/profile" "$work/blocks" > "$work/inside"
    awk -v name="$1" '$1 != "rest" { print "     " name ": figure inside." $1 "." $2, $3 }' "$work/inside" |
        LC_ALL=C sort
    check_inside
}
