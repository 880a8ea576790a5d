# shellcheck shell=bash
# Debian's headers of the guest's kernel, for scenarios with MODULE=NAME: a kernel module of ours, built on this machine, for
# another Debian's kernel with that Debian's compiler. Sourced by lab/setup and lab/run.

HEADERS=$HEADERS_CACHE/root/usr/src

# Debian 13's compiler, for its own kernel: this machine's is older than the one that kernel was built with.
COMPILER_PACKAGES=(
    gcc-14-x86-64-linux-gnu cpp-14-x86-64-linux-gnu binutils-x86-64-linux-gnu binutils-common binutils libbinutils libctf0
    libctf-nobfd0 libjansson4 libsframe1 libgmp10 libisl23 libmpc3 libmpfr6 libelf1t64
)

# By name, as they belong to the kernel in the cache.
headers_packages() {
    local version kbuild
    version=$(cat "$CACHE/kernel-version" 2>/dev/null) || return 0
    kbuild=linux-kbuild-${version%%.[0-9]-*}
    is_own_release || kbuild="linux-kbuild-${version%-amd64} ${COMPILER_PACKAGES[*]}"
    echo "linux-headers-$version linux-headers-${version%-amd64}-common $kbuild"
}

# They name each other by where they would be installed.
move_headers() {
    sed -i "s|/usr/src|$HEADERS|" "$HEADERS"/linux-headers-*-amd64/{Makefile,.kernelvariables}
    is_own_release || adapt_programs
}

# Another Debian's programs ask for the C library of that Debian, by its place. They are told that it is in the cache: so they
# run here, without a container and without root.
adapt_programs() {
    local program libraries
    # For the module's BTF there would have to be a pahole, too.
    rm -f "$HEADERS"/linux-headers-*-amd64/vmlinux
    install_packages patchelf
    libraries=$(library_path "$HEADERS_CACHE/root")
    find "$HEADERS_CACHE"/root/usr/{bin,libexec,lib/linux-kbuild-*} -type f | while read -r program; do
        patchelf --print-interpreter "$program" > /dev/null 2>&1 || continue
        patchelf --set-interpreter "$(loader)" --force-rpath --set-rpath "$libraries" "$program" \
            || die "patchelf cannot change $program"
    done
}

# build_module NAME: to $work/module/NAME.ko. vnode_balloon is the project's own, and comes with a second build that has
# faults on purpose, vnode_balloon_test.ko; any other is kmod-notes/NAME.c.
build_module() {
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
    with_compiler make -C "$project" module KERNEL="$(kernel_headers)" MODULE_BUILD="$work/module-$1" "${@:2}" \
        > "$work/module/log" 2>&1 || { cat "$work/module/log" >&2; die "the module cannot be built"; }
    cp "$work/module-$1/vnode_balloon.ko" "$work/module/"
}
# with_compiler COMMAND...: of the kernel's Debian.
with_compiler() {
    local path=$PATH
    is_own_release || path=$HEADERS_CACHE/root/usr/bin:$PATH
    PATH=$path "$@"
}
kernel_headers() { echo "$HEADERS/linux-headers-$(cat "$CACHE/kernel-version")"; }
run_kbuild() {
    with_compiler make -C "$(kernel_headers)" M="$1" "${@:2}" > "$1/log" 2>&1 || { cat "$1/log" >&2; die "a module cannot be built"; }
}
