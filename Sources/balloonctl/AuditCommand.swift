import ArgumentParser
import VNodeBalloon

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Ask Xen about every frame of the balloons.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Only the first and the last frame of each 2 MiB.")
    var quick = false

    @Flag(help: "Mend what can be mended safely.")
    var repair = false

    @Flag(help: "Print JSON.")
    var json = false

    private struct Slots: Decodable {
        struct Entry: Decodable { let vnode: Int, slots: Int }
        let slots: [Entry]
    }

    private struct Findings: Decodable {
        struct Finding: Decodable {
            let vnode: Int
            let slot: Int
            let gfn: UInt64
            let kind: String
        }
        let findings: [Finding]
    }

    func run() throws {
        try Exit.onError {
            let session = try Session(common)
            var (findings, extents) = try look(session)
            if repair && !findings.isEmpty {
                // One object of JSON: that of the second look.
                if !json { show(findings, extents) }
                try mend(session, findings)
                (findings, extents) = try look(session)
            }
            show(findings, extents)
            if !findings.isEmpty { throw Exit.temporary }
        }
    }

    private func look(_ session: Session) throws -> ([Findings.Finding], Int) {
        var findings: [Findings.Finding] = []
        let extents = try inSlices(session, "looked at") { vnode, slots in
            let request = ControlRequest.audit(vnode: vnode, slots: slots, everyFrame: !quick)
            findings += try session.ask(request, as: Findings.self).findings
        }
        return (findings, extents)
    }

    /// Has each slot looked at, and then the files of those vnodes where that may not be all.
    private func mend(_ session: Session, _ findings: [Findings.Finding]) throws {
        _ = try inSlices(session, "being mended") { vnode, slots in
            _ = try session.ask(.repair(vnode: vnode, slots: slots))
        }
        let ofFrames = [AuditFinding.Kind.ramInBalloon, .holeInReserve].map(\.rawValue)
        for vnode in Set(findings.filter { !ofFrames.contains($0.kind) }.map(\.vnode)).sorted() {
            _ = try session.ask(.recover(vnode: vnode))
        }
    }

    /// All slots of all vnodes, a few at a time, so that a daemon goes on with its work in between.
    /// - Returns: how many there are.
    private func inSlices(_ session: Session, _ what: String, _ body: (Int, Range<Int>) throws -> Void) throws -> Int {
        defer { Terminal.endProgress() }
        let vnodes = try session.ask(.slots, as: Slots.self).slots
        let extents = vnodes.reduce(0) { $0 + $1.slots }
        var done = 0
        for entry in vnodes {
            // Once even without slots: the file itself may be gone.
            for first in stride(from: 0, through: max(0, entry.slots - 1), by: ControlRequest.auditSlice) {
                let slots = first..<min(first + ControlRequest.auditSlice, max(entry.slots, first))
                try body(entry.vnode, slots)
                done += slots.count
                Terminal.progress("\(done) of \(extents) extents \(what)")
            }
        }
        return extents
    }

    private func show(_ findings: [Findings.Finding], _ extents: Int) {
        if json {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("schema", 1)
                writer.member("clean", findings.isEmpty)
                writer.member("extents", extents)
                writer.key("findings")
                writer.array(findings) { writer, finding in
                    writer.object { writer in
                        writer.member("vnode", finding.vnode)
                        writer.member("slot", finding.slot)
                        writer.member("gfn", finding.gfn)
                        writer.member("kind", finding.kind)
                    }
                }
            }
            return Terminal.show(writer.text)
        }
        for finding in findings {
            Terminal.show("vnode \(finding.vnode), slot \(finding.slot), frame \(finding.gfn): \(finding.kind)")
        }
        Terminal.show("\(extents) extents looked at, \(findings.isEmpty ? "clean" : "\(findings.count) findings")")
    }
}
