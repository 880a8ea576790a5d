# shellcheck shell=sh
# Guests of other shapes beside each other: three vnodes, four, an HVM guest, vnodes of 128 MiB, two vnodes on one physical
# node. Then commands and the daemon are killed at random moments. Xen's own library counts.
check "the daemon starts in dom0" start_watch
make_guest three pvh "256 128 256" "" maxvcpus=3
check "the daemon of three starts" start_daemon
make_guest four pvh "256 256 128 128" "" maxvcpus=4
check "the daemon of four starts" start_daemon
make_guest hv hvm "256 256"
check "the daemon of hv starts" start_daemon
sleep 3
guests="three four hv"

# check_vnodes NAME VNODES: each vnode's physical node and size, as `host list --json` says them.
check_vnodes() {
    host 0 "the list of $1" list "$1" --json
    vnodes=
    for vnode in 0 1 2 3; do
        row=$(host_json domains.0.vnodes.$vnode.pnode domains.0.vnodes.$vnode.size_kib 2> /dev/null) || row=
        vnodes="$vnodes${row:+$row,}"
    done
    check_eq "the vnodes of $1" "$vnodes" "$2"
}
check_vnodes three "0 262144,1 131072,0 262144,"
check_vnodes four "0 262144,1 262144,0 131072,1 131072,"
check_vnodes hv "0 262144,1 262144,"

# pages_of DOMAIN: its pages on pnode 0 and 1, by Xen's own key.
pages_of() {
    on "$1"
    set -- $(page_counts)
    echo "$4 $6"
}
# on_pnode DOMAIN PNODE: the sum of the targets of its vnodes there, in pages; vnode n lies on physical node n modulo 2.
on_pnode() {
    xenstore-ls -f "/local/domain/$(id_of "$1")/memory" | sed -n 's/.*vnode\([0-9]\)\/target-balloon-size = "\([0-9]*\)"/\1 \2/p' |
        awk -v pnode="$2" '$1 % 2 == pnode { kib += $2 } END { print kib / 4 + 0 }'
}
for name in $guests; do eval "PAGES_$name='$(pages_of $name)'"; done

# check_shapes TEXT: each guest has on each physical node what its targets leave it, as Xen counts it and as the list says it.
check_shapes() {
    for name in $guests; do
        eval "set -- \"$1\" \$PAGES_$name"
        check_eq "$1: $name has on each node what its targets leave it" "$(pages_of $name)" \
            "$(($2 - $(on_pnode $name 0))) $(($3 - $(on_pnode $name 1)))"
        host 0 "the list counts $name" list $name --measure --json
        check_eq "$1: the list counts the same of $name" \
            "$(host_json domains.0.pages_by_pnode.0 domains.0.pages_by_pnode.1)" "$(pages_of $name)"
    done
}

remember_free
host 0 "144 MiB of pnode 1, of all three" free +144m --pnode 1 --spread even
check_freed "144 MiB of pnode 1" 0 36864
check_shapes "even"
host 0 "48 MiB of pnode 0, and as much again of pnode 1" free --pnode 0=+48m --pnode 1=+48m
check_freed "192 MiB of pnode 1, 48 MiB of pnode 0" 12288 49152
check_shapes "both nodes"
host 0 "the list" list
# A vnode of 128 MiB keeps 64 MiB.
host 64 "less than a vnode of 128 MiB keeps" set three --vnode 1=66m
host 0 "all that it may give" set three --vnode 1=64m --wait
check_shapes "a vnode of 128 MiB"
for name in $guests; do host 0 "back" set $name --total 0 --wait; done
check_freed "all is back" 0 0
check_shapes "all is back"

KILL_MIB=144
SEED=${SEED:-$(date +%s)}
kill_guests $guests
kill_rounds "${ROUNDS:-20}"
sed 's/^/@@ watch: /' /run/watch.log
stop_watch
stop_guests
finish
