# privcmd without its parameter, the default of kernels since 2026: every command says what to do, and nothing moves.
start_guest
remember_pages
target 0 65536
for command in daemon "force 0 64m" doctor status audit "deflate --all"; do
    check_exit "balloonctl $command" 69 "balloonctl $command"
    check_has "balloonctl $command names the parameter" "$(cat /tmp/output)" "xen_privcmd.unrestricted=1"
done
check_all_back "after all of them"
check_eq "nothing was reported in xenstore" "$(feature)$(row 0 state)" ""
finish
