internal import Glibc
public import Logging

/// The per-vnode interface in xenstore: reads what the toolstack wants, publishes what the balloons do.
///
/// Paths are relative to the domain's directory. A watch event is a hint: everything is read again.
public final class VNodeInterface {
    /// What xenstore says.
    public struct Reading: Equatable, Sendable {
        /// By vnode number.
        public var requests: [Int: TargetRequest] = [:]
        /// memory/target in KiB, nil where there is none.
        public var legacyTargetKiB: UInt64?
        /// memory/target exists, whatever it holds.
        public var hasLegacyTarget = false
        /// Any vnode has a target.
        public var hasTargets = false
    }

    private let store: any Store
    private let vnodes: [VNode]
    private let granularityKiB: UInt64
    private let log: Logger
    private var place: ReportPlace = .fallback
    private var acknowledged: [Int: String] = [:]
    private var schedule = PublishSchedule()
    /// Vnodes whose rows the toolstack took away: they cannot be made by us.
    private var absent: Set<Int> = []
    private var publishedFeature: String?
    /// The sizes in xenstore, as they were read last.
    private var sizes: [Int: UInt64] = [:]
    /// Something else than a target may have changed since everything was read.
    private var isStale = true
    /// Nobody writes it while the domain runs, so an event comes when the watch is set: by us, or again by the kernel after
    /// a restore or a migration.
    private static let resumePath = "domid"
    private var resumeEvents = 0

    /// Sets the watches and finds out where to report.
    /// - Throws: `.store`.
    public init(_ store: any Store, backend: any Backend, log: Logger) throws(BalloonError) {
        self.store = store
        vnodes = backend.domainVNodes
        granularityKiB = backend.granularityKiB
        self.log = log
        try store.watch("memory", token: "memory")
        try store.watch("control", token: "control")
        try store.watch(Self.resumePath, token: "resume")
        try findPlace()
    }

    /// Readable when something changed in xenstore.
    public var descriptor: Int32 { store.descriptor }
    /// The guest reports below data/, because no toolstack prepared the domain.
    public var isFallback: Bool { place == .fallback }

    // MARK: Reading

    /// More watch events than this wait for the next turn of the loop.
    static let mostEvents = 4096

    /// Takes the watch events that are there. True when one was about something that is read here.
    public func takeEvents() throws(BalloonError) -> Bool {
        var any = false
        for _ in 0..<Self.mostEvents {
            guard let path = try store.nextEvent() else { break }
            // Somebody else's vnodes, however many, are no reason to read ours.
            if case .vnode(let number, _)? = StorePath(path), !vnodes.contains(where: { $0.number == number }) {
                continue
            }
            any = true
            if path == Self.resumePath { resumeEvents += 1 }
            if !isTarget(path) { isStale = true }
        }
        return any
    }

    private func isTarget(_ path: String) -> Bool {
        if case .vnode(_, row: "target-balloon-size")? = StorePath(path) { return true }
        return path == "memory/target"
    }

    /// Whether the kernel has set the watches again since this was asked last.
    public func wasResumed() -> Bool {
        guard resumeEvents > 1 else { return false }
        resumeEvents = 1
        return true
    }

    /// Reads everything again, and finds out where to report.
    ///
    /// - Parameter everything: false after watch events: when all of them were about targets, all targets are read and
    ///   nothing else. Each row takes a third of a millisecond, and somebody waits.
    public func read(everything: Bool = true) throws(BalloonError) -> Reading {
        let isFull = everything || isStale
        // An error on the way must not leave a belief behind.
        isStale = true
        if isFull {
            sizes = [:]
            try findPlace()
        }
        var reading = Reading()
        for vnode in vnodes {
            if isFull && place == .prepared { try checkRows(vnode.number) }
            guard let text = try value("memory/vnode\(vnode.number)/target-balloon-size") else {
                reading.requests[vnode.number] = .absent
                continue
            }
            let target = TargetText(untrusted: text)
            let size = try size(of: vnode, isFull)
            reading.requests[vnode.number] = target.request(limitKiB: min(vnode.sizeKiB, size))
            reading.hasTargets = true
            acknowledged[vnode.number] = target.acknowledgement
        }
        let legacy = try value("memory/target")
        reading.hasLegacyTarget = legacy != nil
        reading.legacyTargetKiB = legacy.flatMap(decimalNumber)
        // A size that was written together with the target may not have been told of yet.
        if !isFull && reading.requests.values.contains(.invalid) { return try read() }
        isStale = false
        return reading
    }

    /// What xenstore says of the vnode's size, in KiB; the most there is where it says nothing.
    private func size(of vnode: VNode, _ isFull: Bool) throws(BalloonError) -> UInt64 {
        if !isFull, let known = sizes[vnode.number] { return known }
        let size = try value("memory/vnode\(vnode.number)/size").flatMap(decimalNumber) ?? .max
        sizes[vnode.number] = size
        return size
    }

    /// Rows that the toolstack took away and made anew are empty: all that was said is said again.
    private func checkRows(_ vnode: Int) throws(BalloonError) {
        guard let state = try value(place.directory(vnode: vnode) + "/balloon-state") else {
            absent.insert(vnode)
            schedule.forget(vnode)
            return
        }
        absent.remove(vnode)
        // Only an empty row was made anew. One that somebody else fills is not ours to fight over.
        guard schedule.written(vnode) != nil, state.isEmpty else { return }
        schedule.forget(vnode)
        // A toolstack that begins again waits for it. One that only emptied the feature wants it empty.
        publishedFeature = nil
    }

