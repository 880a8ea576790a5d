# shellcheck shell=bash
# Debian's headers of the guest's kernel, for scenarios with MODULE=NAME: a kernel module of ours, built on this machine.
# Sourced by lab/setup and lab/run.

HEADERS=$HEADERS_CACHE/root/usr/src

# By name, as they belong to the kernel in the cache.
headers_packages() {
    local version
    version=$(cat "$CACHE/kernel-version" 2>/dev/null) || return 0
    echo "linux-headers-$version linux-headers-${version%-amd64}-common linux-kbuild-${version%%.[0-9]-*}"
}

# They name each other by where they would be installed.
move_headers() { sed -i "s|/usr/src|$HEADERS|" "$HEADERS"/linux-headers-*-amd64/{Makefile,.kernelvariables}; }

# build_module NAME: to $work/module/NAME.ko. vnode_balloon is the project's own, and comes with a second build that has
# faults on purpose, vnode_balloon_test.ko; any other is kmod-notes/NAME.c.
build_module() {
    [ "$RELEASE" = bookworm ] || die "a kernel module is built for this machine's Debian only, not for Xen $XEN_VERSION's"
    mkdir -p "$work/module"
    if [ "$1" = vnode_balloon ]; then
        build_one test VNB_TEST=1
        mv "$work/module/vnode_balloon.ko" "$work/module/vnode_balloon_test.ko"
        build_one product
        return
    fi
    cp "$project/kmod-notes/$1.c" "$work/module/"
    echo "obj-m := $1.o" > "$work/module/Kbuild"
    run_kbuild "$work/module" modules
}
build_one() {
    make -C "$project" module KERNEL="$(kernel_headers)" MODULE_BUILD="$work/module-$1" "${@:2}" \
        > "$work/module/log" 2>&1 || { cat "$work/module/log" >&2; die "the module cannot be built"; }
    cp "$work/module-$1/vnode_balloon.ko" "$work/module/"
}
kernel_headers() { echo "$HEADERS/linux-headers-$(cat "$CACHE/kernel-version")"; }
run_kbuild() {
    make -C "$(kernel_headers)" M="$1" "${@:2}" > "$1/log" 2>&1 || { cat "$1/log" >&2; die "a module cannot be built"; }
}
