import VNodeBalloon

/// What another program can do to a vnode's file behind the mover's back.
public enum Meddling: Sendable {
    /// Removes slots at the end, with all that is in them.
    case cut(slots: Int)
    case punch(slot: Int)
    case lengthen(slots: Int)
    case remove
    /// Puts a new, empty file in the place of the old one.
    case replace
}

extension Check {
    /// What a mover must do about a file that another program changed. Each check begins and ends with empty balloons.
    static var meddling: [Check] {
        [
            Check("a file that was cut: its holes are memory again") { subject in
                try meddle(subject, .cut(slots: 1), finds: [(1, .fileShorter)], left: 1)
            },
            Check("a page that was punched out: found, and no hole is lost") { subject in
                // A process that maps the slot again may get the same page back from the pool, with its old contents.
                try meddle(subject, .punch(slot: 1), finds: [(1, .noPage)], left: nil)
            },
            Check("a balloon with an empty slot shrinks and grows around it") { subject in
                try forEachBalloon(subject) { mover, vnode, meddle in
                    try meddle(vnode, .punch(slot: 0))
                    _ = try mover.recover(vnode: vnode)
                    let frames = try mover.deflate(vnode: vnode, extents: 1).balloonFrames ?? .max
                    try expect(try mover.inflate(vnode: vnode, extents: 3).balloonFrames ?? .zero > frames, "inflate")
                    try expect(try mover.audit(vnode: vnode, slots: 0..<8, everyFrame: true), [], "findings")
                    try expect(try mover.recover(vnode: vnode), mover.balloonFrames(vnode: vnode), "recover")
                }
            },
            Check("a file that was lengthened is cut again") { subject in
                try meddle(subject, .lengthen(slots: 5), finds: [(3, .fileLonger)], left: 3)
            },
            Check("a file that was removed is emptied, and there is a new one") { subject in
                try meddleWithName(subject, .remove, .fileRemoved)
            },
            Check("a file that was replaced is emptied, and there is a new one") { subject in
                try meddleWithName(subject, .replace, .fileReplaced)
            },
        ]
    }

    /// Inflates a balloon by three extents, meddles with its file, audits it and has it recovered.
    private static func meddle(
        _ subject: Subject, _ what: Meddling, finds: [(Int, AuditFinding.Kind)], left: Int?
    ) throws {
        try forEachBalloon(subject) { mover, vnode, meddle in
            try meddle(vnode, what)
            try expect(try mover.file(vnode: vnode), .damaged, "file")
            let found = try mover.audit(vnode: vnode, slots: 0..<8, everyFrame: false)
            try expect(found.map(\.slot), finds.map(\.0), "slots")
            try expect(found.map(\.kind), finds.map(\.1), "findings")
            let frames = try mover.recover(vnode: vnode)
            if let left { try expect(frames, KiB.mib(2 * UInt64(left)).wholeFrames, "frames of the balloon") }
            try expect(try mover.file(vnode: vnode), .whole, "file, mended")
            try expect(try mover.audit(vnode: vnode, slots: 0..<8, everyFrame: true), [], "findings, mended")
        }
    }

    private static func meddleWithName(_ subject: Subject, _ what: Meddling, _ kind: AuditFinding.Kind) throws {
        try forEachBalloon(subject) { mover, vnode, meddle in
            try meddle(vnode, what)
            try expect(try mover.file(vnode: vnode), .removed, "file")
            let found = try mover.audit(vnode: vnode, slots: 0..<8, everyFrame: false)
            try expect(found.map(\.kind), [kind], "findings")
            try expect(try mover.renewFile(vnode: vnode), false, "a new file while there are holes")
            try expect(try mover.deflate(vnode: vnode, extents: 3), Outcome(balloonFrames: .zero), "deflate")
            try expect(try mover.renewFile(vnode: vnode), true, "a new file")
            try expect(try mover.recover(vnode: vnode), .zero, "recover")
            try expect(try mover.file(vnode: vnode), .whole, "file")
            try expect(try mover.inflate(vnode: vnode, extents: 1), Outcome(balloonFrames: Frames(512)), "inflate")
        }
    }

    private static func forEachBalloon(
        _ subject: Subject, _ body: (any FileMover, Int, (Int, Meddling) throws -> Void) throws -> Void
    ) throws {
        guard let meddle = subject.meddle else { throw Skipped(why: "the files cannot be reached from here") }
        let mover = subject.mover
        try subject.forEachVNode { vnode, _ in
            try expect(
                try mover.inflate(vnode: vnode, extents: 3), Outcome(balloonFrames: KiB.mib(6).wholeFrames), "inflate")
            let result = Swift.Result { try body(mover, vnode, meddle) }
            // A call ends when it reaches a slot that is RAM already, so it takes several.
            for _ in 0..<2 { _ = try mover.deflate(vnode: vnode, extents: 64) }
            try expect(try mover.deflate(vnode: vnode, extents: 64), Outcome(balloonFrames: .zero), "the last deflate")
            try result.get()
        }
    }
}
