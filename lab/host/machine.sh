# shellcheck shell=bash
# The emulated computer. Sourced by lab/run.

# One instruction takes one nanosecond of the machine's time, on one host thread: what happens inside does not depend
# on how busy this machine is, and times repeat. Sleeping inside costs no time here.
CLOCK=(-accel "tcg,thread=single" -icount "shift=0,sleep=off")

# Xen clears all free memory at start unless told not to: ten seconds of an emulated CPU. dom0's kernel goes without the
# mitigations for the same reason; the guest's does not, so that its times are those of a stock kernel.
XEN_ARGUMENTS="console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all conring_size=256k noreboot=1"
XEN_ARGUMENTS+=" dom0_mem=1G,max:1G bootscrub=0"
DOM0_ARGUMENTS="console=hvc0 panic=1 loglevel=4 mitigations=off"

# The machine itself, with the work directory's disk. Two serial lines: the first is everybody's console, the second
# carries what the scenario reports and nothing else.
machine() {
    local console=$1 report=$2
    MACHINE=(
        -machine q35 -cpu "qemu64,+svm,+npt" -m "$((2 * PNODE_MIB))M" -smp 2
        -object "memory-backend-ram,id=m0,size=${PNODE_MIB}M" -numa "node,nodeid=0,cpus=0,memdev=m0"
        -object "memory-backend-ram,id=m1,size=${PNODE_MIB}M" -numa "node,nodeid=1,cpus=1,memdev=m1"
        -numa "dist,src=0,dst=1,val=20"
        -nodefaults -display none -no-reboot -serial "file:$console" -serial "file:$report"
        -drive "file=$work/dom0.disk,format=raw,if=none,id=files,readonly=on" -device "virtio-blk-pci,drive=files"
        -kernel "$(xen_image)" -append "$XEN_ARGUMENTS" -initrd "$CACHE/vmlinux $DOM0_ARGUMENTS,$work/boot.img"
    )
}

# run_machine CONSOLE REPORT SECONDS: lets it go on from the snapshot until it powers off. 124 when it took too long.
# Replaces the shell: run it in the background.
run_machine() {
    local seconds=$3 profile=()
    [ -z "$PROFILE" ] || profile=(-plugin "$work/programs/profile.so,out=$work/profile")
    machine "$1" "$2"
    exec timeout --kill-after=10 "$seconds" qemu-system-x86_64 "${CLOCK[@]}" "${profile[@]}" "${MACHINE[@]}" \
        -monitor none -incoming "exec:cat '$snapshot'" < /dev/null
}
