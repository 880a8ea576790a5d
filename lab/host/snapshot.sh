# shellcheck shell=bash
# The machine after dom0's start, kept in a file: half a minute of an emulated CPU that each run would need again.
# Sourced by lab/run.

SNAPSHOT_SECONDS=900

# snapshot_key: of everything that the machine has met by then.
snapshot_key() {
    machine console report
    {
        qemu-system-x86_64 --version
        # shellcheck disable=SC2153 # set by machine
        echo "${CLOCK[@]}" "${MACHINE[@]//$work/}"
        cat "$(xen_image)" "$CACHE/vmlinux" "$work/boot.img"
    } | sha256sum | cut -c 1-32
}

# take_snapshot: sets `snapshot`, and makes it where nobody did before. One at a time: another run wants the same one.
take_snapshot() {
    local folder=$LAB_CACHE/snapshots
    mkdir -p "$folder"
    snapshot=$folder/$(snapshot_key)
    exec 8> "$folder/lock"
    flock 8
    if [ ! -e "$snapshot" ]; then
        make_snapshot || die "dom0 did not start: see $snapshot.console"
        # Nobody has used these for a week.
        find "$folder" -type f -mtime +7 -delete
    fi
    touch "$snapshot"
    exec 8>&-
}

# Boots the machine with an empty disk until dom0 waits for its files, and keeps it. It must not be stopped for that: a
# machine that was kept while it stood still would not go on by itself.
make_snapshot() {
    local code=0 reader
    mv "$work/dom0.disk" "$work/dom0.disk.kept"
    truncate -s "${DISK_MIB}M" "$work/dom0.disk"
    mkfifo "$work/monitor.in" "$work/monitor.out"
    : > "$work/booted"
    machine "$snapshot.console" "$work/booted"
    timeout --kill-after=10 "$SNAPSHOT_SECONDS" qemu-system-x86_64 "${CLOCK[@]}" "${MACHINE[@]}" \
        -monitor "pipe:$work/monitor" < /dev/null 8>&- &
    machine=$!
    # Open at both ends: neither side waits for the other, should QEMU not start.
    exec {commands}<> "$work/monitor.in"
    cat "$work/monitor.out" > "$work/monitor.log" 8>&- &
    reader=$!
    until grep -q ready "$work/booted" || ! kill -0 "$machine" 2> /dev/null; do sleep 0.2; done
    printf '%s\n' "migrate \"exec:cat > '$snapshot.part'\"" quit >&"$commands"
    wait "$machine" || code=$?
    machine=
    kill "$reader" 2> /dev/null || true
    exec {commands}>&-
    mv "$work/dom0.disk.kept" "$work/dom0.disk"
    [ "$code" = 0 ] && mv "$snapshot.part" "$snapshot" && rm "$snapshot.console"
}
