# shellcheck shell=sh
# What is killed while memory is made free over several guests: scenarios hostkill and hostfree. The moments follow from a seed.

# random MOST: sets RANDOM_NUMBER to 0..MOST; the next one of the row that begins with SEED.
random() {
    SEED=$(((SEED * 1103515245 + 12345) % 2147483648))
    RANDOM_NUMBER=$((SEED / 4096 % ($1 + 1)))
}

# kill_guests NAME...: the guests of all rounds. Remembers how things are before anything is asked of them.
kill_guests() {
    KILL_GUESTS=$*
    KILL_IDS=$(for kill_guest in $KILL_GUESTS; do id_of "$kill_guest"; done)
    KILL_START=$(kill_state)
    set -- $(hostcount free)
    KILL_WANTED=$(($2 * 4 + KILL_MIB * 1024))
}

# kill_state: what Xen has free on each node, then each guest: its pages and its targets.
kill_state() {
    echo "free $(hostcount free | one_line)"
    for kill_id in $KILL_IDS; do
        echo "d$kill_id $(hostcount domain "$kill_id" | cut -d ' ' -f 1) $(xenstore-ls -f "/local/domain/$kill_id/memory" |
            sed -n 's/.*vnode\([0-9]\)\/target-balloon-size = "\([0-9]*\)"/\1=\2/p' | sort | one_line)"
    done
}

kill_reservations() { xenstore-list /vnode-balloon/reservation 2> /dev/null | wc -l; }
no_reservation() { [ "$(kill_reservations)" = 0 ]; }

# kill_command KIND: what is asked; `run` makes a reservation for the time of its command. It takes the shell's place, so that
# its process is the one that the shell knows.
kill_command() {
    exec > /run/kill.out 2>&1
    case $1 in
        run) exec balloonctl host run --pnode 1=${KILL_WANTED}k -- sleep 0.2 ;;
        *) exec balloonctl host free ${KILL_WANTED}k --pnode 1 --spread even ;;
    esac
}

# kill_back: all memory back in the guests.
kill_back() {
    for kill_guest in $KILL_GUESTS; do balloonctl host set "$kill_guest" --total 0; done > /run/kill.out 2>&1
    balloonctl host wait $KILL_GUESTS > /run/kill.out 2>&1 || {
        sed 's/^/@@ | /' /run/kill.out
        fail "$1: the guests take their memory back"
    }
    check_eq "$1: all is as it was" "$(kill_state)" "$KILL_START"
}

# kill_reference KIND: how it ends when nobody is killed: KILL_END_KIND, and KILL_MS_KIND, how long it takes.
kill_reference() {
    kill_began=$(uptime_ms)
    (kill_command "$1")
    check_eq "$1, not disturbed: exit 0" $? 0
    eval "KILL_MS_$1=$(($(uptime_ms) - kill_began)) KILL_END_$1=\$(kill_state)"
    eval "note \"$1 takes \$KILL_MS_$1 ms and ends so: \$KILL_END_$1\""
    kill_back "$1, not disturbed"
}
uptime_ms() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }

# kill_round NUMBER: a kind, its victim and a moment at random; then the same command again, as an administrator would.
# Fails when the command had ended before.
kill_round() {
    random 3
    case $RANDOM_NUMBER in
        0) kill_kind=watch kill_of=free ;;
        1) kill_kind=run kill_of=run ;;
        *) kill_kind=free kill_of=free ;;
    esac
    eval "kill_most=\$KILL_MS_$kill_of kill_end=\$KILL_END_$kill_of"
    # Every second one falls while plans are made and written.
    [ $(($1 % 2)) = 0 ] || kill_most=$((kill_most / 4))
    random $kill_most
    kill_after=$RANDOM_NUMBER
    kill_text="round $1, $kill_kind killed after $kill_after ms"
    kill_seconds=$(awk -v ms=$kill_after 'BEGIN { printf "%.3f", ms / 1000 }')
    kill_command $kill_of &
    kill_worker=$!
    sleep "$kill_seconds"
    if [ $kill_kind = watch ]; then
        stop_watch KILL
        kill_code=$?
        check_eq "$kill_text: SIGKILL" $kill_code 137
        await_end $kill_worker 60 "$kill_text: the command"
        wait $kill_worker
        check_eq "$kill_text: the command ends with 0" $? 0
        check "$kill_text: the next daemon starts" start_watch
    else
        kill -KILL $kill_worker 2> /dev/null
        wait $kill_worker
        kill_code=$?
        note "$kill_text: its exit code is $kill_code, then $(kill_state | one_line); reservations: $(kill_reservations)"
        (kill_command $kill_of)
        check_eq "$kill_text: the same command again: exit 0" $? 0
    fi
    check_eq "$kill_text: the same end" "$(kill_state)" "$kill_end"
    check "$kill_text: no reservation is left" wait_until 15 no_reservation
    kill_back "$kill_text"
    [ $kill_code = 137 ]
}

# kill_rounds COUNT: so many kills that met their victim.
kill_rounds() {
    note "kills at random moments, from the seed $SEED on: LAB_SET='SEED=$SEED' plays them again"
    kill_reference free
    kill_reference run
    kill_met=0
    for kill_number in $(seq 1 $(($1 * 2))); do
        [ $kill_met -lt "$1" ] || break
        if kill_round "$kill_number"; then kill_met=$((kill_met + 1)); fi
    done
    check_eq "so many kills met their victim" $kill_met "$1"
}
