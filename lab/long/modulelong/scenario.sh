# The kernel module for long: 10,000 random moves with faults, the audit exact after each hundred.
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
    # What is in doubt is looked at again once nothing else is held.
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
