# A long test of the kernel module: other guests, then 10,000 random moves with faults, with an exact audit after each
# hundred.

# exact_in TEXT: held, taken back, to the page.
exact_in() {
    remember_pages
    figures_before=$(memory_figures)
    check "$1: the module is loaded" guest 'insmod /lib/modules/vnode_balloon.ko'
    check_move "$1: 64 of vnode 1" hold 1 64 64 0
    check_move "$1: 32 of vnode 0" hold 0 32 32 0
    check_held "$1" 32 64
    check_move "$1: back to vnode 1" release 1 64 64 0
    check_move "$1: back to vnode 0" release 0 32 32 0
    check_held "$1: back" 0 0
    check_eq "$1: all as it was" "$(memory_figures)" "$figures_before"
}

# speed_in TEXT GIVE TAKE: 256 MiB, warm, in at most so many us.
speed_in() {
    for try in 1 2 3; do
        vnb hold 1 128
        give=$(($(value ns) / 1000))
        vnb release 1 128
        take=$(($(value ns) / 1000))
        note "$1: 256 MiB are given in $give us and taken back in $take us"
    done
    check_le "$1: 256 MiB are given in time" $give "$2"
    check_le "$1: and taken back in time" $take "$3"
}

# The emulated processor promises no steady clock; Xen would emulate it, 12 us each time somebody looks.
XL_CONFIG='tsc_mode="native"'
GUEST_TYPE=hvm start_guest
exact_in "HVM"
speed_in "HVM" 370000 36000
stop_guest
GUEST_TYPE=pvh start_guest
exact_in "PVH"
speed_in "PVH" 360000 36000
stop_guest
GUEST_TYPE=pvh KARGS=numa=off start_guest
exact_in "a PVH guest whose Linux has one node"
check_eq "its vnodes are known by their frames" "$(vnode_of 0 flags) $(vnode_of 1 flags)" "1 1"
stop_guest
GUEST_TYPE=pvh KARGS=
start_guest
remember_pages
start=$(memory_figures)
guest 'insmod /lib/modules/vnode_balloon_test.ko'
wrong=0
for round in $(seq 1 100); do
    guest "echo $((round % 5 + 2)) > /sys/module/vnode_balloon/parameters/fault_every"
    vnb random "$round" 100 2 60 > /dev/null
    random=$VNB_ANSWER
    guest 'echo 0 > /sys/module/vnode_balloon/parameters/fault_every'
    # The module checks extents in doubt again once nothing else is held.
    for vnode in 0 1; do
        held=$(vnode_of $vnode held)
        vnb audit $vnode > /dev/null
        [ "$VNB_ANSWER" = "extents $held holes $((held * 512)) ram 0 other 0" ] || wrong=$((wrong + 1))
        vnb release $vnode 100 > /dev/null
        [ "$(vnode_of $vnode held) $(vnode_of $vnode doubt)" = "0 0" ] || wrong=$((wrong + 1))
    done
    [ "$(total_pages)" = "$START_TOTAL" ] || wrong=$((wrong + 1))
    [ $((round % 20)) != 0 ] || note "after $((round * 100)) moves: $random"
done
check_eq "10,000 random moves with faults: the audit, and Xen's count once all is back, are exact each time" $wrong 0
check_held "at the end" 0 0
check_eq "all as it was" "$(memory_figures)" "$start"

# --- A frame that goes bad while it is held -------------------------------------------------------------------------------
vnb hold 1 4
frame=$(guest 'kpage offline first')
guest "echo $(((frame + 5) * 4096)) > /sys/devices/system/memory/hard_offline_page" > /dev/null 2>&1
vnb release 1 4
note "after a hard offline of a held frame: $VNB_ANSWER"
check_held "the domain has it all again" 0 0
check_has "a frame that is bad is not freed" "$(guest 'dmesg')" "frames are bad and stay out of use"
start_pattern 200 200
end_pattern
finish
