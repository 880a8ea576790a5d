# Other people's hands: holes that are filled behind the daemon's back, a pool that somebody sets to nothing, a file
# that somebody removes. The audit tells, and nothing is lost.
start_guest
remember_pages
check "the daemon starts" start_daemon
check "the guest's memory is in use" start_pattern 96 96
targets 65536 98304
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check "96 MiB on vnode 1 are reached" wait_reached 1 98304

# audit_finds TEXT OPTION FINDINGS: exit 75, and these findings (`vnode slot kind`, one a line).
audit_finds() {
    guest "balloonctl audit --json $2 2> /dev/null" > /tmp/audit.json
    code=$?
    sed 's/^/@@ /' /tmp/audit.json
    found=$(grep -o '"vnode":[0-9]*,"slot":[0-9]*,"gfn":[0-9]*,"kind":"[a-z-]*"' /tmp/audit.json |
        sed 's/"vnode":\([0-9]*\),"slot":\([0-9]*\),"gfn":[0-9]*,"kind":"\(.*\)"/\1 \2 \3/' | sort | tr '\n' ';')
    check_eq "$1" "$code $(jsonget clean < /tmp/audit.json) $found" "75 false $3"
}

# --- Holes are filled ------------------------------------------------------------------------------------------------

guest "probe fill $PAGES_DIRECTORY/vnode1 1 5; probe fill $PAGES_DIRECTORY/vnode1 1 7 300"
check_given "an extent and a frame are filled" 65536 $((98304 - 2048 - 4))
audit_finds "the quick audit finds the extent" --quick "1 5 ram-in-balloon;"
audit_finds "the audit finds both" "" "1 5 ram-in-balloon;1 7 ram-in-balloon;"
check_exit "audit --repair" 0 "balloonctl audit --repair"
check_audit "repaired" 80
check_given "repaired" 65536 98304
check_agree "repaired"

# Without a daemon nobody remembers: the next start finds what is a hole, and goes on from there.
check "the daemon ends" stop_daemon
guest "probe fill $PAGES_DIRECTORY/vnode0 0 0; probe fill $PAGES_DIRECTORY/vnode1 1 47 511"
check "the daemon starts again" start_daemon
check "vnode 0 is whole again" wait_reached 0 65536
check "vnode 1 is whole again" wait_reached 1 98304
check_given "whole again" 65536 98304
check_audit "whole again" 80

# --- The pool --------------------------------------------------------------------------------------------------------

guest "umount $PAGES_DIRECTORY" > /dev/null 2>&1
check "nobody unmounts the pages by mistake" [ $? != 0 ]
guest "echo 0 > /proc/sys/vm/nr_hugepages"
check_given "somebody sets the pool to nothing" 65536 98304
targets 32768 81920
check "32 MiB on vnode 0 are reached" wait_reached 0 32768
check "80 MiB on vnode 1 are reached" wait_reached 1 81920
check_given "32 MiB on vnode 0 and 80 MiB on vnode 1" 32768 81920
check_audit "32 MiB on vnode 0 and 80 MiB on vnode 1" 56
targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
check_all_back "with no pool"
targets 32768 114688
check "32 MiB on vnode 0 are reached" wait_reached 0 32768
check "112 MiB on vnode 1 are reached" wait_reached 1 114688
check_given "32 MiB on vnode 0 and 112 MiB on vnode 1" 32768 114688

# --- A file ----------------------------------------------------------------------------------------------------------

guest "rm $PAGES_DIRECTORY/vnode0"
target 1 65536
check "a removed file's vnode is brought back" wait_row 0 size 0 90
check_row "a removed file" 0 0 held files-removed
check "vnode 1 goes on" wait_reached 1 65536
check_given "a removed file" 0 65536
check "the daemon ends" stop_daemon
check "the daemon starts again" start_daemon
check "vnode 0 follows again" wait_reached 0 32768
check_given "with a new file" 32768 65536

targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
end_pattern
check "the daemon ends" stop_daemon
check_all_back "at the end"
finish
