# shellcheck shell=bash
# Xen built from Debian's source package, as it is (`built`) or with the proposed decrease of whole superpages (`patched`),
# each with Xen's assertions, too (`-debug`). Only the hypervisor: dom0's tools are the packages'. Sourced by lab/setup and lab/run.

XEN_BUILD_PACKAGES=(dpkg-dev bison flex python3 make gcc patch)

# The folder of a build, and what boots.
xen_folder() { echo "$LAB_CACHE/xen/$XEN_VERSION-$XEN_BUILD"; }
xen_image() { if [ -n "$XEN_BUILD" ]; then echo "$(xen_folder)/xen.elf"; else echo "$CACHE/xen.elf"; fi; }

# build_xen: nothing to do for a packaged Xen, or when the same was built before. XENLAB_XEN_SOURCE=DIRECTORY: this source
# instead of Debian's, e.g. where the archive no longer has it.
build_xen() {
    local folder patch wanted
    [ -n "$XEN_BUILD" ] || return 0
    folder=$(xen_folder) patch=/dev/null
    [[ $XEN_BUILD != patched* ]] || patch=$lab/xen/$XEN_VERSION.patch
    [ -e "$patch" ] || die "there is no patch for Xen $XEN_VERSION"
    wanted="format 2 $XEN_BUILD $(sha256sum < "$patch") ${XENLAB_XEN_SOURCE:-}"
    exec 9>"$LAB_CACHE/lock-xen"
    flock 9
    if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$wanted" ]; then
        say "building Xen $XEN_VERSION ($XEN_BUILD) in $folder, once"
        install_packages "${XEN_BUILD_PACKAGES[@]}"
        fetch_xen_source
        compile_xen "$folder" "$patch"
        echo "$wanted" > "$folder/stamp"
    fi
    exec 9>&-
}

# Debian's source package with Debian's changes, once for all builds of it.
fetch_xen_source() {
    local source=$LAB_CACHE/xen/$XEN_VERSION-source
    [ -z "${XENLAB_XEN_SOURCE:-}" ] || return 0
    [ ! -e "$source/complete" ] || return 0
    rm -rf "$source"
    mkdir -p "$source"
    (
        CACHE=$source
        APT_OPTIONS=("${APT_BASE[@]}")
        use_own_lists
        write_sources deb-src "$RELEASE"
        update_lists
        cd "$source" || exit 1
        # The newest version that the archive still has.
        for version in $(apt-cache "${APT_OPTIONS[@]}" showsrc xen | sed -n 's/^Version: //p' | sort -rVu); do
            apt-get -q "${APT_OPTIONS[@]}" source --download-only "xen=$version" >&2 && break
        done
        compgen -G 'xen_*.dsc' > /dev/null || die "the archive has no source of Xen $XEN_VERSION"
        dpkg-source --no-check -x xen_*.dsc tree >&2
    )
    touch "$source/complete"
}

# The emulated processor raises #GP where one of Xen's tests of itself expects #SS; Xen would wait three seconds for that at
# each boot, which cost a minute here.
debug_xen() {
    echo CONFIG_DEBUG=y >> "$1/.config"
    sed -i '/^__initcall(stub_selftest);/d' "$1/arch/x86/extable.c"
}

# compile_xen FOLDER PATCH
compile_xen() {
    local folder=$1 tree=$1/tree
    rm -rf "$folder"
    mkdir -p "$folder"
    cp -r "${XENLAB_XEN_SOURCE:-$LAB_CACHE/xen/$XEN_VERSION-source/tree}" "$tree"
    [ ! -s "$2" ] || patch -d "$tree" -p1 < "$2" >&2
    [ ! -e "$tree/debian/xen-kconfig" ] || cp "$tree/debian/xen-kconfig" "$tree/xen/.config"
    [[ $XEN_BUILD != *-debug ]] || debug_xen "$tree/xen"
    {
        make -C "$tree/xen" olddefconfig
        make -C "$tree/xen" -j2
    } > "$folder/log" 2>&1 || { tail -n 20 "$folder/log" >&2; die "Xen $XEN_VERSION ($XEN_BUILD) cannot be built"; }
    cp "$tree/xen/xen" "$folder/xen.elf"
    rm -rf "$tree"
}
