# Other programs change holes and files: holes are filled behind the daemon's back, files cut, punched, removed,
# replaced, unmounted. The audit reports it, what can be mended is mended, and nothing is lost.
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

# Without a daemon no process remembers the sizes: the next start finds out what is a hole, and goes on from there.
check "the daemon ends" stop_daemon
guest "probe fill $PAGES_DIRECTORY/vnode0 0 0; probe fill $PAGES_DIRECTORY/vnode1 1 47 511"
check "the daemon starts again" start_daemon
check "vnode 0 is whole again" wait_reached 0 65536
check "vnode 1 is whole again" wait_reached 1 98304
check_given "whole again" 65536 98304
check_audit "whole again" 80

# --- The mount -------------------------------------------------------------------------------------------------------

guest "umount $PAGES_DIRECTORY" > /dev/null 2>&1
check "nobody unmounts the pages by mistake" [ $? != 0 ]

# --- The cost of an audit --------------------------------------------------------------------------------------------

# audit_seconds OPTION: guest time, as the guest's clock counts it.
audit_seconds() {
    guest "a=\$(cut -d ' ' -f 1 /proc/uptime); balloonctl audit $1 > /dev/null 2>&1; b=\$(cut -d ' ' -f 1 /proc/uptime)
        echo \$a \$b" | awk '{ printf "%.2f\n", $2 - $1 }'
}
note "an audit of 80 extents takes $(audit_seconds) s, a quick one $(audit_seconds --quick) s of the guest's time"

# --- The files -------------------------------------------------------------------------------------------------------

# mended TEXT [SLOTS]: both balloons have their former sizes, and an audit of every frame confirms it.
mended() {
    # What was published last may be what was before.
    sleep 2
    check "$1: vnode 0 is whole again" wait_reached 0 65536
    check "$1: vnode 1 is whole again" wait_reached 1 98304
    check_given "$1" 65536 98304
    check_audit "$1" ${2:-80}
}

# The kernel reports it at once, and the daemon populates the holes before any program can get the pages.
changes() { guest_log daemon | grep -c "the balloon's file was changed"; }
is_noticed() { [ "$(changes)" = "$1" ]; }
guest "truncate -s 20M $PAGES_DIRECTORY/vnode1"
check "a file that was cut by 38 slots is noticed" wait_until 5 is_noticed 1
mended "a file that was cut by 38 slots"
guest "probe punch $PAGES_DIRECTORY/vnode1 30"
check "a page that was punched out is noticed" wait_until 5 is_noticed 2
# Its slot stays, without a page.
mended "a page that was punched out" 81
guest "truncate -s 200M $PAGES_DIRECTORY/vnode0"
check "a file that was lengthened is noticed" wait_until 5 is_noticed 3
mended "a file that was lengthened" 81

guest "rm $PAGES_DIRECTORY/vnode0"
check "a removed file's vnode is brought back within 3 s" wait_row 0 size 0 3
check_row "a removed file" 0 0 held files-removed
check_given "a removed file" 0 98304
audit_finds "the audit names a removed file" "" "0 0 file-removed;"
check "10 s later there is a new file" wait_row 0 size 65536 15
mended "a removed file" 81

guest "cd $PAGES_DIRECTORY && mv vnode1 other && : > vnode1"
check "a replaced file's vnode is brought back within 3 s" wait_row 1 size 0 3
check_row "a replaced file" 1 0 held files-removed
audit_finds "the audit names a replaced file" "" "1 0 file-replaced;"
mended "a replaced file"
check_eq "the other file is empty" "$(guest "cd $PAGES_DIRECTORY && ls -s other && rm other" | tr -d ' ')" 0other

# No daemon runs, but the holder has the file.
check "the daemon is killed" kill_daemon
guest "rm $PAGES_DIRECTORY/vnode1"
guest "balloonctl audit --json 2> /dev/null" > /tmp/audit.json
check_has "without a daemon: the audit names the file" "$(cat /tmp/audit.json)" '"kind":"file-removed"'
check "the daemon starts again" start_daemon
check "a file removed meanwhile is found, and emptied" wait_row 1 size 0 5
mended "a file removed while nobody looked"

# A lazy umount takes the pages out of sight; the holder has the mount.
guest "umount -l $PAGES_DIRECTORY"
check_eq "a lazy umount: the pages are out of sight" "$(guest "ls $PAGES_DIRECTORY")" ""
targets 32768 81920
check "a lazy umount: 32 MiB on vnode 0 are reached" wait_reached 0 32768
check "a lazy umount: 80 MiB on vnode 1 are reached" wait_reached 1 81920
check_given "a lazy umount" 32768 81920
check "the daemon ends" stop_daemon
targets 65536 98304
check "the daemon starts again" start_daemon
mended "a lazy umount"
check_eq "a lazy umount: the files are in the new mount" "$(guest "ls $PAGES_DIRECTORY" | tr '\n' ' ')" "vnode0 vnode1 "

targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
check_all_back "all back"

# Cut while no daemon runs: no process knows the frames any more, but the holder's pins keep them from Linux.
targets 65536 98304
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check "96 MiB on vnode 1 are reached" wait_reached 1 98304
check "the daemon is killed" kill_daemon
guest "truncate -s 86M $PAGES_DIRECTORY/vnode1"
check_eq "cut while nobody looks: nothing of it is in the pool" "$(pool_counts)" "32 0 48 0 "
check "the daemon starts again" start_daemon
targets 0 0
check "vnode 0 is back" wait_reached 0 0
check "vnode 1 is back" wait_reached 1 0
audit_finds "the audit names it" "" "1 0 lost;"
check_given "five extents stay away" 0 10240
check_eq "five extents stay away: they are in use" "$(pool_counts)" "0 0 5 0 "

# Punched out while nobody looks, and others' pages are free in the pool: whoever looks for the page must not make one, or
# nothing would show that the one before is missing.
targets 65536 0
check "64 MiB on vnode 0 are reached" wait_reached 0 65536
check "the daemon is killed" kill_daemon
guest "echo 35 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages;
    probe punch $PAGES_DIRECTORY/vnode0 30"
check_eq "punched while nobody looks: it is not in the pool" "$(pool_counts)" "35 3 5 0 "
check "the daemon starts again" start_daemon
targets 0 0
check "vnode 0 is back" wait_reached 0 0
audit_finds "the audit names both" "" "0 0 lost;1 0 lost;"
check_given "one more extent stays away" 2048 10240
check_eq "one more extent stays away: it is in use" "$(pool_counts)" "4 3 5 0 "
end_pattern
check "the daemon ends" stop_daemon
finish
