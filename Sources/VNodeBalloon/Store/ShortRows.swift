/// The rows that tell the toolstack how much memory vnodes are short of. They are written at most once a second, and
/// only after a change that matters.
struct ShortRows: Equatable, Sendable {
    static let name = "balloon-short"
    /// A change of no more than this is not written, unless it is to or from 0.
    static let step: KiB = .mib(8)
    static let interval: Interval = .seconds(1)

    /// The vnodes for which the toolstack made the row.
    private(set) var wanted: Set<Int> = []
    private var told: [Int: KiB] = [:]
    private var lastWrite: Moment?

    /// What was written last for a vnode; nil: nothing yet.
    func told(_ vnode: Int) -> KiB? { told[vnode] }

    /// Takes in the row's text; nil: there is no row.
    mutating func note(_ vnode: Int, _ row: [UInt8]?) {
        if row != nil { wanted.insert(vnode) } else { wanted.remove(vnode) }
        // The toolstack made the row anew if it is empty.
        if row?.isEmpty ?? true { told[vnode] = nil }
    }

    /// The sizes to write now.
    func due(_ short: [Int: KiB], now: Moment) -> [Int: KiB] {
        if let lastWrite, now < lastWrite + Self.interval { return [:] }
        return short.filter { vnode, size in wanted.contains(vnode) && isNews(size, told[vnode]) }
    }

    private func isNews(_ size: KiB, _ before: KiB?) -> Bool {
        guard let before, (size == .zero) == (before == .zero) else { return true }
        return size.difference(from: before) > Self.step
    }

    mutating func wrote(_ short: [Int: KiB], now: Moment) {
        told.merge(short) { $1 }
        if !short.isEmpty { lastWrite = now }
    }

    /// Has everything written again.
    mutating func forget() {
        told = [:]
        lastWrite = nil
    }
}

extension VNodeInterface {
    /// The vnodes for which the toolstack made the row.
    var shortVNodes: Set<Int> { short.wanted }
    /// What was last written for a vnode.
    func toldShort(_ vnode: Int) -> KiB? { short.told(vnode) }

    /// - Throws: `.store`. Some rows may have been written by then, so the next call writes all of them.
    func publish(short sizes: [Int: KiB], now: Moment) throws(BalloonError) {
        let due = short.due(sizes, now: now)
        do throws(BalloonError) {
            for (vnode, size) in due.sorted(by: { $0.key < $1.key }) {
                try writeRow("\(place.directory(vnode: vnode))/\(ShortRows.name)", "\(size)", nil)
            }
        } catch {
            short.forget()
            throw error
        }
        short.wrote(due, now: now)
    }

    /// Writes 0 to the rows at the end of the daemon, because no process will keep them up to date.
    func publishNothingShort() throws(BalloonError) {
        for vnode in short.wanted.sorted() where short.told(vnode) ?? .zero > .zero {
            try writeRow("\(place.directory(vnode: vnode))/\(ShortRows.name)", "0", nil)
        }
        short.forget()
    }
}
