/// What vnodes are short of, as the toolstack is told: at most once a second, and only what matters.
struct ShortRows: Equatable, Sendable {
    static let name = "balloon-short"
    /// A change that is no larger is not told, unless it is to or from 0. KiB.
    static let stepKiB: UInt64 = 8 << 10
    /// Nanoseconds.
    static let interval: UInt64 = 1_000_000_000

    /// Vnodes of which a toolstack made the row.
    private(set) var wanted: Set<Int> = []
    private var told: [Int: UInt64] = [:]
    private var lastWrite: UInt64?

    /// What a vnode was said to be short of; nil: nothing was said yet.
    func told(_ vnode: Int) -> UInt64? { told[vnode] }

    /// What is in the row; nil: there is none.
    mutating func note(_ vnode: Int, _ row: [UInt8]?) {
        if row != nil { wanted.insert(vnode) } else { wanted.remove(vnode) }
        // One that was made anew is empty.
        if row?.isEmpty ?? true { told[vnode] = nil }
    }

    /// What is to be written now.
    func due(_ shortKiB: [Int: UInt64], now: UInt64) -> [Int: UInt64] {
        if let lastWrite, now < lastWrite + Self.interval { return [:] }
        return shortKiB.filter { vnode, kib in wanted.contains(vnode) && isNews(kib, told[vnode]) }
    }

    private func isNews(_ kib: UInt64, _ before: UInt64?) -> Bool {
        guard let before, (kib == 0) == (before == 0) else { return true }
        return max(kib, before) - min(kib, before) > Self.stepKiB
    }

    mutating func wrote(_ shortKiB: [Int: UInt64], now: UInt64) {
        told.merge(shortKiB) { $1 }
        if !shortKiB.isEmpty { lastWrite = now }
    }

    /// Everything is to be said again.
    mutating func forget() {
        told = [:]
        lastWrite = nil
    }
}

extension VNodeInterface {
    /// Vnodes of which the toolstack is told what they are short of.
    var shortVNodes: Set<Int> { short.wanted }
    /// What it was told last.
    func toldShortKiB(_ vnode: Int) -> UInt64? { short.told(vnode) }

    /// - Throws: `.store`. Everything is said again then: some of it may have been written.
    func publish(shortKiB: [Int: UInt64], now: UInt64) throws(BalloonError) {
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

    /// The end: nobody looks after it any more.
    func publishNothingShort() throws(BalloonError) {
        for vnode in short.wanted.sorted() where short.told(vnode) ?? 0 > 0 {
            try writeRow("\(place.directory(vnode: vnode))/\(ShortRows.name)", "0", nil)
        }
        short.forget()
    }
}
