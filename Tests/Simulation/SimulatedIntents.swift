public import VNodeBalloon

/// The intent log: it outlives the process.
public final class SimulatedIntents: IntentLog {
    private let machine: Machine
    public private(set) var lines: [Int: IntentLine] = [:]
    private var boots = 0

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
        for (vnode, line) in lines {
            guard case .moving(var move) = line else { continue }
            move.emptyBelow = machine.emptySlots(vnode, below: move.firstMoved)
            lines[vnode] = .moving(move)
        }
    }

    public func begin(_ move: InterruptedMove, vnode: Int) throws(BalloonError) {
        try machine.step("vnode \(vnode): note \(move)") { _ in lines[vnode] = .moving(move) }
    }

    public func end(vnode: Int) throws(BalloonError) {
        try machine.step("vnode \(vnode): note the end") { _ in lines[vnode] = .quiet }
    }

    public func total() -> UInt64? { machine.notedTotal }

    public func note(total: UInt64?) throws(BalloonError) {
        try machine.step("note the total \(total, default: "unknown")") { _ in machine.notedTotal = total }
    }

    /// Somebody removed or spoilt the record, while nothing was under way.
    public func loseQuiet() { lines = lines.filter { $0.value != .quiet } }
}
