import VNodeBalloon

extension Check {
    /// What a mover must do. Each check begins and ends with empty balloons.
    static var moving: [Check] {
        MoverCheck.all.map { check in
            Check(check.name) { subject in
                try check.body(.init(mover: subject.mover, figures: subject.hypervisor))
            }
        } + [
            Check("a frame that came back is found, and given again") { subject in
                try withBalloons(subject) { mover, vnode in
                    guard let gfn = try bringBack(subject, mover, vnode, frame: 300) else { return }
                    let findings = try mover.audit(vnode: vnode, slots: 0..<2, everyFrame: true)
                    let expected = AuditFinding(vnode: vnode, slot: 1, gfn: gfn, kind: .ramInBalloon)
                    try expect(findings, [expected], "findings")
                    try expect(try mover.recover(vnode: vnode), Frames(1023), "the balloon's frames")
                    try expect(try mover.inflate(vnode: vnode, extents: 1), balloon(2), "inflate")
                    try expect(try subject.hypervisor.memoryType(of: gfn).isHole, "the frame is no hole")
                }
            },
            Check("a frame that came back is not populated again") { subject in
                try withBalloons(subject) { mover, vnode in
                    guard try bringBack(subject, mover, vnode, frame: 0) != nil else { return }
                    try expect(try mover.recover(vnode: vnode), Frames(1023), "the balloon's frames")
                    // The guest's figures, compared at the end, show whether a frame was lost.
                    try expect(try mover.deflate(vnode: vnode, extents: 1), balloon(1), "deflate")
                }
            },
        ]
    }

    /// Runs `body` on each vnode, and empties its balloon.
    private static func withBalloons(_ subject: Subject, _ body: (any FileMover, Int) throws -> Void) throws {
        try subject.forEachVNode { vnode, _ in
            let result = Swift.Result { try body(subject.mover, vnode) }
            try expect(try subject.mover.deflate(vnode: vnode, extents: 64), balloon(0), "the last deflate")
            try result.get()
        }
    }

    private static func balloon(_ extents: Int) -> Outcome {
        Outcome(balloonFrames: KiB.mib(2 * UInt64(extents)).wholeFrames)
    }

    /// Inflates by two extents, and populates one frame of the second one behind the mover's back.
    private static func bringBack(
        _ subject: Subject, _ mover: any FileMover, _ vnode: Int, frame: UInt64
    ) throws -> UInt64? {
        _ = try mover.inflate(vnode: vnode, extents: 2)
        guard let first = try subject.reserves[vnode]?.frames(of: 1..<2)[0] else {
            throw Failure(description: "slot 1 of vnode \(vnode) has no page")
        }
        try expect(try subject.populate([first + frame], order: 0, vnode), 1, "frames populated")
        return first + frame
    }
}
