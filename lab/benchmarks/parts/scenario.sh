# What the parts of a move cost, by a program that does nothing else: pool pages and extents at a time, 4 KiB frames a
# hypercall. Then balloons that follow the same targets, the product's and Linux's own, over time.
MIB=128
PAGES=$((MIB * 256))

# Nanoseconds for all that was moved to milliseconds a GiB, or microseconds a page.
per_gib() { calculate "($1) * 1024 / $MIB / 1e6"; }
per_page() { calculate "($1) / $2 / 1e3"; }
# part FILE LINE NAME: the number behind NAME in a line of the bare program.
part() { awk -v line="$2" -v name="$3" '$1 == line { for (i = 1; i < NF; i += 2) if ($i == name) print $(i + 1) }' "$1"; }

# cycle POOL CHUNK BACK
cycle() {
    guest "bare cycle /huge/bare 1 $MIB $1 $2 $3" > /tmp/bare || fail "the bare program moves $MIB MiB"
    for name in inflate pool map fault pagemap give; do
        figure "cycle.$1.$2.$name $(per_gib "$(part /tmp/bare inflate $name)")"
    done
    for name in deflate take truncate pool; do
        figure "cycle.back.$3.$name $(per_gib "$(part /tmp/bare deflate $name)")"
    done
}

# frames BATCH: 32 MiB of single frames.
frames() {
    guest "bare frames /huge/bare 1 32 $1" > /tmp/bare || fail "the bare program moves frames"
    figure "frames.$1.give $(per_page "$(part /tmp/bare give give)" 8192)"
    figure "frames.$1.take $(per_page "$(part /tmp/bare give take)" 8192)"
}

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
remember_pages
KERNEL_KIB=$(guest "cat /sys/devices/system/xen_memory/xen_memory0/info/current_kb")
TARGET_KIB=$(xenstore-read "$D/memory/target")
guest "mkdir /huge; mount -t hugetlbfs none /huge"
figure "clock $(guest 'bare clock' | cut -d ' ' -f 2)"
cycle 4 4 64
cycle 1 1 1
cycle 4 4 4
cycle 4 8 16
cycle 4 16 32
cycle 4 64 64
cycle 64 64 64
cycle 64 4 64
cycle 1 4 64
for batch in 1 64 512 4096; do frames $batch; done
check_all_back "the bare program moved it"

check "the daemon starts" start_daemon
target 1 65536
check "it has a holder" wait_reached 1 65536
targets 0 0
check "nothing is given" wait_reached 1 0
follow ours target_ours
check "the daemon ends" stop_daemon
check_all_back "the product moved it"

move_kernel $((TARGET_KIB - MIB * 1024)) $((MIB * 1024))
figure "kernel.give $(per_page "$REACHED - $WRITTEN" $PAGES)"
move_kernel "$TARGET_KIB" 0
figure "kernel.take $(per_page "$REACHED - $WRITTEN" $PAGES)"
follow kernel target_kernel
finish
