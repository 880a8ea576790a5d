# shellcheck shell=bash
# The text of docs/performance.md: how it is measured, what keeps a goal from being met, what was tried. All figures in
# it are those of the run. Sourced by lab/bench.

how_it_is_measured() {
    cat <<TEXT
### How it is measured

- \`make bench\` repeats all of it (lab/benchmarks, lab/README.md). The product, the bare program and Linux's own balloon
  take turns in one guest of one run. Linux's comes last, because it moves memory between the physical nodes.
- All processors of the emulated machine share one clock of instructions, so nothing may poll while something is measured:
  dom0 waits for xenstore's watch, and in the guest one program looks at \`current_kb\` a thousand times a second. Dom0's and
  the guest's times are compared as Xen's system time (lab/programs/xentime.h).
- *First step to last inside the daemon*: from its first hypercall after the target to its last note in the intent record.
  A preloaded library counts the daemon's calls (lab/programs/calls.c); the daemon itself is as it is installed.
- *bare program*: lab/programs/bare.c grows the pool, faults pages in, gives them, takes them back and frees them. It asks
  nobody anything, notes nothing, pins nothing.
- *\`xl mem-set\`*: the command, from its start in dom0 until Linux's own balloon (xen-balloon) has the last page:
  \`current_kb\` is final. *memory/target alone*: from writing the row that xl writes. The goals are judged by \`xl mem-set\`,
  whose own part is $(difference mem-set.inflate kernel.inflate) ms of the inflate and $(difference mem-set.deflate kernel.deflate) ms of the deflate.
TEXT
}

# missed WHAT...: whether a goal whose text begins so is missed.
missed() { grep -qF "FAIL bench: $*" "$goals"; }

# gives, step: our hypercalls in an inflate of 256 MiB, and the extents of each.
gives() { phases inflate | awk '$1 == "give" { print $2 }'; }
step() { calculate "128 / ($(gives))"; }

# give_share OF: how much of the bare program's inflate is the hypercall, in per cent, at the product's step.
give_share() { rounded "$(calculate "$(value "$1cycle.4.16.give") / $(value "$1cycle.4.16.inflate") * 100")"; }

# on_the_way OF: how much faster than xl mem-set the bare program's deflate and the two ways through xenstore are together.
on_the_way() {
    local ways
    ways="$(value "$1ours.deflate.first-hypercall") + $(value "$1ours.deflate.published")"
    rounded "$(calculate "$(value "$1mem-set.deflate") / ($(value "$1bare.deflate") + $ways)")"
}

# why_missed OF TEXT: what keeps a guest's goals from being met, for those that were missed. OF and TEXT as of move_rows.
why_missed() {
    local of=$1 text=$2 the="${2}the" also=''
    [ -n "$text" ] || the=The
    ! missed "${text}processor time for a GiB, inflate" || also=', and its processor time'
    if missed "${text}inflate 256 MiB" || [ -n "$also" ]; then
        cat <<TEXT
- **$the inflate beside \`xl mem-set\`$also**: even the bare program is only
  $(rounded "$(ratio "${of}mem-set.inflate" "${of}bare.inflate")") times as fast. $(give_share "$of") % of its time is one hypercall, in which Xen takes the 512 entries of each extent out of
  its tables, one by one. Nothing that a guest can do makes that cheaper. The deflate, where Xen puts in one entry an
  extent, is $(rounded "$(ratio "${of}mem-set.deflate" "${of}bare.deflate")") times as fast.
TEXT
    fi
    if missed "${text}deflate 256 MiB"; then
        cat <<TEXT
- **$the deflate beside \`xl mem-set\`**: the bare program and two ways through xenstore, $(ms "${of}ours.deflate.first-hypercall") for the target and
  $(ms "${of}ours.deflate.published") for the answer, are together $(on_the_way "$of") times as fast. The more is moved, the less the way counts.
TEXT
    fi
    if missed "${text}the same inflate"; then why_more_than_bare "$of" "$the"; fi
    if missed "${text}dom0's write"; then
        cat <<TEXT
- **$the first hypercall**: the target and the size that it must fit are read first, each by a way through xenstore, then
  what the guest can spare. One after the other it came after $(all_values "${of}ours.inflate.first-hypercall")ms in the inflates,
  $(all_values "${of}ours.deflate.first-hypercall")ms in the deflates.
TEXT
    fi
}

# difference NAME OTHER: of two figures; `-` where one was not measured.
difference() { rounded "$(calculate "($(value "$1")) - ($(value "$2"))")"; }

# why_more_than_bare OF THE: the calls were timed one by one in the guest of moves only.
why_more_than_bare() {
    local unasked
    echo "- **$2 inflate beside the bare program**: $(difference "$1ours.inflate.inside" "$1bare.inflate") ms more."
    if [ -n "$1" ]; then
        echo "  The daemon asks what it asks in the PVH guest."
        return
    fi
    unasked=$(calculate "$(phase_time inflate probe) + $(phase_time inflate zoneinfo) + $(phase_time inflate small-file)")
    cat <<TEXT
  Asking Xen whether new pages are RAM and the domain is not being migrated, asking the kernel what the guest can spare,
  and minding what others have in the pool take $(rounded "$unasked") ms. Larger steps would ask less often, and whoever wants something
  would wait longer. The one large hypercall itself took $(rounded "$(calculate "$(phase_time inflate give 3)")") ms here and $(rounded "$(calculate "$(phase_time inflate give 4)")") ms in the bare program, for as
  many frames; the work is the same (*Where the time goes*).
TEXT
}

# of_batches OF: what giving single frames costs in us: each hypercall, and each frame besides; from 64 and 4096 a hypercall.
of_batches() {
    awk -v small="$(value "$1frames.64.give")" -v large="$(value "$1frames.4096.give")" 'BEGIN {
        if (small == "-" || large == "-") { print "- -"; exit }
        call = (small - large) / (1 / 64 - 1 / 4096)
        print call, large - call / 4096
    }'
}

# Why Linux's own balloon takes longer in HVM: it gives single frames, 512 a hypercall.
why_hvm_differs() {
    local hvm pvh calls frames
    read -r -a hvm < <(of_batches hvm.)
    read -r -a pvh < <(of_batches '')
    calls=$(calculate "((${hvm[0]}) - (${pvh[0]})) / 1000")
    frames=$(calculate "(${hvm[1]}) - (${pvh[1]})")
    cat <<TEXT
xen-balloon's inflate takes $(difference hvm.kernel.inflate kernel.inflate) ms longer in HVM than in PVH, ours $(difference hvm.ours.inflate ours.inflate) ms. The bare program, giving single frames, tells why:
in HVM each hypercall costs $(rounded "$calls") ms more (after it Xen has the device model in dom0 drop its mappings), and each
entry of its list $(rounded "$frames") us more. For 256 MiB xen-balloon makes 128 hypercalls of 512 entries:
$(rounded "$(calculate "128 * ($calls)")") and $(rounded "$(calculate "65.536 * ($frames)")") ms. We make $(gives) hypercalls of $(step) entries.
TEXT
}

# How much the longest of the bare program's hypercalls is above the shortest, for the same amount.
# shellcheck disable=SC2046 # one word each
spread_of_gives() { spread $(awk '$1 ~ /^cycle\.[0-9]+\.[0-9]+\.give$/ { print $2 }' "$figures"); }

# What the parts say of other ways to do it. Figures only from this run.
what_was_tried() {
    cat <<TEXT
- **Larger batches** save nothing in the kernel: one extent at a time costs $(rounded "$(value cycle.1.1.inflate)") ms a GiB, 64 cost
  $(rounded "$(value cycle.4.64.inflate)"). The hypercall alone differs by $(spread_of_gives) % between the lines above, whatever the batch. What larger
  batches save is our own part of each step, so a step is $(step) extents; whoever wants something waits for one step at most. In HVM, where a hypercall
  costs more, one extent at a time costs $(rounded "$(value hvm.cycle.1.1.inflate)") ms a GiB, 4 cost $(rounded "$(value hvm.cycle.4.4.inflate)"), 16 $(rounded "$(value hvm.cycle.4.16.inflate)") and 64 $(rounded "$(value hvm.cycle.4.64.inflate)").
- **Growing the pool in one write or many**: $(rounded "$(value cycle.64.4.pool)") ms a GiB with 64 pages a write,
  $(rounded "$(value cycle.4.4.pool)") with 4, $(rounded "$(value cycle.1.4.pool)") with 1. So 4, and the kernel never looks for pages for long.
- **Zeroing**: we clear nothing. Debian's kernel clears each page twice: when the pool gets it (\`init_on_alloc\`, the
  default there), and when it is faulted in ($(rounded "$(value cycle.4.4.fault)") ms a GiB), which is the scrubbing. In a guest booted with
  \`init_on_alloc=0\` growing the pool for 256 MiB takes $(ms uncleared.bare.inflate.pool), not $(ms bare.inflate.pool), and our inflate $(ms uncleared.ours.inflate), not $(ms ours.inflate);
  xen-balloon gains as much ($(ms uncleared.kernel.inflate), not $(ms kernel.inflate)).
  That option protects all of the kernel: it is not for a balloon to turn it off.
- **Giving while a second thread has the next pages cleared** could save $(rounded "$(calculate "$(value cycle.4.4.fault) / $(value cycle.4.4.inflate) * 100")") % at most, where a second processor is idle, for
  a second thread among the rules that keep a guest alive: not done.
- **Pinning** costs $(rounded "$(calculate "$(phase_time inflate pin)")") ms of the inflate. It stays behind the faulting and before the
  frame number is read: that order is a rule, not a choice.
TEXT
}
