# shellcheck shell=bash
# Packages: what this machine needs to build and emulate, and what the emulated machine is made of.
# Sourced after host/debian.sh.

BUILD_PACKAGES=(gcc libc6-dev make libxen-dev qemu-system-x86 cpio xz-utils zstd binutils python3-jsonschema kmod)

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "need root for '$*', and there is no sudo"
    fi
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

install_build_packages() { install_packages "${BUILD_PACKAGES[@]}"; }

# install_packages PACKAGE...: on this machine, those that are missing.
install_packages() {
    local package missing=()
    command -v dpkg-query >/dev/null || die "the lab needs Debian (12 is what it is tried on)"
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    as_root apt-get -q update >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q "${APT_BASE[@]}" install -y --no-install-recommends \
        "${missing[@]}" >&2 || die "cannot install ${missing[*]}"
}

check_swift() {
    command -v swift >/dev/null || die "no swift in PATH: install a Swift 6.2 toolchain (https://swift.org/install)"
}

# Of the release that the packages are from.
update_lists() { as_root apt-get -q "${APT_OPTIONS[@]}" update >&2; }

# The newest kernel of this Debian release, by its real name.
kernel_package() {
    apt-cache "${APT_OPTIONS[@]}" depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

# A set of packages lies in a directory of its own: the packages in debs, unpacked to root, and a stamp, written last. With
# its stamp a set is complete. Another list is another stamp.

# is_set DIRECTORY PACKAGE...
is_set() { [ "$(cat "$1/stamp" 2>/dev/null)" = "format 1 ${*:2}" ]; }

# fetch_set DIRECTORY WHAT FINISH PACKAGE...: FINISH is a command; it does what is left to do once all is unpacked.
fetch_set() {
    local directory=$1 finish=$3 package
    ! is_set "$directory" "${@:4}" || return 0
    say "downloading $2 to $directory, once"
    rm -rf "$directory/root" "$directory/stamp"
    mkdir -p "$directory/debs" "$directory/root"
    for package in "${@:4}"; do
        fetch_package "$package" "$directory"
    done
    $finish
    echo "format 1 ${*:4}" > "$directory/stamp"
}

# fetch_package PACKAGE DIRECTORY: downloads it, if it is not there, and unpacks it.
fetch_package() {
    download_one "$1" "$2/debs"
    dpkg-deb -x "$2/debs/${1}_"*.deb "$2/root"
}

# download_one PACKAGE DIRECTORY: into a directory aside first, so that an interrupted download does not look complete.
download_one() {
    local package=$1 into=$2 aside=$2/partial
    compgen -G "$into/${package}_*.deb" >/dev/null && return 0
    rm -rf "$aside"
    mkdir "$aside"
    if ! (cd "$aside" && apt-get -qq "${APT_OPTIONS[@]}" download "$package" >&2); then
        # The lists may be older than the archive.
        update_lists
        (cd "$aside" && apt-get -qq "${APT_OPTIONS[@]}" download "$package" >&2) || die "cannot download $package"
    fi
    mv "$aside"/*.deb "$into/"
    rmdir "$aside"
}

# The kernel is none of the set: its name is another one with each of Debian's updates, which make no new stamp.
add_kernel() {
    local kernel version
    [ -n "$(kernel_package)" ] || update_lists
    kernel=$(kernel_package)
    [ -n "$kernel" ] || die "apt knows no linux-image-amd64"
    version=${kernel#linux-image-}
    fetch_package "$kernel" "$CACHE"
    gzip -dc "$MACHINE_ROOT/boot/xen-$XEN_VERSION-amd64.gz" > "$CACHE/xen.elf"
    unpack_kernel "$MACHINE_ROOT/boot/vmlinuz-$version" > "$CACHE/vmlinux"
    echo "$version" > "$CACHE/kernel-version"
    if ! [ -s "$CACHE/xen.elf" ] || ! [ -s "$CACHE/vmlinux" ]; then
        die "Xen or the kernel is missing in $CACHE"
    fi
}

# The ELF kernel inside a bzImage. Xen and libxl take it as it is, and an emulated CPU spends seconds on unpacking. What
# comes behind the compressed kernel makes the programs complain when all is done.
unpack_kernel() {
    local image=$1 at
    at=$(place_of '\xfd7zXZ\x00' "$image")
    if [ -n "$at" ]; then
        tail -c "+$((at + 1))" "$image" | xz -dc --single-stream 2>/dev/null || true
        return
    fi
    at=$(place_of '\x28\xb5\x2f\xfd' "$image")
    if [ -n "$at" ]; then
        tail -c "+$((at + 1))" "$image" | zstd -dc 2>/dev/null || true
        return
    fi
    cat "$image"
}

# place_of PATTERN FILE: the first, in bytes; nothing when there is none.
place_of() { LC_ALL=C grep -abom1 -P "$1" "$2" | head -n 1 | cut -d: -f1 || true; }

# The sets, in the order in which they are downloaded.
SETS=(machine systemd dpkg hvm headers)

# are_downloaded SET...
are_downloaded() {
    local name
    for name in "$@"; do
        use_set is_set_here "$name" || return 1
    done
}

# use_set COMMAND SET: COMMAND gets what fetch_set takes.
use_set() {
    case $2 in
        machine) $1 "$CACHE" "the emulated machine's packages (about 100 MB)" add_kernel "${MACHINE_PACKAGES[@]}" ;;
        systemd) $1 "$SYSTEMD_CACHE" "systemd's packages (about 10 MB)" trim_systemd "${SYSTEMD_PACKAGES[@]}" ;;
        dpkg) $1 "$DPKG_CACHE" "dpkg's packages (about 6 MB)" trim_dpkg "${DPKG_PACKAGES[@]}" ;;
        hvm) $1 "$HVM_CACHE" "the device model's packages (about 20 MB)" true "${HVM_PACKAGES[@]}" ;;
        headers)
            # shellcheck disable=SC2046 # several names
            $1 "$HEADERS_CACHE" "the kernel's headers ($(headers_size))" move_headers $(headers_packages)
            ;;
        *) die "no such set of packages: $2" ;;
    esac
}
is_set_here() { is_set "$1" "${@:4}"; }
headers_size() { if is_own_release; then echo "14 MB"; else echo "and its compiler, 54 MB"; fi; }

# download_packages SET...: what a run needs. Two runs on a fresh machine: one downloads, the other waits.
download_packages() {
    local name
    are_downloaded "$@" && return 0
    mkdir -p "$CACHE"
    exec 9>"$CACHE/lock"
    flock 9
    if ! is_own_release && ! is_set "$CACHE" "${MACHINE_PACKAGES[@]}"; then
        write_sources deb "$RELEASE"
    fi
    for name in "$@"; do
        use_set fetch_set "$name"
    done
    exec 9>&-
}
