# shellcheck shell=bash
# Which Xen the emulated machine has, and which Debian release its packages are from. Sourced first by what runs or sets up
# the lab: the files after it take their lists and folders from here.

LAB_CACHE=${XENLAB_CACHE:-$HOME/.cache/xenlab}
ARCHIVE_KEYS=/usr/share/keyrings/debian-archive-keyring.gpg

say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 1; }

# choose_xen NAME: 4.17 (this Debian's, and the default), 4.20 (Debian 13's), or one built from source: see host/xen.sh.
# Sets XEN_VERSION, RELEASE, CACHE, XEN_BUILD and the lists of packages.
choose_xen() {
    XEN=${1:-4.17}
    [[ $XEN =~ ^(4\.17|4\.20)?-?(built|patched)?(-debug)?$ ]] || die "no such Xen: $XEN"
    XEN_VERSION=${BASH_REMATCH[1]:-4.17}
    XEN_BUILD=${BASH_REMATCH[2]}${BASH_REMATCH[3]}
    case $XEN_VERSION in
        4.17) RELEASE=bookworm CACHE=$LAB_CACHE ;;
        4.20) RELEASE=trixie CACHE=$LAB_CACHE/4.20 ;;
    esac
    MACHINE_ROOT=$CACHE/root
    APT_OPTIONS=("${APT_BASE[@]}")
    is_own_release || use_own_lists
    list_packages
}

# Whether the emulated machine has the same Debian release as this machine.
is_own_release() { [ "$RELEASE" = bookworm ]; }

# apt's sandbox user often cannot write to the cache directory.
APT_BASE=(-o APT::Sandbox::User=root -o Dpkg::Use-Pty=0)

# Another release than this machine's: apt with lists of its own, so that nothing of this machine changes.
use_own_lists() {
    local apt=$CACHE/apt
    APT_OPTIONS+=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$apt/lists" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt")
}

# write_sources deb|deb-src RELEASE: what apt is to read, in $CACHE/apt.
write_sources() {
    local apt=$CACHE/apt
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : > "$apt/status"
    cat > "$apt/sources.list" <<LIST
$1 [signed-by=$ARCHIVE_KEYS] http://deb.debian.org/debian $2 main
$1 [signed-by=$ARCHIVE_KEYS] http://deb.debian.org/debian-security $2-security main
LIST
}

# What the emulated machine is made of. The names that end in t64 are Debian 13's of the same libraries.
list_packages() {
    local t64=''
    is_own_release || t64=t64
    MACHINE_PACKAGES=(
        "xen-hypervisor-$XEN_VERSION-amd64" "xen-utils-$XEN_VERSION" xenstore-utils "libxenmisc$XEN_VERSION"
        libxencall1 libxendevicemodel1 libxenevtchn1 libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenstore4
        libxentoolcore1 libxentoollog1 libyajl2 libuuid1 zlib1g liblzma5 libzstd1 libbz2-1.0 liblzo2-2 libgcc-s1 libc6
        libncurses6 libtinfo6 libnl-3-200 libnl-route-3-200 libstdc++6 busybox-static numactl libnuma1
    )
    SYSTEMD_CACHE=$CACHE/systemd
    SYSTEMD_PACKAGES=(
        systemd libsystemd-shared libacl1 libapparmor1 libaudit1 libblkid1 libcap2 libcap-ng0 libcrypt1 libgcrypt20
        libgpg-error0 libip4tc2 libkmod2 liblz4-1 libmount1 libpam0g libpcre2-8-0 libseccomp2 libselinux1 "libssl3$t64"
        mount make kexec-tools libzstd1 liblzma5
    )
    HVM_CACHE=$CACHE/hvm
    HVM_PACKAGES=(
        qemu-system-xen qemu-system-data seabios grub-common grub-pc-bin
        libfdt1 "libglib2.0-0$t64" libjpeg62-turbo libpixman-1-0 libspice-server1 libusb-1.0-0 "libssl3$t64" libopus0
        libgstreamer1.0-0 libgstreamer-plugins-base1.0-0 "liborc-0.4-0$t64" liblz4-1 libsasl2-2 libudev1 libpcre2-8-0
        libunwind8 "libdw1$t64" libffi8 "libelf1$t64" libdevmapper1.02.1 libselinux1
    )
    if [ -n "$t64" ]; then
        MACHINE_PACKAGES+=(libext2fs2t64 libcom-err2)
        SYSTEMD_PACKAGES+=(libsystemd0 zlib1g)
    fi
    HEADERS_CACHE=$CACHE/headers
}
