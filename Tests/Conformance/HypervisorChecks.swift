import VNodeBalloon

extension Check {
    /// What a hypervisor must do with whole extents.
    static var hypervisor: [Check] {
        [
            Check("the topology makes sense", checkTopology),
            Check("the reservation is at most the maximum") { subject in
                let current = try subject.hypervisor.currentReservation()
                try expect(current > .zero, "the reservation is 0")
                try expect(
                    current <= (try subject.hypervisor.maximumReservation()), "more than the maximum: \(current)")
            },
            Check("our pages are RAM, and nothing is where no memory is") { subject in
                try subject.withExtents(1) { _, gfns in
                    try expect(try subject.frames(of: gfns[0], .ram).count, 512, "frames that are RAM")
                }
                try expect(!(try subject.hypervisor.memoryType(of: 1 << 26)).isRAM, "RAM at 256 GiB")
            },
            Check("a given extent is a hole, and the reservation falls by 512") { subject in
                try subject.withExtents(1) { _, gfns in
                    let fall = try subject.fall { try expect(try subject.give(gfns), 1, "extents given") }
                    try expect(fall, 512, "fall of the reservation")
                    try expect(try subject.frames(of: gfns[0], .hole).count, 512, "frames that are holes")
                }
            },
            Check("frames that are asked about at once are what each of them is alone") { subject in
                try subject.withExtents(1) { vnode, gfns in
                    let given = stride(from: gfns[0] + 3, to: gfns[0] + 512, by: 5).map { $0 }
                    try expect(try subject.give(given, order: 0), given.count, "frames given")
                    for (step, count) in [(UInt64(1), 512), (511, 2), (5, 100), (7, 1)] {
                        let types = try subject.hypervisor.memoryTypes(from: gfns[0], every: step, count: count)
                        try expect(types.count, count, "answers")
                        for (place, type) in types.enumerated() {
                            let gfn = gfns[0] + UInt64(place) * step
                            let alone = try subject.hypervisor.memoryType(of: gfn)
                            try expect(type == alone, "frame \(gfn) of every \(step): \(type), alone \(alone)")
                        }
                    }
                    try expect(try subject.populate(given, order: 0, vnode), given.count, "frames populated")
                }
            },
            Check("populate from any physical node brings an extent back") { subject in
                try subject.withExtents(2) { vnode, gfns in
                    _ = try subject.give(gfns)
                    try expect(try subject.populate(gfns, vnode, from: .anyPNode), 2, "extents populated")
                    try expect(try subject.frames(of: gfns[1], .ram).count, 512, "frames that are RAM")
                }
            },
            Check("populate brings an extent back") { subject in
                try subject.withExtents(1) { vnode, gfns in
                    _ = try subject.give(gfns)
                    let fall = try subject.fall {
                        try expect(try subject.populate(gfns, vnode), 1, "extents populated")
                    }
                    try expect(fall, -512, "fall of the reservation")
                    try expect(try subject.frames(of: gfns[0], .ram).count, 512, "frames that are RAM")
                }
            },
            Check("several extents go and come in one call") { subject in
                try subject.withExtents(4) { vnode, gfns in
                    try expect(try subject.give(gfns), 4, "extents given")
                    let fall = try subject.fall {
                        try expect(try subject.populate(gfns.reversed(), vnode), 4, "extents populated")
                    }
                    try expect(fall, -4 * 512, "fall of the reservation")
                }
            },
            Check("the list stays as it was over a call") { subject in
                try subject.withExtents(2) { _, gfns in
                    _ = try subject.give(gfns)
                    let extents = subject.hypervisor.extents
                    try expect((0..<extents.count).map { extents[$0] }, gfns, "the list")
                }
            },
            Check("an empty list does nothing") { subject in
                try subject.forEachVNode { vnode, _ in
                    try expect(try subject.give([]), 0, "extents given")
                    try expect(try subject.populate([], vnode), 0, "extents populated")
                }
            },
        ]
    }

    private static func checkTopology(_ subject: Subject) throws {
        guard let topology = try subject.hypervisor.vnumaTopology() else {
            return try expect(subject.mover.vnodes.map(\.number), [0], "vnodes without virtual NUMA")
        }
        let numbers = Array(0..<topology.vnodeCount)
        try expect(subject.mover.vnodes.map(\.number), numbers, "vnodes of the mover")
        for range in topology.ranges {
            try expect(numbers.contains(range.vnode), "a range of vnode \(range.vnode)")
            try expect(!range.frames.isEmpty, "an empty range of vnode \(range.vnode)")
        }
        let sorted = topology.ranges.sorted { $0.frames.lowerBound < $1.frames.lowerBound }
        for (one, next) in zip(sorted, sorted.dropFirst()) {
            try expect(one.frames.upperBound <= next.frames.lowerBound, "ranges overlap: \(one) and \(next)")
        }
        for vnode in subject.mover.vnodes {
            try expect(vnode.size, topology.size(of: vnode.number), "size of vnode \(vnode.number)")
            try expect(vnode.size > .zero, "vnode \(vnode.number) has no memory")
        }
    }
}
