# shellcheck shell=bash
# The text of docs/performance.md: how the benchmarks measure, why goals were missed, and what else was tried. All
# figures in it are those of the run. lab/bench sources this file.

how_it_is_measured() {
    cat <<TEXT
### How it is measured

- \`make bench\` repeats all measurements (lab/benchmarks, lab/README.md). The product, the bare program and Linux's own
  balloon take turns in one guest of one run. Linux's balloon comes last, because it moves memory between the physical nodes.
- All processors of the emulated machine share one clock, which counts instructions. So no program may poll during a
  measurement. Dom0 waits for a watch of xenstore, and in the guest one program reads \`current_kb\` a thousand times a second.
  Both use Xen's system time, so that their times can be compared (lab/programs/xentime.h).
- *First step to last inside the daemon*: from the daemon's first hypercall after the target to its last note in the intent
  record. A preloaded library counts the daemon's calls (lab/programs/calls.c); the daemon is the installed one.
- *bare program*: lab/programs/bare.c grows the pool, faults pages in, gives them, takes them back and frees them. It checks
  nothing, notes nothing and pins nothing.
- *\`xl mem-set\`*: from the start of the command in dom0 until Linux's own balloon (xen-balloon) has moved the last page and
  \`current_kb\` is final. *memory/target alone*: from the write of the row that xl writes. The goals compare with \`xl mem-set\`,
  whose own part is $(difference mem-set.inflate kernel.inflate) ms of the inflate and $(difference mem-set.deflate kernel.deflate) ms of the deflate.
TEXT
}

# missed WHAT...: whether a goal was missed whose text begins with these words.
missed() { grep -qF "FAIL bench: $*" "$goals"; }

# gives, step: the daemon's hypercalls in an inflate of 256 MiB, and the extents of each.
gives() { phases inflate | awk '$1 == "give" { print $2 }'; }
step() { calculate "128 / ($(gives))"; }

# give_share OF: the hypercall's share of the bare program's inflate in per cent, at the product's step.
give_share() { rounded "$(calculate "$(value "$1cycle.4.16.give") / $(value "$1cycle.4.16.inflate") * 100")"; }

# on_the_way OF: how many times faster than xl mem-set the bare program's deflate and the two messages
# through xenstore are together.
on_the_way() {
    local ways
    ways="$(value "$1ours.deflate.first-hypercall") + $(value "$1ours.deflate.published")"
    rounded "$(calculate "$(value "$1mem-set.deflate") / ($(value "$1bare.deflate") + $ways)")"
}

# why_missed OF TEXT: why goals of one guest were missed. OF and TEXT are those of move_rows.
why_missed() {
    local of=$1 text=$2 the="${2}the" also=''
    [ -n "$text" ] || the=The
    ! missed "${text}processor time for a GiB, inflate" || also=', and its processor time'
    if missed "${text}inflate 256 MiB" || [ -n "$also" ]; then
        cat <<TEXT
- **$the inflate beside \`xl mem-set\`$also**: even the bare program is only
  $(rounded "$(ratio "${of}mem-set.inflate" "${of}bare.inflate")") times as fast. $(give_share "$of") % of its time is one hypercall, in which Xen takes the 512 entries of each extent out of
  its tables one by one. A guest can do nothing to make that cheaper. The deflate, for which Xen writes one entry for each
  extent, is $(rounded "$(ratio "${of}mem-set.deflate" "${of}bare.deflate")") times as fast.
TEXT
    fi
    if missed "${text}deflate 256 MiB"; then
        cat <<TEXT
- **$the deflate beside \`xl mem-set\`**: the bare program and two messages through xenstore, $(ms "${of}ours.deflate.first-hypercall") for the target and
  $(ms "${of}ours.deflate.published") for the answer, are together $(on_the_way "$of") times as fast. The larger the move, the less these messages count.
TEXT
    fi
    if missed "${text}the same inflate"; then why_more_than_bare "$of" "$the"; fi
    if missed "${text}dom0's write"; then
        cat <<TEXT
- **$the first hypercall**: before it the daemon reads the target and the size that limits it, each by a message through
  xenstore, and then how much memory the guest can spare. The times, in order, were $(all_values "${of}ours.inflate.first-hypercall")ms in the inflates,
  $(all_values "${of}ours.deflate.first-hypercall")ms in the deflates.
TEXT
    fi
}

# difference NAME OTHER: the difference of two figures; `-` if one of them was not measured.
difference() { rounded "$(calculate "($(value "$1")) - ($(value "$2"))")"; }

# why_more_than_bare OF THE: only in the guest of moves the calls were timed one by one.
why_more_than_bare() {
    local unasked
    echo "- **$2 inflate beside the bare program**: $(difference "$1ours.inflate.inside" "$1bare.inflate") ms more."
    if [ -n "$1" ]; then
        echo "  The daemon makes the same calls as in the PVH guest."
        return
    fi
    unasked=$(calculate "$(phase_time inflate probe) + $(phase_time inflate zoneinfo) + $(phase_time inflate small-file)")
    cat <<TEXT
  These calls take the most of it: asking Xen whether new pages are RAM and whether the domain is being migrated, asking the
  kernel how much the guest can spare, and keeping apart the pool pages of other programs. Together they take $(rounded "$unasked") ms. Larger steps would ask less often, but
  a command would wait longer for its answer. The one large hypercall itself took $(rounded "$(calculate "$(phase_time inflate give 3)")") ms here and $(rounded "$(calculate "$(phase_time inflate give 4)")") ms in the bare program, for
  the same number of frames; the work is the same (*Where the time goes*).
TEXT
}

# of_batches OF: the cost of giving single frames in us: of each hypercall, and of each frame. Computed from 64
# and 4096 frames a hypercall.
of_batches() {
    awk -v small="$(value "$1frames.64.give")" -v large="$(value "$1frames.4096.give")" 'BEGIN {
        if (small == "-" || large == "-") { print "- -"; exit }
        call = (small - large) / (1 / 64 - 1 / 4096)
        print call, large - call / 4096
    }'
}

# Why Linux's own balloon takes longer in HVM. It gives single frames, 512 in a hypercall.
why_hvm_differs() {
    local hvm pvh calls frames
    read -r -a hvm < <(of_batches hvm.)
    read -r -a pvh < <(of_batches '')
    calls=$(calculate "((${hvm[0]}) - (${pvh[0]})) / 1000")
    frames=$(calculate "(${hvm[1]}) - (${pvh[1]})")
    cat <<TEXT
xen-balloon's inflate takes $(difference hvm.kernel.inflate kernel.inflate) ms longer in HVM than in PVH, ours $(difference hvm.ours.inflate ours.inflate) ms. The bare program shows why when it gives single
frames. In HVM each hypercall costs $(rounded "$calls") ms more, because after it Xen lets the device model in dom0 drop its mappings. Each
entry of its list costs $(rounded "$frames") us more. For 256 MiB xen-balloon makes 128 hypercalls of 512 entries, which adds
$(rounded "$(calculate "128 * ($calls)")") ms for the hypercalls and $(rounded "$(calculate "65.536 * ($frames)")") ms for the entries. vnode-balloon makes $(gives) hypercalls of $(step) entries.
TEXT
}

# By how many per cent the longest of the bare program's hypercalls is longer than the shortest, for
# the same amount of memory.
# shellcheck disable=SC2046 # one word each
spread_of_gives() { spread $(awk '$1 ~ /^cycle\.[0-9]+\.[0-9]+\.give$/ { print $2 }' "$figures"); }

# What the benchmark of the parts shows about other ways to move memory.
what_was_tried() {
    cat <<TEXT
- **Larger batches** save nothing in the kernel. One extent at a time costs $(rounded "$(value cycle.1.1.inflate)") ms a GiB, 64 cost
  $(rounded "$(value cycle.4.64.inflate)"). The hypercall itself differs by $(spread_of_gives) % between the lines above, whatever the batch. Larger
  batches save only the daemon's own part of each step. So a step is $(step) extents, and a command waits for one step at most.
  In HVM, where a hypercall costs more, one extent at a time costs $(rounded "$(value hvm.cycle.1.1.inflate)") ms a GiB, 4 cost $(rounded "$(value hvm.cycle.4.4.inflate)"), 16 $(rounded "$(value hvm.cycle.4.16.inflate)") and 64 $(rounded "$(value hvm.cycle.4.64.inflate)").
- **Growing the pool by one write or many**: $(rounded "$(value cycle.64.4.pool)") ms a GiB with 64 pages a write,
  $(rounded "$(value cycle.4.4.pool)") with 4, $(rounded "$(value cycle.1.4.pool)") with 1. The daemon writes 4, so that the kernel never searches for pages for long.
- **Zeroing**: the daemon clears no page itself. Debian's kernel clears each page twice: when the pool gets it
  (\`init_on_alloc\`, the default there), and when it is faulted in ($(rounded "$(value cycle.4.4.fault)") ms a GiB). The second one scrubs the
  memory before Xen gets it. In a guest booted with \`init_on_alloc=0\` growing the pool for 256 MiB takes
  $(ms uncleared.bare.inflate.pool), not $(ms bare.inflate.pool), and the daemon's inflate $(ms uncleared.ours.inflate), not $(ms ours.inflate).
  xen-balloon gains as much ($(ms uncleared.kernel.inflate), not $(ms kernel.inflate)).
  That option protects the whole kernel, so a balloon must not turn it off.
- **Giving extents while a second thread faults in the next pages** could save at most $(rounded "$(calculate "$(value cycle.4.4.fault) / $(value cycle.4.4.inflate) * 100")") %, and only if a second processor
  is idle. A second thread would complicate the order of calls that keeps a guest's memory safe. So it is not done.
- **Pinning** costs $(rounded "$(calculate "$(phase_time inflate pin)")") ms of the inflate. A page must be pinned after it is faulted in and before
  its frame number is read; this order cannot be changed.
TEXT
}
