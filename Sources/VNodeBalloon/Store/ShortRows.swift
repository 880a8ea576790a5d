/// The rows that tell the toolstack what vnodes are short of. They are written at most once a second, and only for a
/// change that matters.
struct ShortRows: Equatable, Sendable {
    static let name = "balloon-short"
    /// A change that is no larger is not written, unless it is to or from 0. KiB.
    static let stepKiB: UInt64 = 8 << 10
    static let interval: Interval = .seconds(1)

    /// Vnodes of which a toolstack made the row.
    private(set) var wanted: Set<Int> = []
    private var told: [Int: UInt64] = [:]
    private var lastWrite: Moment?

    /// What was written last for a vnode; nil: nothing yet.
    func told(_ vnode: Int) -> UInt64? { told[vnode] }

    /// Takes in what is in the row; nil: there is no row.
    mutating func note(_ vnode: Int, _ row: [UInt8]?) {
        if row != nil { wanted.insert(vnode) } else { wanted.remove(vnode) }
        // One that was made anew is empty.
        if row?.isEmpty ?? true { told[vnode] = nil }
    }

    /// What is to be written now.
    func due(_ shortKiB: [Int: UInt64], now: Moment) -> [Int: UInt64] {
        if let lastWrite, now < lastWrite + Self.interval { return [:] }
        return shortKiB.filter { vnode, kib in wanted.contains(vnode) && isNews(kib, told[vnode]) }
    }

    private func isNews(_ kib: UInt64, _ before: UInt64?) -> Bool {
        guard let before, (kib == 0) == (before == 0) else { return true }
        return max(kib, before) - min(kib, before) > Self.stepKiB
    }

    mutating func wrote(_ shortKiB: [Int: UInt64], now: Moment) {
        told.merge(shortKiB) { $1 }
        if !shortKiB.isEmpty { lastWrite = now }
    }

    /// Everything is to be written again.
    mutating func forget() {
        told = [:]
        lastWrite = nil
    }
}

extension VNodeInterface {
    /// Vnodes of which the toolstack made the row.
    var shortVNodes: Set<Int> { short.wanted }
    /// What was written last.
    func toldShortKiB(_ vnode: Int) -> UInt64? { short.told(vnode) }

    /// - Throws: `.store`. Everything is written again then: some of it may be there already.
    func publish(shortKiB: [Int: UInt64], now: Moment) throws(BalloonError) {
        let due = short.due(shortKiB, now: now)
        do throws(BalloonError) {
            for (vnode, kib) in due.sorted(by: { $0.key < $1.key }) {
                try writeRow("\(place.directory(vnode: vnode))/\(ShortRows.name)", "\(kib)", nil)
            }
        } catch {
            short.forget()
            throw error
        }
        short.wrote(due, now: now)
    }

    /// The daemon ends, and nothing keeps the rows up to date any more.
    func publishNothingShort() throws(BalloonError) {
        for vnode in short.wanted.sorted() where short.told(vnode) ?? 0 > 0 {
            try writeRow("\(place.directory(vnode: vnode))/\(ShortRows.name)", "0", nil)
        }
        short.forget()
    }
}
