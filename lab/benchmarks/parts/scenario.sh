# The cost of the parts of a move, measured by a program that does nothing else: pool pages and extents at a time, 4 KiB
# frames a
# hypercall. Then balloons that follow the same targets, the product's and Linux's own, over time.

# follow NAME COMMAND: COMMAND KIB sets a target; the balloon's size over time, from just before the first one on.
follow() {
    guest_start sample "sample reservation 5"
    wait_until 10 sample_is_ready
    : > /tmp/targets
    for kib in 262144 65536 196608 0; do
        echo "$($2 $kib) $kib" >> /tmp/targets
        sleep 1.6
    done
    guest_end sample
    guest_log sample | grep -v ready > /tmp/sample
    begin=$(head -n 1 /tmp/targets | cut -d ' ' -f 1)
    while read -r time kib; do series "target $1 $(milliseconds "$time - $begin") $((kib / 1024))"; done < /tmp/targets
    awk -v begin="$begin" 'NR == 1 { start = $2 } { printf "%.1f %.1f\n", ($1 - begin) / 1e6, (start - $2) / 256 }' \
        /tmp/sample > /tmp/points
    while read -r time mib; do series "size $1 $time $mib"; done < /tmp/points
}
# Both vnodes half of it.
target_ours() {
    moment "$D/memory/vnode0/target-balloon-size" $(($1 / 2)) | cut -d ' ' -f 2
    target 1 $(($1 / 2))
}
target_kernel() { moment "$D/memory/target" $((TARGET_KIB - $1)) | cut -d ' ' -f 2; }

start_guest
prepare_comparison
figure "clock $(guest 'bare clock' | cut -d ' ' -f 2)"
bare_steps 4 4 64
bare_steps 1 1 1
bare_steps 4 4 4
bare_steps 4 8 8
bare_steps 4 16 16
bare_steps 4 32 32
bare_steps 4 64 64
bare_steps 64 64 64
bare_steps 64 4 64
bare_steps 1 4 64
for batch in 1 64 512 4096; do bare_frames $batch; done
check_all_back "the bare program moved it"

check "the daemon starts" start_daemon
target 1 65536
check "it has a holder" wait_reached 1 65536
targets 0 0
check "nothing is given" wait_reached 1 0
follow ours target_ours
check "the daemon ends" stop_daemon
check_all_back "the product moved it"

pages=$((PARTS_MIB * 256))
move_kernel target $((TARGET_KIB - PARTS_MIB * 1024)) $((PARTS_MIB * 1024))
figure "kernel.give $(calculate "($REACHED - $WRITTEN) / $pages / 1e3")"
move_kernel target "$TARGET_KIB" 0
figure "kernel.take $(calculate "($REACHED - $WRITTEN) / $pages / 1e3")"
follow kernel target_kernel
finish
