# shellcheck shell=bash
# Where the libraries of unpacked packages are. Sourced by lab/setup and lab/run.

# library_path [ROOT]: with the libraries of packages unpacked somewhere else.
library_path() {
    local root lib=x86_64-linux-gnu path=
    for root in "$MACHINE_ROOT" "$@"; do
        path+=:$root/lib/$lib:$root/usr/lib/$lib
    done
    echo "${path#:}:$MACHINE_ROOT/usr/lib/xen-$XEN_VERSION/lib/$lib"
}

# Debian 13 has it below /usr only.
loader() {
    local place
    for place in lib64 usr/lib64; do
        [ ! -e "$MACHINE_ROOT/$place/ld-linux-x86-64.so.2" ] || echo "$MACHINE_ROOT/$place/ld-linux-x86-64.so.2"
    done | head -n 1
}
