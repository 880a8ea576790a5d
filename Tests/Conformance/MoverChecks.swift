public import VNodeBalloon

/// What every mover must do, whatever kind of pages it moves. Each check begins and ends with empty balloons.
public struct MoverCheck {
    public let name: String
    let body: (Candidate) throws -> Void

    /// A mover, and Xen's count of the domain to compare it with.
    public struct Candidate {
        public let mover: any Mover
        public let figures: any DomainFigures

        public init(mover: any Mover, figures: any DomainFigures) {
            self.mover = mover
            self.figures = figures
        }

        func fall(_ body: () throws -> Void) throws -> Int {
            let before = try figures.currentReservation()
            try body()
            return Int(before.count) - Int(try figures.currentReservation().count)
        }

        func withBalloons(_ body: (any Mover, Int) throws -> Void) throws {
            for vnode in mover.vnodes.map(\.number) {
                let result = Swift.Result { try body(mover, vnode) }
                try expect(try mover.deflate(vnode: vnode, extents: 64), Self.balloon(0), "the last deflate")
                try result.get()
            }
        }

        static func balloon(_ extents: Int) -> Outcome {
            Outcome(balloonFrames: KiB.mib(2 * UInt64(extents)).wholeFrames)
        }
    }

    /// Runs the check.
    /// - Returns: why it failed; nil: it passed, and Xen counts as many frames as before.
    public func run(_ candidate: Candidate) -> String? {
        do {
            let fall = try candidate.fall { try body(candidate) }
            return fall == 0 ? nil : "\(fall) frames are missing afterwards"
        } catch {
            return "\(error)"
        }
    }

    public static var all: [MoverCheck] {
        [
            MoverCheck(name: "a balloon grows and shrinks by exactly what was asked") { candidate in
                try candidate.withBalloons { mover, vnode in
                    let fall = try candidate.fall {
                        try expect(try mover.inflate(vnode: vnode, extents: 3), Candidate.balloon(3), "inflate")
                    }
                    try expect(fall, 3 * 512, "fall of the reservation")
                    if let slots = mover.slots { try expect(slots.slotCount(vnode: vnode), 3, "slots") }
                    try expect(try mover.deflate(vnode: vnode, extents: 2), Candidate.balloon(1), "deflate")
                    try expect(try mover.inflate(vnode: vnode, extents: 1), Candidate.balloon(2), "inflate")
                    try expect(
                        try mover.deflate(vnode: vnode, extents: 9), Candidate.balloon(0), "deflate more than all")
                    try expect(try mover.deflate(vnode: vnode, extents: 1), Candidate.balloon(0), "deflate nothing")
                }
            },
            MoverCheck(name: "the audit of a balloon finds nothing") { candidate in
                try candidate.withBalloons { mover, vnode in
                    _ = try mover.inflate(vnode: vnode, extents: 2)
                    if let slots = mover.slots {
                        for everyFrame in [false, true] {
                            let findings = try slots.audit(vnode: vnode, slots: 0..<100, everyFrame: everyFrame)
                            try expect(findings, [], "findings")
                        }
                        try expect(slots.lostExtents(vnode: vnode), 0, "lost extents")
                    }
                    if let files = mover.files { try expect(try files.file(vnode: vnode), .whole, "file") }
                }
            },
            MoverCheck(name: "recovering finds the balloon") { candidate in
                try candidate.withBalloons { mover, vnode in
                    try expect(try mover.recover(vnode: vnode), .zero, "an empty balloon")
                    try expect(mover.isEmpty(vnode: vnode), true, "empty")
                    _ = try mover.inflate(vnode: vnode, extents: 2)
                    try expect(try mover.recover(vnode: vnode), Frames(1024), "the balloon's frames")
                    try expect(mover.isEmpty(vnode: vnode), false, "empty")
                    try expect(try mover.deflate(vnode: vnode, extents: 2), Candidate.balloon(0), "deflate")
                }
            },
            MoverCheck(name: "the balloons of vnodes do not touch each other") { candidate in
                let (mover, vnodes) = (candidate.mover, candidate.mover.vnodes.map(\.number))
                defer { for vnode in vnodes { _ = try? mover.deflate(vnode: vnode, extents: 64) } }
                for vnode in vnodes {
                    try expect(
                        try mover.inflate(vnode: vnode, extents: vnode + 1), Candidate.balloon(vnode + 1), "inflate")
                }
                for vnode in vnodes {
                    try expect(
                        mover.balloonFrames(vnode: vnode), KiB.mib(2 * UInt64(vnode + 1)).wholeFrames,
                        "balloon of vnode \(vnode)")
                }
            },
        ]
    }
}
