# shellcheck shell=bash
# Judging a run: the scenario's own checks, and what no scenario may ever show on the console. Sourced by lab/run.

# A kernel that shows one of these has corrupted or lost memory, whatever the checks say.
BAD_LINES='Oops|BUG:|WARNING: CPU|[Bb]ad page|general protection|soft lockup|Kernel panic|Out of memory|'
BAD_LINES+='oom-kill|Killed process|blocked for more than|detected stall|double fault|domain_crash|reported crashed'

# Not ours: Linux wonders that two vCPUs of one core lie on two nodes, as Xen's CPUID tells it in such a guest.
HARMLESS='topology_sane'

# follow NAME: turns the lines of the report into printed checks, as they come.
follow() {
    local name=$1 kind text
    while IFS= read -r kind; do
        kind=${kind%$'\r'}
        text=${kind#* }
        kind=${kind%% *}
        case $kind in
            ok) echo "ok   $name: $text" ;;
            FAIL) echo "FAIL $name: $text" ;;
            note) echo "     $name: $text" ;;
            tell) echo "$text" ;;
        esac
    done
}

# judge NAME CONSOLE REPORT QEMU_CODE SECONDS: adds what the report itself cannot say.
judge() {
    local name=$1 console=$2 report=$3 code=$4 seconds=$5 line
    line=$(grep -avE "^@@|$HARMLESS" "$console" | grep -am1 -E "$BAD_LINES" || true)
    if [ -n "$line" ]; then
        echo "FAIL $name: a clean kernel log ($line)"
    fi
    if [ "$code" = 124 ] || [ "$code" = 137 ]; then
        echo "FAIL $name: ended by the lab (took more than $seconds s)"
    elif ! grep -qax end "$report"; then
        echo "FAIL $name: reached its end (it stopped before)"
    fi
}

# emulator_failed CONSOLE: whether the guest died of QEMU and not of us. QEMU's emulated SVM sometimes delivers an event
# twice, the second time while the guest has interrupts off (EFLAGS 46) in the first instructions of the handler. No memory
# of the guest's has to do with it, and no processor does it.
emulator_failed() {
    grep -aA4 'asm_sysvec_xen_hvm_callback' "$1" | grep -aA3 'RIP: 0010:error_entry+' | grep -qa 'EFLAGS: 00000046'
}

# count OUTPUT: sets passed and failed from printed checks.
count() {
    passed=$(grep -c '^ok   ' "$1" || true)
    failed=$(grep -c '^FAIL ' "$1" || true)
}
