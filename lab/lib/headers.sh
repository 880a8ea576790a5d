# shellcheck shell=bash
# Debian's headers of the guest's kernel, for scenarios with MODULE=NAME: a kernel module of ours, built on this machine.
# Sourced by lab/setup and lab/run.

HEADERS_CACHE=$CACHE/headers
HEADERS=$HEADERS_CACHE/root/usr/src

# By name, as they belong to the kernel in the cache.
headers_packages() {
    local version
    version=$(cat "$CACHE/kernel-version" 2>/dev/null) || return 0
    echo "linux-headers-$version linux-headers-${version%-amd64}-common linux-kbuild-${version%%.[0-9]-*}"
}

# They name each other by where they would be installed.
move_headers() { sed -i "s|/usr/src|$HEADERS|" "$HEADERS"/linux-headers-*-amd64/{Makefile,.kernelvariables}; }

# build_module NAME: kmod-notes/NAME.c, to $work/module/NAME.ko.
build_module() {
    local log=$work/module/log
    mkdir -p "$work/module"
    cp "$project/kmod-notes/$1.c" "$work/module/"
    echo "obj-m := $1.o" > "$work/module/Kbuild"
    make -C "$HEADERS/linux-headers-$(cat "$CACHE/kernel-version")" M="$work/module" modules \
        > "$log" 2>&1 || { cat "$log" >&2; die "the module $1 cannot be built"; }
}
