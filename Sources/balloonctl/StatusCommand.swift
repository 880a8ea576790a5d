import ArgumentParser
import CBalloonShim
import VNodeBalloon

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the balloons.",
        discussion: Exit.codes(
            Exit.noXen, (Exit.temporary, "a size is not known, and will not be by itself, or xenstore is silent")))

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print JSON for programs.")
    var json = false

    @Flag(help: "Show it again and again, until Ctrl-C.")
    var watch = false

    @Flag(help: "Show every figure there is of this guest's memory, and how they add up.")
    var explain = false

    @Argument(help: "With --watch: seconds in between, 1 to 86400 (default: 2).")
    var seconds: UInt64?

    mutating func validate() throws {
        if seconds != nil && !watch { throw ValidationError("seconds go with --watch") }
        if let seconds, !(1...86400).contains(seconds) { throw ValidationError("seconds are 1 to 86400") }
    }

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            repeat {
                try showOnce(settings)
                // Nobody reads it any more.
                if Terminal.outputError != nil { return }
                if watch { cb_sleep((seconds ?? 2) * 1_000_000_000) }
            } while watch
        }
    }

    /// A session of its own: without a daemon it has the lock, which nobody may sleep on.
    private func showOnce(_ settings: Settings) throws {
        // Before a session gives up the capability that opening Xen takes.
        let hypervisor = explain ? try? PrivcmdHypervisor() : nil
        let session = try Session(settings, isReading: true)
        if explain { return Terminal.show(try explanation(session, hypervisor)) }
        let report = try session.status()
        if json { Terminal.show(report.json) } else { show(report) }
        // What is not known, and will not be by itself, is no success.
        if report.vnodes.contains(where: { $0.balloonKib == nil && $0.detail != nil }) { throw Exit.temporary }
        if report.isCutOff { throw Exit.temporary }
    }

    private func explanation(_ session: Session, _ hypervisor: PrivcmdHypervisor?) throws -> String {
        let explanation = Explanation(try MemoryFigures.gather(try session.status(), hypervisor))
        return json ? explanation.json : explanation.text
    }

    private func show(_ report: StatusReport) {
        let domain = report.domain
        func size(_ kib: UInt64?) -> String { kib.map { Size.text(kib: $0) } ?? "-" }
        Terminal.show(
            "\(domain.type) guest, \(size(domain.currentReservationKib)) of"
                + " \(size(domain.maximumReservationKib)); interface \(report.interface)"
                + (report.fallback ? " (reported below data/)" : "") + ", backend \(report.backend), "
                + (report.daemon ? "daemon running" : "no daemon"))
        if let legacy = domain.legacyTargetKib, report.interface == "vnode" {
            Terminal.show(
                "warning: memory/target is present (\(size(legacy))); Linux's own balloon follows it as well")
        }
        if report.isCutOff {
            Terminal.show("warning: xenstore does not answer the daemon: no target is followed before it does")
        }
        let header = ["VNODE", "NODE", "SIZE", "BALLOON", "TARGET", "FORCED", "STATE"]
        let rows = report.vnodes.map { vnode in
            [
                "\(vnode.vnode)", vnode.linuxNode.map { "\($0)" } ?? "-", size(vnode.sizeKib),
                vnode.balloonKib.map { Size.text(kib: $0) } ?? "?", size(vnode.targetKib), size(vnode.forcedKib),
                vnode.state + (vnode.reason.map { " (\($0))" } ?? ""),
            ]
        }
        Terminal.show(Terminal.table([header] + rows))
        for vnode in report.vnodes { showTrouble(vnode) }
        if let error = report.forceError { Terminal.show("warning: \(error)") }
        if let kib = report.driftedKib, kib > 0 {
            Terminal.show(
                "warning: drifted: Linux's own balloon took back \(Size.text(kib: kib)), which may lie on other physical nodes"
            )
        }
        if let kib = report.unaccountedKib, kib > 0 {
            Terminal.show(
                "warning: \(Size.text(kib: kib)) are missing that no balloon accounts for; see balloonctl status --explain"
            )
        }
    }

    private func showTrouble(_ vnode: StatusReport.VNodeReport) {
        if let detail = vnode.detail {
            Terminal.show("vnode \(vnode.vnode): \(detail)")
        } else if vnode.balloonKib == nil, let done = vnode.auditedExtents, let all = vnode.extents {
            Terminal.show("vnode \(vnode.vnode) is being audited: \(done) of \(all) extents")
        }
        if vnode.lostKib > 0 {
            Terminal.show(
                "vnode \(vnode.vnode): \(Size.text(kib: vnode.lostKib)) cannot be taken back until the guest is started again;"
                    + " see balloonctl audit")
        }
    }
}
