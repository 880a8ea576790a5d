import ArgumentParser
import BalloonPictures
import FoundationEssentials
import VNodeBalloon

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Watch the balloons live, with a bar for each vnode.",
        discussion: """
            Keys: q ends it, s sorts by the next order, n by number. Where standard output is no terminal, or with --batch,
            pictures follow each other. Colours only on a terminal, and not where NO_COLOR is set.

            \(Exit.codes(Exit.noXen, (Exit.temporary, "the daemon does not answer")))
            """)

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print one picture below the other, without keys and colours.")
    var batch = false

    @Option(help: ArgumentHelp("End after so many pictures.", valueName: "number"))
    var count: UInt64?

    @Option(help: ArgumentHelp("Seconds between two pictures, 1 to 86400.", valueName: "seconds"))
    var every: UInt64 = 1

    @Option(
        help: ArgumentHelp(
            "number, balloon (the largest first) or available (the least first); default: number.", valueName: "order"),
        completion: .list(TopOrder.allCases.map(\.rawValue)),
        transform: { word in
            guard let order = TopOrder(rawValue: word) else {
                throw ValidationError("an order is number, balloon or available")
            }
            return order
        })
    var sort: TopOrder = .number

    mutating func validate() throws {
        if !(1...86400).contains(every) { throw ValidationError("seconds are 1 to 86400") }
        if count == 0 { throw ValidationError("a number of pictures is 1 or more") }
    }

    func run() throws {
        try Exit.onError {
            let settings = try common.settingsWhateverTheFileSays()
            // Asked first, so that a failure does not take over the screen.
            let first = try Session(settings, isReading: true).status()
            var view = TopView(isBatch: batch || !Terminal.isShown, count: count, every: every, order: sort)
            try view.run(Self.frame(first)) {
                do {
                    return Self.frame(try Session(settings, isReading: true).status())
                } catch {
                    return TopLayout.Frame(time: Terminal.time, heading: "", rows: [], fault: Live.sentence(error))
                }
            }
        }
    }

    private static func frame(_ report: StatusReport) -> TopLayout.Frame {
        let domain = report.domain
        let has = "\(Size.short(domain.currentReservation)) of \(Size.short(domain.maximumReservation))"
        return TopLayout.Frame(
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
