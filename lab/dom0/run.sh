# shellcheck shell=sh
# Runs one scenario. The second serial line (file descriptor 3) takes its report to lab/run.
stty -F /dev/ttyS1 raw 2>/dev/null
exec 3> /dev/ttyS1
. /lab/dom0/lib.sh
. /lab/dom0/vnode.sh
. /lab/dom0/moves.sh
. /lab/dom0/module.sh
. /lab/dom0/bench.sh
. /lab/dom0/host.sh
. /lab/dom0/hostkill.sh
. /lab/options
echo "@@ dom0 is up at $(uptime_seconds) s"
. /lab/scenario.sh
