public import VNodeBalloon

/// What every mover of memory must do, whatever its pages are. Each begins and ends with empty balloons.
public struct MoverCheck {
    public let name: String
    let body: (Mover) throws -> Void

    /// A mover, and Xen's count of the domain beside it.
    public struct Mover {
        public let backend: any Backend
        public let figures: any DomainFigures

        public init(backend: any Backend, figures: any DomainFigures) {
            self.backend = backend
            self.figures = figures
        }

        func fall(_ body: () throws -> Void) throws -> Int {
            let before = try figures.currentReservation()
            try body()
            return Int(before) - Int(try figures.currentReservation())
        }

        func withBalloons(_ body: (any Backend, Int) throws -> Void) throws {
            for vnode in backend.vnodes.map(\.number) {
                let result = Swift.Result { try body(backend, vnode) }
                try expect(try backend.deflate(vnode: vnode, extents: 64), Self.balloon(0), "the last deflate")
                try result.get()
            }
        }

        static func balloon(_ extents: Int) -> Outcome { Outcome(balloonFrames: UInt64(extents) * 512) }
    }

    /// Runs the check.
    /// - Returns: why it failed; nil: it passed, and Xen counts as much as before.
    public func run(_ mover: Mover) -> String? {
        do {
            let fall = try mover.fall { try body(mover) }
            return fall == 0 ? nil : "\(fall) frames are missing afterwards"
        } catch {
            return "\(error)"
        }
    }

    public static var all: [MoverCheck] {
        [
            MoverCheck(name: "a balloon grows and shrinks by exactly what was asked") { mover in
                try mover.withBalloons { backend, vnode in
                    let fall = try mover.fall {
                        try expect(try backend.inflate(vnode: vnode, extents: 3), Mover.balloon(3), "inflate")
                    }
                    try expect(fall, 3 * 512, "fall of the reservation")
                    try expect(backend.slotCount(vnode: vnode), 3, "slots")
                    try expect(try backend.deflate(vnode: vnode, extents: 2), Mover.balloon(1), "deflate")
                    try expect(try backend.inflate(vnode: vnode, extents: 1), Mover.balloon(2), "inflate")
                    try expect(try backend.deflate(vnode: vnode, extents: 9), Mover.balloon(0), "deflate more than all")
                    try expect(try backend.deflate(vnode: vnode, extents: 1), Mover.balloon(0), "deflate nothing")
                }
            },
            MoverCheck(name: "the audit of a balloon finds nothing") { mover in
                try mover.withBalloons { backend, vnode in
                    _ = try backend.inflate(vnode: vnode, extents: 2)
                    for everyFrame in [false, true] {
                        let findings = try backend.audit(vnode: vnode, slots: 0..<100, everyFrame: everyFrame)
                        try expect(findings, [], "findings")
                    }
                    try expect(try backend.file(vnode: vnode), .whole, "file")
                }
            },
            MoverCheck(name: "recovering finds the balloon") { mover in
                try mover.withBalloons { backend, vnode in
                    try expect(try backend.recover(vnode: vnode), 0, "an empty balloon")
                    try expect(backend.isEmpty(vnode: vnode), true, "empty")
                    _ = try backend.inflate(vnode: vnode, extents: 2)
                    try expect(try backend.recover(vnode: vnode), 1024, "the balloon's frames")
                    try expect(backend.isEmpty(vnode: vnode), false, "empty")
                    try expect(try backend.deflate(vnode: vnode, extents: 2), Mover.balloon(0), "deflate")
                }
            },
            MoverCheck(name: "the balloons of vnodes do not touch each other") { mover in
                let (backend, vnodes) = (mover.backend, mover.backend.vnodes.map(\.number))
                defer { for vnode in vnodes { _ = try? backend.deflate(vnode: vnode, extents: 64) } }
                for vnode in vnodes {
                    try expect(
                        try backend.inflate(vnode: vnode, extents: vnode + 1), Mover.balloon(vnode + 1), "inflate")
                }
                for vnode in vnodes {
                    try expect(
                        backend.balloonFrames(vnode: vnode), UInt64(vnode + 1) * 512, "balloon of vnode \(vnode)")
                }
            },
        ]
    }
}
