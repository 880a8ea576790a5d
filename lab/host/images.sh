# shellcheck shell=bash
# dom0's initial file system, what the scenario adds to it, and the guest's initial file system. Neither is compressed: unpacking costs an emulated CPU seconds,
# and they are loaded straight into memory. Sourced by lab/run.

XEN_BIN=/usr/lib/xen-$XEN_VERSION/bin
MODULES=(xen-privcmd xenfs xen-evtchn xen-gntdev xen-gntalloc)
# dom0's disk, in the order of their loading; Debian 13's kernel has the first ones built in.
DISK_MODULES=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk)
DISK_MIB=1024
XENSTORE_COMMANDS=(ls read write list rm chmod watch exists)
STATIC_TOOLS=(
    probe pattern killat turns jsonget hog fragment mlocked crowd kpage grabber bare sample vnbctl eater taker churn foreign beside onscreen
)
PRELOADED_TOOLS=(mallocs calls)
# In dom0; of libxenstore, and of libxenctrl, which has another name with each release of Xen.
STORE_TOOLS=(rows rewrite moment)
DOM0_TOOLS=(maxmem setvnuma hostcount hostmany logdirty)

# The shared libraries of a program: first of the emulated machine's packages (and of ROOT), then of this machine.
list_libraries() {
    local program=$1 list
    shift
    list=$("$(loader)" --inhibit-cache --library-path "$(library_path "$@")" \
        --list "$program" 2>/dev/null) || return 0 # static
    if grep -q 'not found' <<< "$list"; then
        die "$(basename "$program") needs a library that is missing: $(grep 'not found' <<< "$list" | head -n 1)"
    fi
    grep -oE '/[^ ]+' <<< "$list" || true
}

# add_program TREE PROGRAM DEST [ROOT]: the program and its libraries. The loader has to be at its fixed place.
add_program() {
    local tree=$1 program=$2 dest=$3 library to
    shift 3
    install -D -m 755 "$program" "$tree$dest"
    while read -r library; do
        case $library in
            */ld-linux-x86-64.so.2) to=/lib64/ld-linux-x86-64.so.2 library=$(loader) ;;
            *) to=/lib/x86_64-linux-gnu/$(basename "$library") ;;
        esac
        [ -e "$tree$to" ] || install -D -m 755 "$library" "$tree$to"
    done < <(list_libraries "$program" "$@")
}

add_busybox() {
    local tree=$1 applet
    install -D -m 755 "$(find "$MACHINE_ROOT" -path '*bin/busybox' | head -n 1)" "$tree/bin/busybox"
    while read -r applet; do
        ln -sf busybox "$tree/bin/$applet"
    done < <("$tree/bin/busybox" --list | grep -vx busybox)
}

has_module() { [ -n "$(find "$MACHINE_ROOT" -name "$1.ko*" -print -quit)" ]; }

add_module() {
    local tree=$1 name=$2 file to=$1/lib/modules/$2.ko
    file=$(find "$MACHINE_ROOT" -name "$name.ko*" | head -n 1)
    case $file in
        *.xz) xz -dc "$file" > "$to" ;;
        *.zst) zstd -qdc "$file" > "$to" ;;
        ?*) cp "$file" "$to" ;;
        *) die "no kernel module $name" ;;
    esac
}

# What dom0 and the guest have in common.
make_tree() {
    local tree=$1 name
    mkdir -p "$tree"/{bin,proc,sys,dev,run,tmp,etc,root,lib/modules,lib/x86_64-linux-gnu,var,lab}
    add_busybox "$tree"
    for name in "${MODULES[@]}"; do
        add_module "$tree" "$name"
    done
    add_program "$tree" "$MACHINE_ROOT/usr/bin/xenstore" /bin/xenstore
    for name in "${XENSTORE_COMMANDS[@]}"; do
        ln -sf xenstore "$tree/bin/xenstore-$name"
    done
    add_program "$tree" "$MACHINE_ROOT/usr/bin/numactl" /bin/numactl
    # libxenstore ends its thread with pthread_cancel, which loads this library.
    cp -L "$(find "$MACHINE_ROOT" -name libgcc_s.so.1 | head -n 1)" "$tree/lib/x86_64-linux-gnu/"
}

