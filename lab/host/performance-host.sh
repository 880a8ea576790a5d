# shellcheck shell=bash
# The part of docs/performance.md that says how fast the toolstack's half makes room (benchmarks/host). Sourced by lab/bench.

# own_moves: both guests' own moves of 256 MiB, one after the other.
own_moves() { calculate "$(value host.own.g1) + $(value host.own.g2)"; }
over_own_moves() { calculate "($(value host.free.freed) / ($(own_moves)) - 1) * 100"; }

# mem_set_landed: how many pages came free on physical node 1, each time.
mem_set_landed() { all_values host.mem-set.landed | sed 's/ $//; s/ /, /g'; }

host_goals_table() {
    goals_head
    goal "\`host free +512m --pnode 1\` over two guests, from the command to numainfo's last page" "$(ms host.free.freed)" \
        "both guests' own moves $(rounded "$(own_moves)") ms ($(rounded "$(value host.own.g1)") and $(rounded "$(value host.own.g2)")); $(rounded "$(over_own_moves)") % more" \
        "at most 5 % more" "$(over_own_moves)" le 5
    plain "the same until the command has ended" "$(ms host.free.ended)" "-"
    plain "512 MiB free, on no particular node" "-" \
        "\`xl mem-set\` of each guest $(ms host.mem-set.freed): $(rounded "$(ratio host.mem-set.freed host.free.freed)") times as long"
    goal "pages of these 131072 that came free on physical node 1" "$(value host.free.landed)" \
        "\`xl mem-set\` $(mem_set_landed)" "all" "$(value host.free.landed)" ge 131072
}

why_missed_host() {
    missed "\`host free +512m --pnode 1\`" || return 0
    cat <<TEXT
- **\`host free\` beside the guests' own moves**: $(rounded "$(calculate "$(value host.free.freed) - ($(own_moves))")") ms more. In them are the command's start and its reading of all
  rows, its readings while the guests move, those of \`host watch\`, and the asking for the measurement itself: all of them need
  time of the one clock that the guests' processors have, too.
TEXT
}

# Nothing where it was not measured: `lab/bench --report` may have results of before this benchmark.
host_text() {
    [ "$(value host.free.freed)" != - ] || return 0
    cat <<TEXT
## Room on a physical node

In dom0 \`balloonctl host watch\` runs, two PVH guests have 512 MiB on each physical node, and a program that is not the product asks
Xen each five milliseconds how much is free (lab/programs/hostcount.c). A guest's own move is 256 MiB on its vnode 1, from dom0's
write to \`balloon-size\` final, while the other guest rests. All processors share one clock, so two guests that move side by side need
as long as one after the other. \`xl mem-set\` counts from the first command's start.

$(host_goals_table)

$(why_missed_host)

In order: \`host free\` $(all_values host.free.freed)ms; own moves of the first guest $(all_values host.own.g1)ms, of the second
$(all_values host.own.g2)ms; \`xl mem-set\` $(all_values host.mem-set.freed)ms.
TEXT
}
