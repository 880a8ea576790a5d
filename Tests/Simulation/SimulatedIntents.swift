public import VNodeBalloon

/// The intent log: it outlives the process.
public final class SimulatedIntents: IntentLog {
    private let machine: Machine
    public private(set) var lines: [Int: IntentLine] = [:]
    private var boots = 0
    /// The disk takes no byte.
    public var isFull = false

    public init(_ machine: Machine) { self.machine = machine }

    public func line(vnode: Int) -> IntentLine {
        forgetLastBoot()
        return lines[vnode] ?? .unreadable
    }

    /// A boot makes memory of what was lost and keeps the files and their pins, which no boot of a machine does. The notes fit
    /// to that.
    private func forgetLastBoot() {
        guard boots != machine.boots else { return }
        boots = machine.boots
        for vnode in machine.layout.pnodes.indices {
            let file = machine.shape(vnode)
            switch lines[vnode] ?? .unreadable {
            case .moving(var move):
                move.file = file
                lines[vnode] = .moving(move)
            case .quiet: lines[vnode] = .quiet(file)
            case .unreadable where file.gaps > 0:
                var move = InterruptedMove(slots: 0..<file.end, foreignPoolPages: 0, poolPages: 0)
                move.file = file
                lines[vnode] = .moving(move)
            case .unreadable: break
            }
        }
    }

    public func begin(_ move: InterruptedMove, vnode: Int) throws(BalloonError) {
        try machine.step("vnode \(vnode): note \(move)") { (_) throws(BalloonError) in
            if isFull { throw BalloonError(.system, "cannot write the intent record", errno: 28) }
            lines[vnode] = .moving(move)
        }
    }

    public func end(_ file: FileShape?, vnode: Int) throws(BalloonError) {
        try machine.step("vnode \(vnode): note the end") { (_) throws(BalloonError) in
            if isFull { throw BalloonError(.system, "cannot write the intent record", errno: 28) }
            lines[vnode] = .quiet(file)
        }
    }

    public func total() -> UInt64? { machine.notedTotal }

    public func note(total: UInt64?) throws(BalloonError) {
        try machine.step("note the total \(total, default: "unknown")") { _ in machine.notedTotal = total }
    }

    /// Somebody removed or spoilt the record, while nothing was under way.
    public func loseQuiet() {
        lines = lines.filter { if case .quiet = $0.value { false } else { true } }
    }
}
