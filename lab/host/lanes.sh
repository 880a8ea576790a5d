# shellcheck shell=bash
# Two lanes, one for each of the two processors that the tests are made for. A scenario's machine takes one of them; so does
# other work that goes on beside the scenarios (scripts/test).

# take_lane FOLDER [LANE]: waits for lane 1 or 2, or only for the named one. The lane is free again when this process
# and
# those that it started have ended, or closed the descriptor in $lane.
take_lane() {
    local number
    for number in ${2:-1 2}; do
        exec {lane}> "$1/lane$number"
        if flock -n "$lane"; then return; fi
        exec {lane}>&-
    done
    # Lane 2 is the one that other work holds.
    exec {lane}> "$1/lane${2:-2}"
    flock "$lane"
}
