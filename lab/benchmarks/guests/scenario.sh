# The moves of `moves` in other guests: HVM, as stock xl builds it; PVH whose clock Xen emulates, as it does on a machine
# that does not promise a steady one; PVH whose kernel does not clear pages when they are allocated. The bare program, the
# product and Linux's own balloon in turn.

# other_steps: what the bare program needs with larger and smaller steps, and with single frames.
other_steps() {
    bare_steps 1 1 1
    for chunk in 4 8 16 32 64; do bare_steps 4 $chunk 64; done
    for batch in 64 512 4096; do bare_frames $batch; done
}

# compare NAME: in a guest of the kind that the settings say.
compare() {
    OF=$1.
    start_guest
    prepare_comparison
    for try in 1 2 3 4 5; do compare_bare; done
    [ "$1" != hvm ] || other_steps
    our_moves
    check "$1: the daemon ends" stop_daemon
    check_all_back "$1: at the end"
    kernel_moves
    stop_guest
}

GUEST_TYPE=hvm
compare hvm
# shellcheck disable=SC2034 # of dom0/lib.sh
GUEST_TYPE=pvh XL_CONFIG=
compare emulated-clock
# shellcheck disable=SC2034 # of dom0/lib.sh
XL_CONFIG='tsc_mode="native"' KARGS=init_on_alloc=0
compare uncleared
finish
