import ArgumentParser
import BalloonPictures

/// The options of all live pictures.
struct TopOptions: ParsableArguments {
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

    /// What the keys do, and when there are none.
    static let keys = """
        Keys: q ends it, s sorts by the next order, n by number. Where standard output is no terminal, or with --batch,
        pictures follow each other. Colours only on a terminal, and not where NO_COLOR is set.
        """

    /// Shows pictures until the user ends it.
    /// - Parameters:
    ///   - first: the first picture, taken before, so that a failure does not take over the screen.
    ///   - look: returns the next picture.
    func show(_ first: TopFrame, look: () throws -> TopFrame) throws {
        var view = TopView(isBatch: batch || !Terminal.isShown, count: count, every: every, order: sort)
        try view.run(first) {
            do {
                return try look()
            } catch {
                return TopFrame(time: Terminal.time, heading: "", rows: [], fault: Live.sentence(error))
            }
        }
    }
}
