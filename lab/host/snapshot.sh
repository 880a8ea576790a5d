# shellcheck shell=bash
# The machine after dom0's start, kept in a file: half a minute of an emulated CPU that each run would need again.
# Sourced by lab/run.

SNAPSHOT_SECONDS=900
# Of how long ago the clock inside may be. It also bounds the folder's size.
SNAPSHOT_DAYS=7

# snapshot_key: of everything that the machine has met by then.
snapshot_key() {
    machine console report
    {
        qemu-system-x86_64 --version
        # shellcheck disable=SC2153 # set by machine
        echo "$DISK_MIB" "${CLOCK[@]}" "${MACHINE[@]//$work/}"
        cat "$(xen_image)" "$CACHE/vmlinux" "$work/boot.img"
    } | sha256sum | cut -c 1-32
}

# take_snapshot: sets `snapshot`, and makes it where nobody did before. One at a time: another run wants the same one.
take_snapshot() {
    local folder=$LAB_CACHE/snapshots
    mkdir -p "$folder"
    exec 8> "$folder/lock"
    flock 8
    find "$folder" -type f ! -name lock -mtime "+$SNAPSHOT_DAYS" -delete
    snapshot=$folder/$(snapshot_key)
    if [ ! -e "$snapshot" ]; then
        rm -f "$snapshot.part"
        if ! make_snapshot; then
            rm -f "$snapshot.part"
            die "the machine could not be kept after dom0's start: see $snapshot.console, and whether the disk is full"
        fi
        mv "$snapshot.part" "$snapshot"
        rm -f "$snapshot.console"
    fi
    exec 8>&-
}

# forget_snapshot QEMU_ERRORS: where QEMU could not load it, so that the next run makes it anew.
forget_snapshot() {
    if grep -q 'load of migration failed' "$1"; then rm -f "$snapshot"; fi
}

# Boots the machine with an empty disk until dom0 waits for its files, and keeps it. It must not be stopped for that: a
# machine that was kept while it stood still would not go on by itself.
make_snapshot() {
    local reader
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
    # QEMU asks neither whether the file took everything nor for the command's exit code: `whole` says both.
    echo "migrate \"exec:cat > '$snapshot.part' && sync '$snapshot.part' && touch '$work/whole'\"" >&"$commands"
    until grep -q 'Migration status: [cf]' "$work/monitor.log" || ! kill -0 "$machine" 2> /dev/null; do
        echo "info migrate" >&"$commands"
        sleep 0.5
    done
    echo quit >&"$commands"
    wait "$machine" || true
    machine=
    kill "$reader" 2> /dev/null || true
    exec {commands}>&-
    mv "$work/dom0.disk.kept" "$work/dom0.disk"
    # The command ends a moment after QEMU has closed its pipe.
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e "$work/whole" ] || sleep 0.5; done
    grep -q 'Migration status: completed' "$work/monitor.log" && [ -e "$work/whole" ]
}
