# shellcheck shell=bash
# A guest as a user has it before this project comes: Debian's systemd, apt and dpkg with its maintainer scripts' helpers, and
# modprobe. For scenarios with GUEST_ROOT=debian; the packages lie in /debs. Sourced by lab/setup and lab/run.

DPKG_CACHE=$CACHE/dpkg
DPKG_ROOT=$DPKG_CACHE/root
APT_LIBRARY=libapt-pkg6.0
is_own_release || APT_LIBRARY=libapt-pkg7.0
DPKG_PACKAGES=(
    dpkg apt "$APT_LIBRARY" tar perl-base init-system-helpers kmod libmd0 libbz2-1.0 libxxhash0 libudev1 libsystemd0 libgcrypt20
    libgpg-error0 liblz4-1
)
DPKG_LEFT_OUT=(usr/share/{doc,man,locale,info,lintian,bash-completion,polkit-1} etc/{cron.daily,logrotate.d} etc/kernel usr/lib/apt/solvers)

trim_dpkg() { (cd "$DPKG_ROOT" && rm -rf "${DPKG_LEFT_OUT[@]}"); }

# add_debian TREE: what add_systemd left, without the project.
add_debian() {
    local tree=$1 version program
    version=$(cat "$CACHE/kernel-version")
    cp -a --remove-destination "$DPKG_ROOT/." "$tree/"
    for program in usr/bin/perl usr/bin/dpkg usr/bin/apt; do
        add_program "$tree" "$DPKG_ROOT/$program" "/$program" "$DPKG_ROOT" "$SYSTEMD_ROOT"
    done
    write_dpkg_status "$tree"
    mkdir -p "$tree"/var/lib/dpkg/{info,updates,triggers,parts} "$tree"/var/lib/apt/lists/partial \
        "$tree"/var/cache/apt/archives/partial "$tree"/var/log/apt "$tree"/etc/apt/{apt.conf.d,preferences.d} "$tree"/{debs,newer}
    : > "$tree/var/lib/dpkg/available"
    # What busybox has no applet for, and dpkg wants to see.
    ln -sfn /bin/true "$tree/bin/ldconfig"
    printf 'APT::Sandbox::User "root";\n' > "$tree/etc/apt/apt.conf.d/lab"
    # The module that xen-privcmd is, where modprobe looks for it. guest/init-systemd loads the others.
    install -D -m 644 "$tree/lib/modules/xen-privcmd.ko" "$tree/lib/modules/$version/extra/xen-privcmd.ko"
    rm -f "$tree/lib/modules/xen-privcmd.ko" "$tree/etc/systemd/system/modprobe@.service"
    : > "$tree/lib/modules/$version/modules.order"
    : > "$tree/lib/modules/$version/modules.builtin"
    depmod -b "$tree" "$version"
    cp "$project"/build/deb/vnode-balloon{,-common}_*.deb "$tree/debs/" || die "this scenario needs the packages: run 'make deb' first"
    for program in "$tree"/debs/*.deb; do
        newer_package "$program" "$tree/newer"
    done
}

# Of a package that is only unpacked here nobody looks at the dependencies.
write_dpkg_status() {
    local package
    for package in "$CACHE" "$SYSTEMD_CACHE" "$DPKG_CACHE"; do
        find "$package/debs" -name '*.deb'
    done | while read -r package; do
        dpkg-deb -f "$package" Package Version Architecture Multi-Arch Maintainer Description
        printf 'Status: install ok installed\n\n'
    done > "$1/var/lib/dpkg/status"
}

# newer_package FILE FOLDER: the same package as a later version, for an upgrade.
newer_package() {
    local unpacked=$work/newer
    rm -rf "$unpacked"
    dpkg-deb -R "$1" "$unpacked"
    sed -i -E 's/^Version: .*/&+newer/; s/(vnode-balloon-common \(= [^)]*)\)/\1+newer)/' "$unpacked/DEBIAN/control"
    dpkg-deb --root-owner-group -b "$unpacked" "$2" > /dev/null
}
