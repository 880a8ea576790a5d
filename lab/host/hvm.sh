# shellcheck shell=bash
# What HVM guests need: in dom0 a device model and its firmware, and a disk that the guest starts from. Debian's
# packages, unpacked and not installed. Sourced by lab/setup and lab/run.

HVM_ROOT=$HVM_CACHE/root
DEVICE_MODEL=/usr/libexec/xen-qemu-system-i386

# The modules of GRUB that read whole sectors of a disk as a file, and start a kernel.
GRUB_MODULES=(biosdisk configfile linux)
# How many sectors are GRUB's. Its configuration is in the one behind them; dom0/lib.sh has the same number.
GRUB_SECTORS=512

# Whether the scenario starts HVM guests, as its options say.
needs_hvm() { [[ $GUEST_TYPE == hvm* || -n $HVM ]]; }

# add_device_model TREE: QEMU as stock xl starts it, its firmware, and the loader that Xen starts in an HVM guest.
add_device_model() {
    local tree=$1 rom
    add_program "$tree" "$HVM_ROOT$DEVICE_MODEL" "$DEVICE_MODEL" "$HVM_ROOT"
    install -D -m 644 -t "$tree/usr/lib/xen-$XEN_VERSION/boot" "$MACHINE_ROOT/usr/lib/xen-$XEN_VERSION/boot/hvmloader"
    for rom in bios-256k vgabios-stdvga; do
        install -D -m 644 -t "$tree/usr/share/seabios" "$HVM_ROOT/usr/share/seabios/$rom.bin"
    done
    install -D -m 644 -t "$tree/usr/share/qemu" "$HVM_ROOT/usr/share/qemu/kvmvapic.bin"
    cp -r "$HVM_ROOT/usr/share/qemu/keymaps" "$tree/usr/share/qemu/"
}

# The first part of the guest's disk: GRUB, which reads its configuration from the sectors behind it. No file system:
# start_guest (dom0/lib.sh) puts the configuration, the kernel and the initial file system there.
make_boot_sectors() {
    local modules=$HVM_ROOT/usr/lib/grub/i386-pc
    echo "configfile (hd0)$GRUB_SECTORS+2" > "$work/grub-first.cfg"
    "$(loader)" --inhibit-cache --library-path "$(library_path "$HVM_ROOT")" \
        "$HVM_ROOT/usr/bin/grub-mkimage" -O i386-pc -d "$modules" -p '(hd0)' -c "$work/grub-first.cfg" \
        -o "$work/core.img" "${GRUB_MODULES[@]}"
    [ "$(stat -c %s "$work/core.img")" -lt $((GRUB_SECTORS * 512)) ] || die "GRUB is larger than its sectors"
    cat "$modules/boot.img" "$work/core.img"
}

# add_hvm TREE: to dom0's tree, all of it.
add_hvm() {
    local tree=$1
    add_device_model "$tree"
    make_boot_sectors > "$tree/lab/grub.img"
    truncate -s $((GRUB_SECTORS * 512)) "$tree/lab/grub.img"
    cp "$MACHINE_ROOT/boot/vmlinuz-$(cat "$CACHE/kernel-version")" "$tree/lab/vmlinuz"
}
