# shellcheck shell=sh
# Helpers for scenarios that save, restore and migrate a guest. It must be GUEST_TYPE=pvh-plain: xl saves no guest with
# virtual NUMA. The new domain gets its memory from any physical node, so only its total is compared.

SAVED=/run/guest.save

# find_guest: finds the guest's new domain id.
find_guest() {
    DOMID=$(xl domid g1)
    D=/local/domain/$DOMID
}

# save_guest: afterwards there is no domain. restore_guest [CONFIG]: from the same file, again or anew.
save_guest() { xl save g1 $SAVED > /tmp/save.log 2>&1 && DOMID=; }
# shellcheck disable=SC2120 # scenarios pass CONFIG
restore_guest() {
    xl restore $1 $SAVED > /tmp/restore.log 2>&1 || return 1
    find_guest
}
# shellcheck disable=SC2119
save_and_restore() { save_guest && restore_guest; }

# fill_host MIB: a domain that is never started takes all but this much of the machine's memory. empty_host: removes it.
fill_host() {
    cat > /tmp/filler.cfg <<CONFIG
name="filler"
type="pvh"
kernel="/lab/vmlinux"
memory=$(($(xl info free_memory) - $1))
vcpus=1
CONFIG
    xl create -p /tmp/filler.cfg > /tmp/xl.log 2>&1 || sed 's/^/@@ /' /tmp/xl.log
}
empty_host() { xl destroy filler; }

# free_on PNODE: MiB. The processors' table, before the nodes', has lines of the same form.
free_on() { xl info -n | awk -v node="$1:" '/^numa_info/ { nodes = 1 } nodes && $1 == node { print $3 }'; }

# fill_pnode PNODE MIB: a paused domain with all its memory on that physical node leaves this much free there.
fill_pnode() {
    free=$(free_on $1)
    size=$((free - $2))
    cat > /tmp/filler.cfg <<CONFIG
name="filler"
type="pvh"
kernel="/lab/vmlinux"
memory=$size
vcpus=1
vnuma=[["pnode=$1","size=$size","vcpus=0","vdistances=10"]]
CONFIG
    LD_PRELOAD=/lab/vnumafix.so xl create -p /tmp/filler.cfg > /tmp/xl.log 2>&1 || sed 's/^/@@ /' /tmp/xl.log
    note "free on pnode $1: $free MiB, then $(free_on $1)"
}

# migrate_guest: migrates within this host, where both domains exist for a while.
migrate_guest() {
    xl migrate -s "" g1 "xl migrate-receive" > /tmp/migrate.log 2>&1 && find_guest && return 0
    grep -E 'rror|ailed' /tmp/migrate.log | sed 's/^/@@ /'
    return 1
}

# check_total TEXT KIB: the domain has exactly this much less than at remember_pages.
check_total() { check_eq "$1: $(($2 / 4)) pages gone" $((START_TOTAL - $(total_pages))) $(($2 / 4)); }

# check_exact TEXT KIB: for a balloon at rest, Xen's count, every frame, the product and its rows in xenstore agree.
check_exact() {
    check_total "$1" "$2"
    check_audit "$1" $(($2 / 2048))
    check_agree "$1"
}
