# shellcheck shell=bash
# Figures and series that benchmarks report, and what they are compared with. Sourced by lab/bench.

# collect_figures DIRECTORY: from the outputs there, `NAME VALUE...` a line. What is measured twice is there twice.
collect_figures() {
    figures=$1/figures series=$1/series goals=$1/goals
    sed -n 's/^     [a-z]*: figure //p' "$1"/*.out > "$figures"
    sed -n 's/^     [a-z]*: series //p' "$1"/*.out > "$series"
    : > "$goals"
}

# value NAME [COLUMN]: what was measured: of three times or more the one in the middle, of two the last (the first move of a
# daemon starts the holder, too). Nothing measured: `-`, which meets no goal.
value() {
    awk -v name="$1" -v column="${2:-1}" '$1 == name { print $(column + 1) }' "$figures" | middle
}
middle() {
    awk '{ v[NR] = $1 }
        END {
            if (NR < 3) { print NR ? v[NR] : "-"; exit }
            for (i = 2; i <= NR; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
            print v[int((NR + 1) / 2)]
        }'
}

# all_values NAME: all that was measured, in its order.
all_values() { awk -v name="$1" '$1 == name { printf "%s ", $2 }' "$figures"; }

# calculate EXPRESSION: `-` where a part of it was not measured.
calculate() { awk "BEGIN { printf \"%.6g\", $* }" 2>/dev/null || echo -; }

# rounded NUMBER: the digits that say something.
rounded() {
    awk -v n="$1" 'BEGIN {
        if (n !~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/) { print n; exit }
        a = n < 0 ? -n : n
        form = a >= 100 ? "%.0f" : (a >= 10 ? "%.1f" : (a == int(a) ? "%d" : (a >= 0.01 ? "%.2f" : "%.4f")))
        printf form, n
    }'
}

# meets IS le|ge|lt LIMIT
meets() {
    awk -v is="$1" -v how="$2" -v limit="$3" 'BEGIN {
        if (is !~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/) exit 1
        exit !(how == "le" ? is + 0 <= limit + 0 : how == "lt" ? is + 0 < limit + 0 : is + 0 >= limit + 0)
    }'
}

# goal WHAT OURS PEER GOAL IS HOW LIMIT: a row of the table, and a check.
goal() {
    local verdict=missed word='FAIL'
    if meets "$5" "$6" "$7"; then verdict=met word='ok  '; fi
    echo "| $1 | $2 | $3 | $4 | **$verdict** |"
    echo "$word bench: $1: $2 (goal: $4)" >> "$goals"
}

# plain WHAT OURS PEER: a row without a goal.
plain() { echo "| $1 | $2 | $3 | - | |"; }
