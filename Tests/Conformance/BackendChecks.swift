import VNodeBalloon

extension Check {
    /// What a backend must do. Each check begins and ends with empty balloons.
    static var backend: [Check] {
        MoverCheck.all.map { check in
            Check(check.name) { subject in
                try check.body(.init(backend: subject.backend, figures: subject.hypervisor))
            }
        } + [
            Check("a frame that came back is found, and given again") { subject in
                try withBalloons(subject) { backend, vnode in
                    guard let gfn = try bringBack(subject, backend, vnode, frame: 300) else { return }
                    let findings = try backend.audit(vnode: vnode, slots: 0..<2, everyFrame: true)
                    let expected = AuditFinding(vnode: vnode, slot: 1, gfn: gfn, kind: .ramInBalloon)
                    try expect(findings, [expected], "findings")
                    try expect(try backend.recover(vnode: vnode), 1023, "the balloon's frames")
                    try expect(try backend.inflate(vnode: vnode, extents: 1), balloon(2), "inflate")
                    try expect(try subject.hypervisor.memoryType(of: gfn).isHole, "the frame is no hole")
                }
            },
            Check("a frame that came back is not populated again") { subject in
                try withBalloons(subject) { backend, vnode in
                    guard try bringBack(subject, backend, vnode, frame: 0) != nil else { return }
                    try expect(try backend.recover(vnode: vnode), 1023, "the balloon's frames")
                    // The guest's figures at the end tell whether a frame was lost.
                    try expect(try backend.deflate(vnode: vnode, extents: 1), balloon(1), "deflate")
                }
            },
        ]
    }

    /// Runs `body` on each vnode, and empties its balloon.
    private static func withBalloons(_ subject: Subject, _ body: (any Backend, Int) throws -> Void) throws {
        try subject.forEachVNode { vnode, _ in
            let result = Swift.Result { try body(subject.backend, vnode) }
            try expect(try subject.backend.deflate(vnode: vnode, extents: 64), balloon(0), "the last deflate")
            try result.get()
        }
    }

    private static func balloon(_ extents: Int) -> Outcome { Outcome(balloonFrames: UInt64(extents) * 512) }

    /// Inflates by two extents and has one frame of the second populated behind the backend's back.
    private static func bringBack(
        _ subject: Subject, _ backend: any Backend, _ vnode: Int, frame: UInt64
    ) throws -> UInt64? {
        _ = try backend.inflate(vnode: vnode, extents: 2)
        guard let first = try subject.reserves[vnode]?.frames(of: 1..<2)[0] else {
            throw Failure(description: "slot 1 of vnode \(vnode) has no page")
        }
        try expect(try subject.populate([first + frame], order: 0, vnode), 1, "frames populated")
        return first + frame
    }
}
