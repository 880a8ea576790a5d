import VNodeBalloon

extension Check {
    /// What the reserve of a vnode's huge pages must do.
    static var reserve: [Check] {
        [
            Check("acquired pages are aligned extents of the vnode, each once") { subject in
                let topology = try subject.hypervisor.vnumaTopology()
                try subject.withExtents(5) { vnode, gfns in
                    try expect(Set(gfns).count, 5, "different pages")
                    for gfn in gfns {
                        try expect(gfn % 512, 0, "frame \(gfn) within its extent")
                        let isInside = topology?.contains(gfn, frames: 512, vnode: vnode) ?? true
                        try expect(isInside, "the extent at \(gfn) is not memory of vnode \(vnode)")
                    }
                }
            },
            Check("acquiring and releasing leaves slots and pool as they were") { subject in
                try subject.forEachVNode { vnode, reserve in
                    let before = try subject.figures()
                    try expect(try reserve.acquire(3).count, 3, "pages acquired on vnode \(vnode)")
                    let during = try subject.figures()
                    try expect(during.slots[vnode], (before.slots[vnode] ?? 0) + 3, "slots")
                    try expect(during.foreignPoolPages, before.foreignPoolPages, "pages of others")
                    try reserve.release(keeping: reserve.slotCount - 3)
                    try expect(try subject.figures(), before, "figures")
                }
            },
            Check("acquiring and releasing nothing does nothing") { subject in
                try subject.forEachVNode { _, reserve in
                    try expect(try reserve.acquire(0), [], "pages acquired")
                    try reserve.release(keeping: reserve.slotCount)
                }
            },
            Check("the frames of slots are read again, given or not") { subject in
                try subject.withExtents(3) { vnode, gfns in
                    guard let reserve = subject.reserves[vnode] else { return }
                    let slots = reserve.slotCount - 3..<reserve.slotCount
                    try expect(try reserve.frames(of: slots), gfns, "frames")
                    _ = try subject.give([gfns[1]])
                    try expect(try reserve.frames(of: slots), gfns, "frames while one is given")
                    try expect(try subject.frames(of: gfns[1], .hole).count, 512, "frames that are holes")
                }
            },
            Check("releasing from the end keeps the others where they are") { subject in
                try subject.forEachVNode { vnode, reserve in
                    let slots = reserve.slotCount
                    let gfns = try reserve.acquire(3)
                    try reserve.release(keeping: slots + 1)
                    try expect(reserve.slotCount, slots + 1, "slots")
                    try expect(try reserve.frames(of: slots..<slots + 1), [gfns.first], "frames")
                    try reserve.release(keeping: slots)
                }
            },
            Check("recovering finds the same frames, given or not") { subject in
                try subject.withExtents(3) { vnode, gfns in
                    guard let reserve = subject.reserves[vnode] else { return }
                    try expect(
                        try reserve.recover(interrupted: nil).suffix(3), ArraySlice(gfns.map(SlotPage.extent)), "frames"
                    )
                    _ = try subject.give(gfns)
                    try expect(
                        try reserve.recover(interrupted: nil).suffix(3), ArraySlice(gfns.map(SlotPage.extent)), "frames"
                    )
                    try expect(try subject.frames(of: gfns[2], .hole).count, 512, "frames that are holes")
                    try expect(try reserve.lookAtFile().name, .ours, "the file's name")
                }
            },
        ]
    }
}
