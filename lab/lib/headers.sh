# shellcheck shell=bash
# Debian's headers of the guest's kernel, for scenarios with MODULE=NAME: a kernel module of ours, built on this machine.
# Sourced by lab/setup and lab/run.

HEADERS=$CACHE/headers

# By name, as they belong to the kernel in the cache.
headers_packages() {
    local version
    version=$(cat "$CACHE/kernel-version")
    echo "linux-headers-$version linux-headers-${version%-amd64}-common linux-kbuild-${version%%.[0-9]-*}"
}

headers_stamp() { echo "format 1 $(headers_packages)"; }

is_headers_downloaded() { [ "$(cat "$HEADERS/stamp" 2>/dev/null)" = "$(headers_stamp)" ]; }

download_headers() {
    is_headers_downloaded && return 0
    exec 9>"$CACHE/lock"
    flock 9
    is_headers_downloaded || download_headers_locked
    exec 9>&-
}

download_headers_locked() {
    local package directory=$HEADERS/root/usr/src
    say "downloading the kernel's headers to $HEADERS (14 MB, once)"
    rm -rf "$HEADERS"
    mkdir -p "$HEADERS/debs" "$HEADERS/root"
    for package in $(headers_packages); do
        download_one "$package" "$HEADERS/debs"
        dpkg-deb -x "$HEADERS/debs/${package}_"*.deb "$HEADERS/root"
    done
    # They name each other by where they would be installed.
    sed -i "s|/usr/src|$directory|" "$directory"/linux-headers-*-amd64/{Makefile,.kernelvariables}
    headers_stamp > "$HEADERS/stamp"
}

# build_module NAME: kmod-notes/NAME.c, to $work/module/NAME.ko.
build_module() {
    local log=$work/module/log
    mkdir -p "$work/module"
    cp "$project/kmod-notes/$1.c" "$work/module/"
    echo "obj-m := $1.o" > "$work/module/Kbuild"
    make -C "$HEADERS/root/usr/src/linux-headers-$(cat "$CACHE/kernel-version")" M="$work/module" modules \
        > "$log" 2>&1 || { cat "$log" >&2; die "the module $1 cannot be built"; }
}
