# The conformance suite against a real Xen: the same checks that the unit tests run against the simulation.
start_guest
remember_pages
GUEST_SECONDS=300 guest conformance > /tmp/output 2>&1
code=$?
sed 's/^/@@ /' /tmp/output
while read -r verdict text; do
    case $verdict in
        ok) pass "$text" ;;
        FAIL) fail "$text" ;;
    esac
done < /tmp/output
check_eq "it ends with exit code 0" $code 0
check "it has checks" grep -q '^ok ' /tmp/output
check_all_back "at the end"
finish
