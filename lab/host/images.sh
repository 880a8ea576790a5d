# shellcheck shell=bash
# The two initial file systems: dom0's and the guest's. Neither is compressed: unpacking costs an emulated CPU seconds,
# and they are loaded straight into memory. Sourced by lab/run.

XEN_BIN=/usr/lib/xen-$XEN_VERSION/bin
MODULES=(xen-privcmd xenfs xen-evtchn xen-gntdev xen-gntalloc)
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
    add_program "$tree" "$work/programs/remote" /bin/remote
}

compile_tools() {
    local tool flags=(-std=gnu11 -O2 -Wall -Wextra -Werror)
    mkdir -p "$work/programs"
    for tool in "${STATIC_TOOLS[@]}"; do
        gcc "${flags[@]}" -I"$project/kmod" -static -D__XEN_TOOLS__ -o "$work/programs/$tool" "$lab/programs/$tool.c"
    done
    for tool in remote "${STORE_TOOLS[@]}"; do
        gcc "${flags[@]}" -D__XEN_TOOLS__ -o "$work/programs/$tool" "$lab/programs/$tool.c" -lxenstore
    done
    for tool in "${DOM0_TOOLS[@]}"; do
        gcc "${flags[@]}" -o "$work/programs/$tool" "$lab/programs/$tool.c" "$(find "$MACHINE_ROOT" \
            -name "libxenctrl.so.$XEN_VERSION")" -Wl,--allow-shlib-undefined
    done
    gcc "${flags[@]}" -shared -fPIC -o "$work/programs/vnumafix.so" "$lab/programs/vnumafix.c" -ldl
    for tool in "${PRELOADED_TOOLS[@]}"; do
        gcc "${flags[@]}" -D__XEN_TOOLS__ -shared -fPIC -o "$work/programs/$tool.so" "$lab/programs/$tool.c"
        gcc "${flags[@]}" -D__XEN_TOOLS__ -static -DREADER -o "$work/programs/$tool" "$lab/programs/$tool.c"
    done
    [ -z "$PROFILE" ] ||
        gcc "${flags[@]}" -shared -fPIC -fvisibility=hidden -o "$work/programs/profile.so" "$lab/programs/profile.c"
}

pack() { (cd "$1" && find . -print0 | sort -z | cpio --null -o -H newc -R 0:0 --quiet); }

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

make_dom0_image() {
    local scenario=$1 tree=$work/dom0 name
    make_tree "$tree"
    for name in xl xenstored xenconsoled xen-init-dom0 libxl-save-helper; do
        add_program "$tree" "$MACHINE_ROOT$XEN_BIN/$name" "$XEN_BIN/$name"
    done
    mkdir -p "$tree"/etc/xen "$tree"/var/{log/xen,lib/xen/dump,lib/xenstored}
    touch "$tree/etc/xen/xl.conf"
    cp -L "$(find "$MACHINE_ROOT" -name libgcc_s.so.1 | head -n 1)" "$tree/lib/x86_64-linux-gnu/"
    install -m 755 "$work/programs/"{jsonget,foreign,onscreen} "$tree/bin/"
    for name in "${STORE_TOOLS[@]}" "${DOM0_TOOLS[@]}"; do
        add_program "$tree" "$work/programs/$name" "/bin/$name"
    done
    for name in $DOM0_MODULES; do
        add_module "$tree" "$name"
    done
    for name in $DOM0_PRODUCTS; do
        add_product "$tree" "$name" || die "this scenario needs $BUILD/$name: run 'make $(build_of)' first"
    done
    cp "$work/programs/vnumafix.so" "$CACHE/vmlinux" "$work/guest.img" "$tree/lab/"
    mkdir -p "$tree/lab/dom0"
    cp "$lab"/dom0/*.sh "$tree/lab/dom0/"
    cp "$(folder "$scenario")"/* "$tree/lab/"
    # LAB_SET='ROUNDS=300': a shorter run while a scenario is being written.
    printf '%s\n' "${LAB_SET:-}" >> "$tree/lab/options"
    install -m 755 "$lab/dom0/init" "$tree/init"
    ! needs_hvm || add_hvm "$tree"
    pack "$tree" > "$work/dom0.img"
}
