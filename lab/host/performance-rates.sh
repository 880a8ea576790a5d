# shellcheck shell=bash
# The part of docs/performance.md that says how fast a program may take memory beside balloons (benchmarks/rates). Sourced by
# lab/bench.

RATE_KINDS=(nothing zram swap cache)

rate_kind() {
    case $1 in
        nothing) echo "nothing" ;;
        zram) echo "zram of 256 MiB" ;;
        swap) echo "swap of 256 MiB on a disk" ;;
        cache) echo "128 MiB of page cache" ;;
    esac
}

# rate_of BALLOON KIND RATE: `SIZE BEFORE GAVE CPU RESULT VALUE`: MiB that the program wants, MiB of the balloons before, MiB that
# they gave, us of processor time; `has` and ms, or `killed` and KiB.
rate_of() {
    awk -v balloon="$1" -v kind="$2" -v rate="$3" '$1 == "rate" && $2 == balloon && $3 == kind && $4 == rate {
        print $5, $6, $7, $8, $9, $10 }' "$series" | tail -n 1
}

# rate_result SIZE BEFORE GAVE CPU RESULT VALUE: what became of the program.
rate_result() {
    case ${5:-} in
        has) echo "has its $1 MiB, in $(rounded "$(calculate "$6 / 1000")") s" ;;
        killed) echo "**killed** with $((${6:-0} / 1024)) of $1 MiB" ;;
        *) echo "-" ;;
    esac
}

rate_text() {
    if [ "$1" = 0 ]; then echo "as fast as it goes"; else rounded "$(calculate "$1 / 1024")"; fi
}

measured_rates() { awk '$1 == "rate" && !seen[$4]++ { print $4 }' "$series"; }

rates_table() {
    local kind rate ours kernel
    echo "| to reclaim there is | MiB a second | beside vnode-balloon the program | the balloons gave |" \
        "the daemon's processor time | beside Linux's own balloon the program |"
    echo "|---|---|---|---|---|---|"
    for kind in "${RATE_KINDS[@]}"; do
        for rate in $(measured_rates); do
            read -r -a ours <<< "$(rate_of ours "$kind" "$rate")"
            read -r -a kernel <<< "$(rate_of kernel "$kind" "$rate")"
            echo "| $(rate_kind "$kind") | $(rate_text "$rate") | $(rate_result "${ours[@]}") | ${ours[2]:--} MiB of ${ours[1]:--}" \
                "| $(rounded "$(calculate "${ours[3]:--} / 1000")") ms | $(rate_result "${kernel[@]}") |"
        done
    done
}

# killed_up_to KIB: of the programs that took memory at this rate or a lower one beside our balloons: `KILLED ALL`.
killed_up_to() {
    awk -v most="$1" '$1 == "rate" && $2 == "ours" && $4 > 0 && $4 <= most { n++; killed += $9 == "killed" } END {
        if (n) print killed + 0, n; else print "-", "-" }' "$series"
}

rate_rows() {
    local killed
    read -r -a killed < <(killed_up_to 102400)
    goal "programs killed that took memory at up to 100 MiB/s beside balloons at the guard, \`on-pressure = yield\`" \
        "${killed[0]} of ${killed[1]}" "-" "0" "${killed[0]}" le 0
}

rates_text() {
    cat <<TEXT
## Under memory pressure

Both balloons have all that the guard lets them, \`on-pressure = yield\`, and a program takes 60 MiB more than is available on
both nodes, of no particular node, half of each page random. Linux's own balloon is as large; it gives nothing back, whatever happens. The
disk is a file in dom0's memory: it is as fast as the emulated processor.

$(rates_table)
TEXT
}
