/// Carries out control requests, for the daemon's socket and for commands without a daemon.
public struct RequestServer {
    let engine: BalloonEngine
    /// Makes the status report.
    let report: () throws(BalloonError) -> StatusReport

    public init(engine: BalloonEngine, report: @escaping () throws(BalloonError) -> StatusReport) {
        self.engine = engine
        self.report = report
    }

    /// The answer to a request, as a line of JSON.
    public func answer(_ request: ControlRequest) -> String {
        do throws(BalloonError) { return try carryOut(request) } catch { return Self.failure(error) }
    }

    /// The answer to a line, whatever it is.
    package func answer(line: String) -> String {
        guard let request = ControlRequest(line) else {
            return Self.failure(BalloonError(.usage, "the daemon does not understand this request"))
        }
        return answer(request)
    }

    static func failure(_ error: BalloonError) -> String {
        var json = JSONWriter()
        json.object { json in
            json.member("error", error.description)
            json.member("code", error.code.description)
        }
        return json.text
    }

    private func carryOut(_ request: ControlRequest) throws(BalloonError) -> String {
        switch request {
        case .status: return try report().json
        case .slots: return slots()
        case .counters: return engine.counters.json
        case .force(let vnode, let size):
            try force(vnode, size)
            return try report().json
        case .audit(let vnode, let slots, let everyFrame):
            return try inPieces(slots) { (slots) throws(BalloonError) in
                try engine.guest.slots?.audit(vnode: vnode, slots: slots, everyFrame: everyFrame) ?? []
            }
        case .repair(let vnode, let slots):
            return try inPieces(slots) { (slots) throws(BalloonError) in
                try engine.lookAgain(vnode: vnode, slots: slots)
                return []
            }
        case .recover(let vnode):
            guard engine.guest.mover.vnodes.contains(where: { $0.number == vnode }) else { throw absent(vnode) }
            if let error = engine.beginAudit(vnode, .all) { throw error }
            return AuditAnswer(findings: [], next: 0).json
        }
    }

    private func force(_ vnode: Int?, _ size: KiB?) throws(BalloonError) {
        let vnodes = engine.guest.mover.vnodes
        if let vnode, !vnodes.contains(where: { $0.number == vnode }) {
            throw absent(vnode)
        }
        let chosen = vnodes.filter { vnode == nil || $0.number == vnode }
        for vnode in chosen {
            if let size, size > vnode.size {
                throw BalloonError(
                    .usage,
                    "\(Size.text(size)) is more than vnode \(vnode.number) has (\(Size.text(vnode.size)))")
            }
        }
        engine.force(Dictionary(uniqueKeysWithValues: chosen.map { ($0.number, size) }))
    }

    private func absent(_ vnode: Int) -> BalloonError {
        BalloonError(.usage, "there is no vnode \(vnode); there are \(engine.guest.mover.vnodes.count), from 0")
    }

    /// How long one request probes slots. One more slot may follow: together that is to stay below 20 ms.
    private static let time: Interval = .milliseconds(5)

    /// Probes slots one after the other, as long as there is time.
    private func inPieces(
        _ slots: Range<Int>, _ body: (Range<Int>) throws(BalloonError) -> [AuditFinding]
    ) throws(BalloonError) -> String {
        let end = engine.now + Self.time
        var findings: [AuditFinding] = []
        var next = slots.lowerBound
        repeat {
            findings += try body(next..<min(next + 1, slots.upperBound))
            next += 1
        } while next < slots.upperBound && engine.now < end
        return AuditAnswer(findings: findings, next: next).json
    }

    private func slots() -> String {
        let vnodes = engine.guest.mover.vnodes.map { vnode in
            let isKnown = engine.isKnown(vnode.number)
            let state = engine.controller.states.first { $0.vnode.number == vnode.number }
            return SlotsAnswer.VNode(
                vnode: vnode.number,
                slots: isKnown ? engine.guest.slots?.slotCount(vnode: vnode.number) ?? 0 : nil,
                detail: isKnown ? nil : state?.detail)
        }
        return SlotsAnswer(slots: vnodes, unaccounted: engine.unaccounted).json
    }
}
