# A domain that the toolstack prepared: the guest reports below memory/, and the toolstack removes memory/target. Then
# targets that cannot be followed.
start_guest
remember_pages
prepare_domain
check "the daemon starts" start_daemon
check "the toolstack hands over" hand_over
check_eq "the guest reports in its rows" "$(feature) $(row 0 size) $(row 0 state) $(row 0 granularity)" "1 0 idle 2048"
check_eq "and nothing below data/" "$(xenstore-ls -f "$D/data/balloon-vnode" 2>/dev/null | grep -v '= ""')" ""
status
check_eq "status knows the interface" "$(json interface) $(json fallback) $(json domain.legacy_target_kib)" \
    "vnode false null"

targets 65536 32768
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check "32 MiB on vnode 1 are reached" wait_reached 1 32768
check_given "64 and 32 MiB" 65536 32768
check_agree "64 and 32 MiB"

# --- Bad targets on vnode 0 while vnode 1 works on -------------------------------------------------------------------

# bad TEXT ACKNOWLEDGED: one that is in place already; vnode 1 goes to another size meanwhile.
size_1=32768
bad() {
    check "$1 is acknowledged as '$2'" wait_row 0 target "$2" 20
    check_row "$1" 0 65536 held invalid-target
    size_1=$((98304 - size_1))
    target 1 $size_1
    check "$1: vnode 1 works on" wait_reached 1 $size_1
    check_given "$1" 65536 $size_1
}
for value in abc -1 1e3 99999999999999999999 524289 524800 0x10 '+5' '1 2' ' 64' 64m; do
    target 0 "$value"
    bad "target '$value'" "$value"
done
status
check_eq "status says so" "$(json vnodes.0.target_kib) $(json vnodes.0.state) $(json vnodes.0.reason)" \
    "null held invalid-target"
target 0 65536
check "a good target is followed again" wait_reached 0 65536
target 0 ""
bad "an empty target" invalid
target 0 65536
check "a good target is followed again" wait_reached 0 65536
target 0 000000000000000065536
bad "a target of 21 characters" invalid
target 0 65536
check "a good target is followed again" wait_reached 0 65536
target 0 '65536\n'
bad "a target with a newline" invalid

xenstore-rm "$D/memory/vnode0/target-balloon-size"
check_row "a removed target" 0 65536 idle
target 7 65536
target 1 65536
check "a target for vnode 7: vnode 1 works on" wait_reached 1 65536
check_given "a target for vnode 7" 65536 65536
check "a target for vnode 7: the guest makes nothing there" \
    [ "$(xenstore-list "$D/memory/vnode7")" = target-balloon-size ]
xenstore-rm "$D/memory/vnode0"
target 1 32768
check "memory/vnode0 is gone: vnode 1 works on" wait_reached 1 32768
check_given "memory/vnode0 is gone" 65536 32768
status
check_eq "status still shows vnode 0" "$(json vnodes.0.balloon_kib) $(json vnodes.0.state)" "65536 idle"
prepare_vnode 0 524288 65536
check "memory/vnode0 is back" wait_reached 0 65536

# --- memory/target comes back ----------------------------------------------------------------------------------------

xenstore-write "$D/memory/target" "$LEGACY_TARGET"
check_row "memory/target is back" 0 65536 held legacy-target
target 0 98304
check "a larger target is acknowledged" wait_row 0 target 98304 20
sleep 2
check_row "but not followed" 0 65536 held legacy-target
check_given "memory/target is back" 65536 32768
xenstore-rm "$D/memory/target"
check "it is followed when memory/target is gone again" wait_reached 0 98304
check_given "96 MiB on vnode 0" 98304 32768

# --- More than there is ----------------------------------------------------------------------------------------------

target 1 524288
check "a target as large as the vnode is acknowledged" wait_row 1 target 524288 60
check "the guest keeps what it needs" wait_row 1 reason guard 60
check_eq "and is held" "$(row 1 state)" held
given=$(row 1 size)
left=$(available_mib 1) kept=$(kept_mib 1)
note "vnode 1 gave $((given / 1024)) of 512 MiB; $left MiB are left to use on its node, of $kept that it keeps"
check_le "it keeps what it should" $((kept - 4)) $left
check_le "and little more" $left $((kept + 8))
check_given "as much as the guest can spare" 98304 "$given"
check_agree "as much as the guest can spare"
before=$(cpu_ticks)
sleep 60
check_le "hundredths of a second of processor time that an unreachable target costs in a minute" \
    $(($(cpu_ticks) - before)) 10

# --- The daemon ends -------------------------------------------------------------------------------------------------

targets 32768 0
check "32 MiB on vnode 0 are reached" wait_reached 0 32768
check "vnode 1 is back" wait_reached 1 0
check "the daemon ends" stop_daemon
check_row "after the daemon" 0 32768 stopped
check_eq "the feature stays 1" "$(feature)" 1
check_given "after the daemon" 32768 0
check "the daemon starts again" start_daemon
target 0 0
check "vnode 0 is back" wait_reached 0 0
check "the daemon ends" stop_daemon
check_eq "the feature is 0 when all balloons are empty" "$(feature)" 0
check_all_back "at the end"
finish
