# shellcheck shell=bash
# What docs/performance.md says in words: how it is measured, what keeps a goal from being met, what was tried. All figures
# in it are those of the run. Sourced by lab/bench.

how_it_is_measured() {
    cat <<TEXT
### How it is measured

- \`make bench\` repeats all of it (lab/benchmarks, lab/README.md). The product, the bare program and Linux's own balloon
  take turns in one guest of one run. Linux's comes last, because it moves memory between the physical nodes.
- All processors of the emulated machine share one clock of instructions, so nothing may poll while something is measured:
  dom0 waits for xenstore's watch, and in the guest one program looks at \`current_kb\` a thousand times a second. Dom0's and
  the guest's times are compared as Xen's system time (lab/tools/xentime.h).
- *First step to last inside the daemon*: from its first hypercall after the target to its last note in the intent record.
  A preloaded library counts the daemon's calls (lab/tools/calls.c); the daemon itself is as it is installed.
- *bare program*: lab/tools/bare.c grows the pool, faults pages in, gives them, takes them back and frees them. It asks
  nobody anything, notes nothing, pins nothing.
- *xen-balloon*: memory/target is written as \`xl mem-set\` does, without the time that xl takes to start.
TEXT
}

# missed WHAT...: whether a goal whose text begins so is missed.
missed() { grep -qF "FAIL bench: $*" "$goals"; }

# What keeps a goal from being met, for those that were missed.
why_missed() {
    local give unasked
    if missed "inflate 256 MiB" || missed "processor time for a GiB, inflate"; then
        give=$(rounded "$(calculate "$(phase_time inflate give 4) / $(value bare.inflate) * 100")")
        cat <<TEXT
- **The inflate beside xen-balloon, its processor time too**: even the bare program is only
  $(rounded "$(ratio kernel.inflate bare.inflate)") times as fast as xen-balloon. $give % of its time is one hypercall, in which Xen takes the 512
  entries of each extent out of its tables, one by one. Nothing that a guest can do makes that cheaper. The deflate, where
  Xen puts in one entry an extent, is $(rounded "$(ratio kernel.deflate bare.deflate)") times as fast.
TEXT
    fi
    if missed "deflate 256 MiB"; then
        cat <<TEXT
- **The deflate beside xen-balloon**: the bare program and two ways through xenstore, $(ms ours.deflate.first-hypercall) for the target and
  $(ms ours.deflate.published) for the answer, are together
  $(rounded "$(calculate "$(value kernel.deflate) / ($(value bare.deflate) + $(value ours.deflate.first-hypercall) + $(value ours.deflate.published))")") times as fast. The more is moved, the less the way counts.
TEXT
    fi
    if missed "the same inflate"; then
        unasked=$(calculate "$(phase_time inflate probe) + $(phase_time inflate zoneinfo) + $(phase_time inflate small-file)")
        cat <<TEXT
- **The inflate beside the bare program**: asking Xen whether new pages are RAM and the domain is not being migrated, asking
  the kernel what the guest can spare, and minding what others have in the pool take $(rounded "$unasked") ms. Larger steps would ask
  less often, and whoever wants something would wait longer. The one large hypercall itself took $(rounded "$(calculate "$(phase_time inflate give 3)")") ms here and $(rounded "$(calculate "$(phase_time inflate give 4)")") ms in the bare program, for as many frames; the
  work is the same (*Where the time goes*).
TEXT
    fi
    if missed "dom0's write"; then
        cat <<TEXT
- **The first hypercall**: the targets of all vnodes and memory/target are read first, each by a way through xenstore, then what the guest can
  spare. One after the other it came after $(all_values ours.inflate.first-hypercall)ms in the inflates, $(all_values ours.deflate.first-hypercall)ms in the deflates.
TEXT
    fi
}

# How much the longest of the bare program's hypercalls is above the shortest, for the same amount.
# shellcheck disable=SC2046 # one word each
spread_of_gives() { spread $(awk '$1 ~ /^cycle\.[0-9]+\.[0-9]+\.give$/ { print $2 }' "$figures"); }

# What the parts say of other ways to do it. Figures only from this run.
what_was_tried() {
    cat <<TEXT
- **Larger batches** save nothing in the kernel: one extent at a time costs $(rounded "$(value cycle.1.1.inflate)") ms a GiB, 64 cost
  $(rounded "$(value cycle.4.64.inflate)"). The hypercall alone differs by $(spread_of_gives) % between the lines above, whatever the batch. What larger
  batches save is our own part of each step, so a step is 8 extents; whoever wants something waits for one step at most.
- **Growing the pool in one write or many**: $(rounded "$(value cycle.64.4.pool)") ms a GiB with 64 pages a write,
  $(rounded "$(value cycle.4.4.pool)") with 4, $(rounded "$(value cycle.1.4.pool)") with 1. So 4, and the kernel never looks for pages for long.
- **Zeroing**: the kernel clears each page once, when it is faulted in ($(rounded "$(value cycle.4.4.fault)") ms a GiB); we clear nothing. Giving while
  a second thread has the next pages cleared could save that much at most,
  $(rounded "$(calculate "$(value cycle.4.4.fault) / $(value cycle.4.4.inflate) * 100")") %, for a second thread among the rules that keep a guest
  alive: not done.
- **Pinning** costs $(rounded "$(calculate "$(phase_time inflate pin)")") ms of the inflate. It stays behind the faulting and before the
  frame number is read: that order is a rule, not a choice.
TEXT
}
