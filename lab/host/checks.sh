# shellcheck shell=bash
# Judges a run: by the scenario's own checks, and by messages that must never appear on the console. Sourced by lab/run.

# A kernel that shows one of these has corrupted or lost memory, whatever the checks say.
BAD_LINES='Oops|BUG:|WARNING: CPU|[Bb]ad page|general protection|soft lockup|Kernel panic|Out of memory|'
BAD_LINES+="Assertion '.*' failed|Xen (BUG|WARN) at|Panic on CPU|"
BAD_LINES+='oom-kill|Killed process|blocked for more than|detected stall|double fault|domain_crash|reported crashed'

# Not caused by us: Linux warns that two vCPUs of one core lie on two nodes, as Xen's CPUID reports in such a guest.
HARMLESS='topology_sane'

# follow NAME: turns the lines of the report into printed checks, as they come; with LAB_TIMES=1 in the environment the
# seconds since the run began stand behind each.
follow() {
    local name=$1 kind text
    while IFS= read -r kind; do
        kind=${kind%$'\r'}
        text=${kind#* }
        kind=${kind%% *}
        [ -z "${LAB_TIMES:-}" ] || text+=" [$SECONDS s]"
        case $kind in
            ok) echo "ok   $name: $text" ;;
            FAIL) echo "FAIL $name: $text" ;;
            note) echo "     $name: $text" ;;
            figure | series) echo "     $name: $kind $text" ;;
            tell) echo "$text" ;;
        esac
    done
}

# judge NAME CONSOLE REPORT QEMU_CODE SECONDS: adds verdicts that the report itself cannot give.
judge() {
    local name=$1 console=$2 report=$3 code=$4 seconds=$5 line
    line=$(grep -avE "^@@|$HARMLESS${EXPECTED:+|$EXPECTED}" "$console" | grep -am1 -E "$BAD_LINES" || true)
    if [ -n "$line" ]; then
        echo "FAIL $name: a clean kernel log ($line)"
    fi
    if [ "$code" = 124 ] || [ "$code" = 137 ]; then
        echo "FAIL $name: ended by the lab (took more than $seconds s)"
    elif ! grep -qax end "$report"; then
        echo "FAIL $name: reached its end (it stopped before)"
    fi
}

# emulator_failed CONSOLE: whether the guest died of QEMU and not of us. QEMU's emulated SVM sometimes delivers Xen's
# event interrupt twice, the second time while the guest has interrupts off, in the first instructions of the handler
# (before swapgs). The kernel's own report of what was interrupted shows it: bit 9 of EFLAGS is clear. No processor does
# that, and nothing that the guest's memory holds can bring it about. The same goes for a report whose EFLAGS have bits
# that no processor has (22 and up).
emulator_failed() {
    tr -d '\r' < "$1" | awk '
        /asm_sysvec_xen_hvm_callback\+/ { left = 3; kernel = 0; next }
        left > 0 { left--; kernel = kernel || /RIP: 0010:/
            if (kernel && /EFLAGS: 00000[014589cd][0-9a-f][0-9a-f]/) found = 1 }
        /RIP: 0010:/ { kernel_report = 3 }
        kernel_report-- > 0 && /EFLAGS: [0-9a-f]/ && !/EFLAGS: 00[0-3]/ { found = 1 }
        END { exit !found }'
}

# validate_json NAME REPORT: compares the programs' JSON output with docs/schema. Debian's own python has jsonschema.
validate_json() { /usr/bin/python3 "$project/scripts/schemas.py" "$project/docs/schema" "$1" < "$2" || echo "FAIL $1: schemas"; }

# validate_metrics NAME REPORT: the same for what the metrics commands printed, with packaging/metrics.
validate_metrics() {
    /usr/bin/python3 "$project/scripts/figures.py" "$project/packaging/metrics" "$1" < "$2" || echo "FAIL $1: metrics"
}

# count OUTPUT: sets passed and failed from printed checks.
count() {
    passed=$(grep -c '^ok   ' "$1" || true)
    failed=$(grep -c '^FAIL ' "$1" || true)
}
