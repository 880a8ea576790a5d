import ArgumentParser
import VNodeBalloon

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Ask Xen about every frame of the balloons.",
        discussion: Exit.codes(
            Exit.noXen, (Exit.temporary, "something was found, or a vnode could not be audited")))

    @OptionGroup var common: CommonOptions

    @Flag(help: "Ask only about the first and the last frame of each 2 MiB (default: about all 512).")
    var quick = false

    @Flag(help: "Repair what can be repaired safely, then audit again.")
    var repair = false

    @Flag(help: "Print JSON for programs.")
    var json = false

    func run() throws {
        try Exit.onError {
            let session = try Session(try common.settingsWhateverTheFileSays(), isReading: !repair)
            var result = try look(session)
            if repair && !result.findings.isEmpty {
                // Only one JSON object is printed: that of the second audit.
                if !json { show(result) }
                try mend(session, result)
                result = try look(session)
            }
            show(result)
            if !result.isClean { throw Exit.temporary }
        }
    }

    private struct Result {
        var findings: [AuditFinding] = []
        var extents = 0
        /// Memory that no balloon accounts for; nil: not known.
        var unaccounted: KiB?
        /// The mover.
        var backend = ""
        /// The size of Linux's own balloon, whose frames only the kernel knows.
        var linuxBalloon: KiB = .zero
        /// Memory of other physical nodes by vnode, at most; a vnode is missing where that is not known.
        var otherPNode: [Int: KiB] = [:]
        /// A sentence for each vnode that cannot be audited.
        var unknown: [String] = []

        var isClean: Bool { findings.isEmpty && unknown.isEmpty && unaccounted ?? .zero == .zero }
    }

    // MARK: Slices

    private func look(_ session: Session) throws -> Result {
        let slots = try slots(session)
        var result = Result()
        result.unaccounted = slots.unaccounted
        result.unknown = slots.slots.compactMap { entry in entry.slots == nil ? entry.detail : nil }
        result.extents = slots.slots.reduce(0) { $0 + ($1.slots ?? 0) }
        let report = try session.status()
        result.backend = report.backend
        for vnode in report.vnodes { result.otherPNode[vnode.vnode] = vnode.otherPNode }
        result.linuxBalloon = Self.linuxBalloon(report, extents: result.extents)
        try inSlices(slots, "audited") { vnode, range in
            let request = ControlRequest.audit(vnode: vnode, slots: range, everyFrame: !quick)
            let answer = try Self.patiently(session) { try session.ask(request, as: AuditAnswer.self) }
            result.findings += answer.findings
            return answer.next
        }
        return result
    }

    /// How much the balloons have beyond our own pages.
    private static func linuxBalloon(_ report: StatusReport, extents: Int) -> KiB {
        let balloons = report.vnodes.reduce(KiB.zero) { $0 + ($1.balloon ?? .zero) }
        if report.backend == "kernel" { return balloons }
        let own = report.granularity * UInt64(extents)
        return balloons.less(own)
    }

    /// Repairs each slot. Then the files of vnodes with findings that this may not mend are read again.
    private func mend(_ session: Session, _ result: Result) throws {
        try inSlices(try slots(session), "being mended") { vnode, range in
            let request = ControlRequest.repair(vnode: vnode, slots: range)
            return try Self.patiently(session) { try session.ask(request, as: AuditAnswer.self) }.next
        }
        let ofFrames = [AuditFinding.Kind.ramInBalloon, .holeInReserve]
        for vnode in Set(result.findings.filter { !ofFrames.contains($0.kind) }.map(\.vnode)).sorted() {
            _ = try session.ask(.recover(vnode: vnode))
        }
    }

    /// The number of slots of each vnode, once each vnode is known or cannot be audited.
    private func slots(_ session: Session) throws -> SlotsAnswer {
        while true {
            let answer = try session.ask(.slots, as: SlotsAnswer.self)
            if answer.slots.allSatisfy({ $0.slots != nil || $0.detail != nil }) { return answer }
            session.goOn()
        }
    }

    /// Repeats a request while the vnode is being audited.
    private static func patiently<T>(_ session: Session, _ body: () throws -> T) throws -> T {
        while true {
            do { return try body() } catch let refusal as Refusal
                where refusal.code == BalloonError.Code.looking.description
            {
                let vnodes = try session.status().vnodes
                guard vnodes.contains(where: { $0.balloon == nil && $0.detail == nil }) else { throw refusal }
                session.goOn()
            }
        }
    }

    /// Goes through all slots of all vnodes, a few at a time, so that a daemon can do its other work in between.
    /// - Parameter body: returns where the next slice begins.
    private func inSlices(_ slots: SlotsAnswer, _ what: String, _ body: (Int, Range<Int>) throws -> Int) throws {
        defer { Terminal.endProgress() }
        let extents = slots.slots.reduce(0) { $0 + ($1.slots ?? 0) }
        var done = 0
        for entry in slots.slots {
            guard let count = entry.slots else { continue }
            var first = 0
            // Runs once even without slots: the file itself may be gone.
            repeat {
                let next = max(first + 1, try body(entry.vnode, first..<min(first + ControlRequest.auditSlice, count)))
                done += min(next, count) - first
                first = next
                Terminal.progress("\(done) of \(extents) extents \(what)")
            } while first < count
        }
    }

    // MARK: What is shown

    private func show(_ result: Result) {
        if json { return Terminal.show(text(result)) }
        for finding in result.findings {
            let place = "vnode \(finding.vnode), slot \(finding.slot), frame \(finding.gfn)"
            Terminal.show("\(place): \(finding.kind.rawValue)")
        }
        if let missing = result.unaccounted, missing > .zero {
            Terminal.show("\(Size.text(missing)) are missing that no balloon accounts for: unaccounted")
        }
        if result.unaccounted == nil && result.unknown.isEmpty {
            Terminal.show("not compared with all of the guest's memory, whose sum is not known")
        }
        for sentence in result.unknown { Terminal.show("not audited: \(sentence)") }
        if result.linuxBalloon > .zero {
            let compared = result.unaccounted.map { $0 == .zero ? "; with it Xen's count is right" : "" } ?? ""
            Terminal.show(
                "Linux's own balloon has \(Size.text(result.linuxBalloon)), of frames that only the kernel knows\(compared)"
            )
        }
        for (vnode, size) in result.otherPNode.sorted(by: { $0.key < $1.key }) where size > .zero {
            Terminal.show("vnode \(vnode): up to \(Size.text(size)) of its memory is of other physical nodes")
        }
        let count = result.findings.count + ((result.unaccounted ?? .zero) > .zero ? 1 : 0)
        let verdict = result.isClean ? "clean" : count == 0 ? "not all of them" : "\(count) findings"
        let keeper = result.backend == "module" ? " that the kernel module holds" : ""
        Terminal.show("\(result.extents) extents\(keeper) audited, \(verdict)")
    }

    private func text(_ result: Result) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("schema", 1)
            writer.member("clean", result.isClean)
            writer.member("backend", result.backend)
            writer.member("extents", result.extents)
            writer.member("unaccounted_kib", result.unaccounted)
            writer.member("linux_kib", result.linuxBalloon)
            let other = result.otherPNode
            writer.member("other_pnode_kib", other.isEmpty ? nil : other.values.reduce(.zero, +))
            writer.key("findings")
            // After the findings about slots comes the memory that is missing altogether, which belongs to no vnode.
            let missing = result.unaccounted.flatMap { $0 > .zero ? $0 : nil }
            writer.array(result.findings.map(Optional.some) + (missing == nil ? [] : [nil])) { writer, finding in
                writer.object { writer in
                    if let finding { return finding.write(to: &writer) }
                    AuditFinding.writeUnaccounted(missing ?? .zero, to: &writer)
                }
            }
            writer.key("unknown")
            writer.array(result.unknown) { writer, sentence in writer.value(sentence) }
        }
        return writer.text
    }
}