    /// memory/static-max in KiB.
    public static func staticMaxKiB(_ store: any Store) throws(BalloonError) -> UInt64? {
        try store.read("memory/static-max", in: nil).flatMap(decimalNumber)
    }

    /// A value, nil when there is none or it may not be read.
    private func value(_ path: String) throws(BalloonError) -> [UInt8]? {
        do throws(BalloonError) {
            return try store.read(path, in: nil)
        } catch {
            if error.errno == EACCES { return nil }
            throw error
        }
    }

    // MARK: Publishing

    /// Writes what is due. Returns when more will be, nil when nothing is left.
    public func publish(_ states: [VNodeState], now: UInt64) throws(BalloonError) -> UInt64? {
        let rows = rows(states)
        let due = schedule.due(rows, now: now)
        if !due.isEmpty {
            try write(due)
            schedule.wrote(due, now: now)
        }
        let next = schedule.nextDue(rows, now: now)
        // The feature says that every vnode is published.
        if publishedFeature == nil && next == nil { try writeFeature("1") }
        return next
    }

    /// The last words of a daemon that stops: the balloons stay as they are.
    /// - Parameter isEmpty: nothing at all is given, as far as is known.
    public func publishStopped(_ states: [VNodeState], isEmpty: Bool, now: UInt64) throws(BalloonError) {
        var rows = rows(states)
        for vnode in rows.keys {
            rows[vnode]?.activity = .stopped
            rows[vnode]?.reason = nil
        }
        try write(rows)
        // A toolstack must not go back to memory/target while memory is given.
        try writeFeature(isEmpty ? "0" : "1")
    }

    /// Publishes everything again: after a resume, other nodes may be all that is left.
    public func forgetPublished() {
        schedule.forget()
        publishedFeature = nil
    }

    private func rows(_ states: [VNodeState]) -> [Int: VNodeRows] {
        var rows: [Int: VNodeRows] = [:]
        for state in states where !absent.contains(state.vnode.number) {
            rows[state.vnode.number] = VNodeRows(
                acknowledged: acknowledged[state.vnode.number] ?? "", balloonKiB: state.balloonKiB,
                activity: state.activity, reason: state.reason, granularityKiB: granularityKiB)
        }
        return rows
    }

    private func write(_ rows: [Int: VNodeRows]) throws(BalloonError) {
        let place = place
        let present = rows.sorted { $0.key < $1.key }
        try store.transaction { (transaction) throws(BalloonError) in
            for (vnode, row) in present {
                // On the way only what changed; at the end everything.
                let before = row.isMoving ? self.schedule.written(vnode)?.values : nil
                for (index, (name, value)) in row.values.enumerated() where before?[index].value != value {
                    try self.writeRow("\(place.directory(vnode: vnode))/\(name)", value, transaction)
                }
            }
        }
    }

    /// A row that the toolstack did not give us is passed over; so is one that went while we wrote.
    private func writeRow(_ path: String, _ value: String, _ transaction: Transaction?) throws(BalloonError) {
        do throws(BalloonError) {
            try store.write(path, value, in: transaction)
        } catch {
            guard error.errno == EACCES || error.errno == ENOENT else { throw error }
            log.debug("not writable in xenstore", metadata: ["path": "\(path)"])
        }
    }

    private func writeFeature(_ value: String) throws(BalloonError) {
        try writeRow(place.feature, value, nil)
        publishedFeature = value
    }

    // MARK: Where to report

    /// A feature node that we may write decides, and nothing else.
    private func findPlace() throws(BalloonError) {
        let found: ReportPlace = try mayWriteFeature() ? .prepared : .fallback
        guard found != place else { return }
        let left = place
        place = found
        absent = []
        schedule.forget()
        publishedFeature = nil
        log.notice("reporting \(found == .prepared ? "below memory/" : "below data/balloon-vnode/")")
        empty(left)
    }

    private func mayWriteFeature() throws(BalloonError) -> Bool {
        guard try value(ReportPlace.featureOfToolstack) != nil else { return false }
        if place == .prepared { return true }
        // Only a write tells. It is dropped again, or our own watch would fire, and we would try again for ever.
        var isOurs = false
        do throws(BalloonError) {
            try store.transaction { (transaction) throws(BalloonError) in
                try store.write(ReportPlace.featureOfToolstack, "", in: transaction)
                isOurs = true
                throw BalloonError(.store, "dropped on purpose")
            }
        } catch {
            guard isOurs || error.errno == EACCES || error.errno == ENOENT else { throw error }
        }
        return isOurs
    }

    /// The copy left behind says nothing any more. Nodes are emptied, never removed: we could not make them again.
    private func empty(_ left: ReportPlace) {
        do throws(BalloonError) {
            for vnode in vnodes {
                let directory = left.directory(vnode: vnode.number)
                guard try value(directory) != nil else { continue }
                try store.transaction { (transaction) throws(BalloonError) in
                    for (name, _) in VNodeRows().values { try self.writeRow("\(directory)/\(name)", "", transaction) }
                }
            }
            if try value(left.feature) != nil { try writeRow(left.feature, "", nil) }
        } catch {
            log.debug("the rows left behind could not be emptied", metadata: ["error": "\(error)"])
        }
    }
}
