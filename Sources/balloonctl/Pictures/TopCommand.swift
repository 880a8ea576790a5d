import ArgumentParser
import BalloonPictures
import FoundationEssentials
import VNodeBalloon

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch the balloons live, with a bar for each vnode.",
        discussion: """
            \(TopOptions.keys)

            \(Exit.codes(Exit.noXen, (Exit.temporary, "the daemon does not answer")))
            """)

    @OptionGroup var common: CommonOptions

    @OptionGroup var options: TopOptions

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            func look() throws -> TopFrame { Self.frame(try Session(settings, isReading: true).status()) }
            try options.show(try look(), look: look)
        }
    }

    private static func frame(_ report: StatusReport) -> TopFrame {
        let domain = report.domain
        let has = "\(Size.short(domain.currentReservation)) of \(Size.short(domain.maximumReservation))"
        return TopFrame(
            time: Terminal.time,
            heading: "\(domain.type) guest, \(has)" + (report.daemon ? "" : ", no daemon")
                + (report.isCutOff ? ", xenstore is silent" : ""),
            rows: report.vnodes.map { vnode in
                TopRow(
                    number: vnode.vnode, name: "vnode \(vnode.vnode)", size: vnode.size,
                    balloon: vnode.balloon, goal: vnode.forced ?? vnode.target,
                    isForced: vnode.forced != nil, available: vnode.nodeAvailable,
                    kept: vnode.nodeKept, state: vnode.state, reason: vnode.reason, detail: vnode.detail)
            })
    }
}
