import VNodeBalloon

extension Check {
    /// What a hypervisor must do when it cannot do all of a request.
    static var partial: [Check] {
        [
            Check("giving stops at a hole, and what comes behind it stays") { subject in
                try subject.withExtents(3) { _, gfns in
                    _ = try subject.give([gfns[1]])
                    let fall = try subject.fall { try expect(try subject.give(gfns), 1, "extents given") }
                    try expect(fall, 512, "fall of the reservation")
                    try expect(try subject.frames(of: gfns[2], .ram).count, 512, "frames behind the hole")
                }
            },
            Check("an extent with a hole in it is not counted, but loses the frames before it") { subject in
                try subject.withExtents(1) { _, gfns in
                    try expect(try subject.give([gfns[0] + 100], order: 0), 1, "frames given")
                    let fall = try subject.fall { try expect(try subject.give(gfns), 0, "extents given") }
                    try expect(fall, 100, "fall of the reservation")
                    let holes = Array(gfns[0]...gfns[0] + 100)
                    try expect(try subject.frames(of: gfns[0], .hole), holes, "holes")
                }
            },
            Check("single frames go and come") { subject in
                try subject.withExtents(1) { vnode, gfns in
                    let frames = [0, 1, 255, 511].map { gfns[0] + $0 }
                    let fall = try subject.fall {
                        try expect(try subject.give(frames, order: 0), 4, "frames given")
                    }
                    try expect(fall, 4, "fall of the reservation")
                    try expect(try subject.frames(of: gfns[0], .hole), frames, "holes")
                    try expect(try subject.populate(frames, order: 0, vnode), 4, "frames populated")
                }
            },
            Check("an extent comes back as 512 single frames") { subject in
                try subject.withExtents(2) { vnode, gfns in
                    _ = try subject.give(gfns)
                    try expect(try subject.populate([gfns[0]], vnode), 1, "extents populated")
                    let frames = Array(gfns[1]..<gfns[1] + 512)
                    try expect(try subject.populate(frames, order: 0, vnode), 512, "frames populated")
                    try expect(try subject.frames(of: gfns[1], .ram).count, 512, "frames that are RAM")
                }
            },
            Check("a vnode that does not exist is refused") { subject in
                guard let topology = try subject.hypervisor.vnumaTopology() else {
                    throw Skipped(why: "without virtual NUMA Xen does not look at the vnode")
                }
                try subject.withExtents(1) { _, gfns in
                    _ = try subject.give(gfns)
                    try expect(try subject.populate(gfns, topology.vnodeCount), 0, "extents populated")
                    let anywhere = try subject.populate(gfns, topology.vnodeCount, from: .anyPNode)
                    try expect(anywhere, 0, "extents populated from any physical node")
                    try expect(try subject.frames(of: gfns[0], .hole).count, 512, "frames that are holes")
                }
            },
            Check("nothing is populated above the maximum reservation") { subject in
                guard let setMaximum = subject.setMaximum else {
                    throw Skipped(why: "only the toolstack can set the maximum")
                }
                let maximum = try subject.hypervisor.maximumReservation()
                defer { setMaximum(maximum) }
                try subject.withExtents(2) { vnode, gfns in
                    _ = try subject.give(gfns)
                    setMaximum(try subject.hypervisor.currentReservation() + Frames(1023))
                    try expect(try subject.hypervisor.maximumReservation() < maximum, "the maximum was not set")
                    try expect(try subject.populate(gfns, vnode), 1, "extents populated")
                    try expect(try subject.frames(of: gfns[1], .hole).count, 512, "frames that are holes")
                    setMaximum(maximum)
                }
            },
        ]
    }
}
