# shellcheck shell=bash
# A guest whose first process is Debian's systemd, for scenarios with GUEST_ROOT=systemd: the lab's guest with systemd's
# packages, the project as `make install` leaves it, and what `make uninstall` needs. Sourced by lab/setup and lab/run.

SYSTEMD_ROOT=$SYSTEMD_CACHE/root

# What is in the packages and not in the guest: an emulated CPU would only load it.
SYSTEMD_LEFT_OUT=(
    usr/share/{doc,man,locale,bash-completion,zsh,lintian,bug} usr/lib/udev lib/udev usr/lib/x86_64-linux-gnu/libssl.so.3
    usr/lib/x86_64-linux-gnu/gconv usr/lib/systemd/catalog {lib,usr/lib}/systemd/{systemd-networkd,systemd-homed} etc/init.d
)

# Units that have nothing to do in this guest, and cost a second of an emulated CPU each.
SYSTEMD_MASKED=(
    console-getty.service getty.target getty-static.service serial-getty@hvc0.service systemd-logind.service
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-user-sessions.service
    systemd-random-seed.service systemd-machine-id-commit.service systemd-firstboot.service systemd-sysusers.service
    systemd-network-generator.service systemd-networkd.service systemd-timesyncd.service systemd-ask-password-console.path
    systemd-ask-password-wall.path systemd-modules-load.service systemd-tmpfiles-setup.service
    systemd-tmpfiles-setup-dev.service systemd-tmpfiles-clean.timer systemd-boot-system-token.service
    systemd-journal-flush.service systemd-journal-catalog-update.service systemd-pstore.service systemd-binfmt.service
    systemd-hwdb-update.service systemd-remount-fs.service systemd-sysctl.service ldconfig.service
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount
    sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount apt-daily.timer dpkg-db-backup.timer
    modprobe@.service kexec-load.service kexec.service systemd-pcrphase.service systemd-pcrphase-sysinit.service
    remote-fs.target cryptsetup.target integritysetup.target veritysetup.target
)

# Debian 13's own, likewise.
SYSTEMD_MASKED+=(
    systemd-pcrmachine.service systemd-tpm2-setup.service systemd-tpm2-setup-early.service systemd-hibernate-clear.service
    systemd-tmpfiles-setup-dev-early.service systemd-creds.socket systemd-hostnamed.socket systemd-pcrextend.socket
    systemd-pcrlock.socket systemd-sysext.socket tmp.mount run-lock.mount
)

trim_systemd() { (cd "$SYSTEMD_ROOT" && rm -rf "${SYSTEMD_LEFT_OUT[@]}"); }

# add_systemd TREE: makes the guest's tree one that systemd starts, with the project installed and enabled.
add_systemd() {
    local tree=$1 unit units=$1/etc/systemd/system
    is_own_release || merge_usr "$tree"
    cp -a --remove-destination "$SYSTEMD_ROOT/." "$tree/"
    # Their libraries are among the machine's packages.
    add_program "$tree" "$(find "$SYSTEMD_ROOT" -path '*/sbin/kexec')" /sbin/kexec
    add_program "$tree" "$SYSTEMD_ROOT/usr/bin/make" /usr/bin/make
    mkdir -p "$units/multi-user.target.wants" "$tree"/{var/log,usr/local,root}
    for unit in "${SYSTEMD_MASKED[@]}"; do
        ln -sfn /dev/null "$units/$unit"
    done
    ln -sfn /lib/systemd/system/multi-user.target "$units/default.target"
    printf 'root:x:0:0:root:/root:/bin/sh\n' > "$tree/etc/passwd"
    printf 'root:x:0:\n' > "$tree/etc/group"
    printf '0123456789abcdef0123456789abcdef\n' > "$tree/etc/machine-id"
    printf 'ID=lab\nNAME=lab\n' > "$tree/etc/os-release"
    install -m 644 "$lab/guest/agent.service" "$units/lab-agent.service"
    ln -sfn ../lab-agent.service "$units/multi-user.target.wants/lab-agent.service"
    case $GUEST_ROOT in
        debian) add_debian "$tree" ;;
        *) add_installed_project "$tree" ;;
    esac
    rm -f "$tree/bin/balloonctl"
    install -m 755 "$lab/guest/init-systemd" "$tree/init"
}

# merge_usr TREE: Debian 13's packages have everything below /usr, and systemd looks for nothing elsewhere.
merge_usr() {
    local name
    for name in bin sbin lib lib64; do
        mkdir -p "$1/$name" "$1/usr/$name"
        cp -a "$1/$name/." "$1/usr/$name/"
        rm -r "${1:?}/$name"
        ln -s "usr/$name" "$1/$name"
    done
}

# As an administrator would: `make install`. The project's Makefile stays, for `make uninstall`.
add_installed_project() {
    local tree=$1
    make -s -C "$project" install DESTDIR="$tree"
    strip "$tree/usr/local/sbin/balloonctl"
    mkdir -p "$tree/src/docs"
    cp -a "$project/docs/man" "$tree/src/docs/"
    cp -a "$project/Makefile" "$project/packaging" "$tree/src/"
}