# compile_tools: the lab's programs, once for all runs until a source of theirs changes.
compile_tools() {
    local programs
    programs=$LAB_CACHE/programs/$(tools_key)
    mkdir -p "$LAB_CACHE/programs"
    exec 8> "$LAB_CACHE/programs/lock"
    flock 8
    if [ ! -d "$programs" ]; then
        rm -rf "$programs.part"
        mkdir "$programs.part"
        compile_into "$programs.part"
        mv "$programs.part" "$programs"
        find "$LAB_CACHE/programs" -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -r {} +
    fi
    touch "$programs"
    cp -r "$programs" "$work/programs"
    exec 8>&-
}

TOOL_FLAGS=(-std=gnu11 -O2 -Wall -Wextra -Werror)

tools_key() {
    {
        gcc --version
        echo "$XEN_VERSION $MACHINE_ROOT" "${TOOL_FLAGS[@]}" "${STATIC_TOOLS[@]}" "${STORE_TOOLS[@]}" "${DOM0_TOOLS[@]}"
        cat "$lab"/programs/* "$project"/kmod/*.h "$lab/host/images.sh"
    } | sha256sum | cut -c 1-32
}

compile_into() {
    local to=$1 tool
    for tool in "${STATIC_TOOLS[@]}"; do
        gcc "${TOOL_FLAGS[@]}" -I"$project/kmod" -static -D__XEN_TOOLS__ -o "$to/$tool" "$lab/programs/$tool.c"
    done
    for tool in remote "${STORE_TOOLS[@]}"; do
        gcc "${TOOL_FLAGS[@]}" -D__XEN_TOOLS__ -o "$to/$tool" "$lab/programs/$tool.c" -lxenstore
    done
    for tool in "${DOM0_TOOLS[@]}"; do
        gcc "${TOOL_FLAGS[@]}" -o "$to/$tool" "$lab/programs/$tool.c" "$(find "$MACHINE_ROOT" \
            -name "libxenctrl.so.$XEN_VERSION")" -Wl,--allow-shlib-undefined
    done
    gcc "${TOOL_FLAGS[@]}" -shared -fPIC -o "$to/vnumafix.so" "$lab/programs/vnumafix.c" -ldl
    for tool in "${PRELOADED_TOOLS[@]}"; do
        gcc "${TOOL_FLAGS[@]}" -D__XEN_TOOLS__ -shared -fPIC -o "$to/$tool.so" "$lab/programs/$tool.c"
        gcc "${TOOL_FLAGS[@]}" -D__XEN_TOOLS__ -static -DREADER -o "$to/$tool" "$lab/programs/$tool.c"
    done
}

# compile_profiler: the plugin of QEMU that counts what the emulated processor executes.
compile_profiler() {
    [ -z "$PROFILE" ] ||
        gcc "${TOOL_FLAGS[@]}" -shared -fPIC -fvisibility=hidden -o "$work/programs/profile.so" "$lab/programs/profile.c"
}

pack() { (cd "$1" && find . -print0 | sort -z | cpio --null -o -H newc -R 0:0 --reproducible --quiet); }

# add_product TREE NAME: a product of the release build, stripped.
add_product() {
    local tree=$1 name=$2 built=$project/$BUILD/$2
    [ -x "$built" ] || return 1
    strip -o "$work/$name" "$built"
    add_program "$tree" "$work/$name" "/bin/$name"
}

build_of() { if [ "$BUILD" = .build/release ]; then echo build; else echo static; fi; }

make_guest_image() {
    local tree=$work/guest name
    make_tree "$tree"
    add_program "$tree" "$work/programs/remote" /bin/remote
    for name in "${STATIC_TOOLS[@]}" "${PRELOADED_TOOLS[@]}"; do
        install -m 755 "$work/programs/$name" "$tree/bin/$name"
    done
    for name in "${PRELOADED_TOOLS[@]}"; do
        cp "$work/programs/$name.so" "$tree/lib/"
    done
    for name in $PRODUCTS; do
        add_product "$tree" "$name" || die "this scenario needs $BUILD/$name: run 'make $(build_of)' first"
    done
    if [ -n "$MODULE" ]; then
        build_module "$MODULE"
        for name in "$work/module/$MODULE"*.ko; do
            strip --strip-debug -o "$tree/lib/modules/$(basename "$name")" "$name"
        done
    fi
    for name in $GUEST_MODULES; do
        add_module "$tree" "$name"
    done
    install -m 755 "$lab/guest/init" "$tree/init"
    [ -z "$GUEST_ROOT" ] || add_systemd "$tree"
    pack "$tree" > "$work/guest.img"
}

# What dom0 boots with: nothing of the project, so that one boot serves every run (host/snapshot.sh).
make_dom0_boot_image() {
    local tree=$work/boot name
    make_tree "$tree"
    for name in xl xenstored xenconsoled xen-init-dom0 libxl-save-helper; do
        add_program "$tree" "$MACHINE_ROOT$XEN_BIN/$name" "$XEN_BIN/$name"
    done
    mkdir -p "$tree"/etc/xen "$tree"/var/{log/xen,lib/xen/dump,lib/xenstored}
    touch "$tree/etc/xen/xl.conf"
    for name in "${DISK_MODULES[@]}"; do
        ! has_module "$name" || add_module "$tree" "$name"
    done
    install -m 755 "$lab/dom0/init" "$tree/init"
    # The same files make the same bytes, and so the same key of a snapshot.
    find "$tree" -exec touch -h -d @1600000000 {} +
    pack "$tree" > "$work/boot.img"
}

# What a scenario needs in dom0. dom0 unpacks it from a disk over what it booted with.
make_dom0_image() {
    local scenario=$1 tree=$work/dom0 name
    mkdir -p "$tree"/{bin,lab/dom0,lib/modules}
    install -m 755 "$work/programs/"{jsonget,foreign,onscreen} "$tree/bin/"
    for name in remote "${STORE_TOOLS[@]}" "${DOM0_TOOLS[@]}"; do
        add_program "$tree" "$work/programs/$name" "/bin/$name"
    done
    for name in $DOM0_MODULES; do
        add_module "$tree" "$name"
    done
    for name in $DOM0_PRODUCTS; do
        add_product "$tree" "$name" || die "this scenario needs $BUILD/$name: run 'make $(build_of)' first"
    done
    cp "$work/programs/vnumafix.so" "$CACHE/vmlinux" "$work/guest.img" "$tree/lab/"
    cp "$lab"/dom0/*.sh "$tree/lab/dom0/"
    cp "$(folder "$scenario")"/* "$tree/lab/"
    # LAB_SET='ROUNDS=300': a shorter run while a scenario is being written.
    printf '%s\n' "${LAB_SET:-}" >> "$tree/lab/options"
    ! needs_hvm || add_hvm "$tree"
    leave_out_booted "$tree"
    pack "$tree" | make_disk "$work/dom0.disk"
}

# The files that dom0 booted with stay: libraries of running programs among them.
leave_out_booted() {
    local file
    (cd "$1" && find . -type f -print) | while read -r file; do
        [ ! -e "$work/boot/$file" ] || rm "$1/$file"
    done
}

# A disk of DISK_MIB with the archive behind its first MiB, which says how many MiB that is (dom0/init).
make_disk() {
    local mib
    dd of="$1" bs=1M seek=1 iflag=fullblock status=none
    mib=$((($(stat -c %s "$1") - 1) / 1048576))
    [ "$mib" -lt "$DISK_MIB" ] || die "the scenario's files are larger than $DISK_MIB MiB"
    printf 'MiB %d\n' "$mib" | dd of="$1" conv=notrunc status=none
    truncate -s "${DISK_MIB}M" "$1"
}
