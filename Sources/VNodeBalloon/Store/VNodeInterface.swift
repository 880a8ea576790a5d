internal import Glibc
public import Logging

/// The per-vnode interface in xenstore: reads what the toolstack wants, publishes what the balloons do.
///
/// Paths are relative to the domain's directory. A watch event is only a hint: the path that it names is read again,
/// and everything is read now and then.
public final class VNodeInterface {
    let store: any Store
    let vnodes: [VNode]
    let granularity: KiB
    let log: Logger
    private(set) var place: ReportPlace = .fallback
    var acknowledged: [Int: String] = [:]
    var schedule = PublishSchedule()
    var short = ShortRows()
    /// The vnodes whose rows the toolstack removed. The guest cannot make them again.
    var absent: Set<Int> = []
    var publishedFeature: String?
    /// The last reading.
    private var last = Reading()
    /// What watch events have named since the last read: the targets of these vnodes, memory/target, or anything else.
    private var named: Set<Int> = []
    private var isLegacyNamed = false
    private var isStale = true
    /// No program writes this row while the domain runs. So an event for it comes only when the watch is set: by us, or
    /// again by the kernel after a restore or a migration.
    private static let resumePath = "domid"
    private var resumeEvents = 0
    static let drifted = "data/balloon-vnode/drifted"
    var publishedDrift: KiB = .zero
    /// What was last published about memory from other physical nodes, by vnode.
    var publishedElsewhere: [Int: Frames] = [:]

    /// Sets the watches and finds out where to report.
    ///
    /// - Parameters:
    ///   - vnodes: the domain's vnodes, including those without a Linux node.
    ///   - granularity: sizes are multiples of this.
    ///   - isWatching: false for a command that reads once: to set a watch, the kernel may have to wait for xenstored.
    /// - Throws: `.store`.
    public init(
        _ store: any Store, vnodes: [VNode], granularity: KiB, isWatching: Bool = true, log: Logger
    ) throws(BalloonError) {
        self.store = store
        self.vnodes = vnodes
        self.granularity = granularity
        self.log = log
        if isWatching {
            try store.watch("memory", token: "memory")
            try store.watch("control", token: "control")
            try store.watch(Self.resumePath, token: "resume")
        }
        try findPlace()
    }

    /// Readable when something changed in xenstore.
    public var descriptor: Int32 { store.descriptor }
    /// The guest reports below data/, because no toolstack prepared the domain.
    public var isFallback: Bool { place == .fallback }

    // MARK: Reading

    /// The most watch events in one turn of the loop. More of them wait for the next turn.
    static let mostEvents = 4096

    /// Takes the watch events that have arrived. Returns whether one of them named something that is read here.
    public func takeEvents() throws(BalloonError) -> Bool {
        var any = false
        for _ in 0..<Self.mostEvents {
            guard let path = try store.nextEvent() else { break }
            let place = StorePath(path)
            // Events for vnodes that this guest does not have, however many, must not make us read our rows.
            if case .vnode(let number, _)? = place, !vnodes.contains(where: { $0.number == number }) { continue }
            any = true
            if path == Self.resumePath { resumeEvents += 1 }
            note(path, place)
        }
        return any
    }

    private func note(_ path: String, _ place: StorePath?) {
        if case .vnode(let number, row: "target-balloon-size")? = place {
            named.insert(number)
        } else if path == Self.legacyTarget {
            isLegacyNamed = true
        } else {
            isStale = true
        }
    }

    private static let legacyTarget = "memory/target"

    /// Whether the kernel has set the watches again since the last call.
    public func wasResumed() -> Bool {
        guard resumeEvents > 1 else { return false }
        resumeEvents = 1
        return true
    }

    /// Reads again, and finds out where to report.
    ///
    /// - Parameter everything: false after watch events. If all of them named targets, only these targets are read:
    ///   each row takes a third of a millisecond, and the toolstack waits for the first step.
    public func read(everything: Bool = true) throws(BalloonError) -> Reading {
        let (isFull, isToldOf) = (everything || isStale, isStale)
        let (named, isLegacyNamed) = (self.named, self.isLegacyNamed)
        // After an error on the way everything must be read again.
        isStale = true
        self.named = []
        self.isLegacyNamed = false
        if isFull { try findPlace() }
        for vnode in vnodes where isFull || named.contains(vnode.number) {
            if isFull && place == .prepared { try checkRows(vnode.number, all: everything) }
            last.requests[vnode.number] = try request(of: vnode)
            // Read only after a watch event, not once a minute. The row matters only while a physical node is full, and
            // each read delays a turn of the loop.
            if isToldOf { try readAllowance(vnode.number) }
        }
        last.hasTargets = last.requests.values.contains { $0 != .absent }
        if isFull || isLegacyNamed {
            let legacy = try value(Self.legacyTarget)
            last.hasLegacyTarget = legacy != nil
            last.legacyTarget = legacy.flatMap(decimalNumber).map { KiB($0) }
        }
        isStale = false
        return last
    }

    /// The request for a vnode. It must fit the size that xenstore says the vnode has.
    private func request(of vnode: VNode) throws(BalloonError) -> TargetRequest {
        guard let text = try value("memory/vnode\(vnode.number)/target-balloon-size") else {
            last.refused[vnode.number] = nil
            return .absent
        }
        let target = TargetText(untrusted: text)
        let size = try value("memory/vnode\(vnode.number)/size").flatMap(decimalNumber).map { KiB($0) } ?? .max
        acknowledged[vnode.number] = target.acknowledgement
        let request = target.request(limit: min(vnode.size, size))
        last.refused[vnode.number] = request == .invalid ? target.printable : nil
        return request
    }

    /// Any text but "1" counts as "0".
    private func readAllowance(_ vnode: Int) throws(BalloonError) {
        let isAllowed = try value("memory/vnode\(vnode)/allow-other-pnode") == [UInt8(ascii: "1")]
        if isAllowed { last.mayTakeElsewhere.insert(vnode) } else { last.mayTakeElsewhere.remove(vnode) }
    }

    /// Finds rows that the toolstack removed and made anew: they are empty, and everything is published again.
    ///
    /// - Parameter all: reads every row instead of balloon-state alone, because a toolstack makes the rows one after
    ///   the other. Only on a periodic full read, never in response to a watch: our own writes fire it too, and a row
    ///   that stays empty would make us rewrite it forever.
    private func checkRows(_ vnode: Int, all: Bool) throws(BalloonError) {
        let directory = place.directory(vnode: vnode)
        guard let state = try value(directory + "/balloon-state") else {
            absent.insert(vnode)
            schedule.forget(vnode)
            short.note(vnode, nil)
            return
        }
        short.note(vnode, try value("\(directory)/\(ShortRows.name)"))
        absent.remove(vnode)
        // Only an empty row was made anew. A row that another program fills is left to that program.
        guard let written = schedule.written(vnode) else { return }
        if state.isEmpty {
            schedule.forget(vnode)
            // A toolstack that made the rows anew waits for the feature row. One that emptied only that row wants it
            // empty.
            publishedFeature = nil
        } else if all {
            for (name, said) in written.values where !said.isEmpty {
                if try value("\(directory)/\(name)")?.isEmpty == true { schedule.forget(vnode) }
            }
        }
    }

    /// memory/static-max.
    public static func staticMax(_ store: any Store) throws(BalloonError) -> KiB? {
        try store.read("memory/static-max", in: nil).flatMap(storedSize)
    }

    /// memory/videoram.
    public static func videoRAM(_ store: any Store) throws(BalloonError) -> KiB? {
        try store.read("memory/videoram", in: nil).flatMap(storedSize)
    }

    /// The value of a row; nil: it does not exist, or we may not read it.
    func value(_ path: String) throws(BalloonError) -> [UInt8]? {
        do throws(BalloonError) {
            return try store.read(path, in: nil)
        } catch {
            if error.errno == EACCES { return nil }
            throw error
        }
    }

    // MARK: Where to report

    /// Finds out where to report: below memory/ if we may write the toolstack's feature node, else below data/.
    private func findPlace() throws(BalloonError) {
        let found: ReportPlace = try mayWriteFeature() ? .prepared : .fallback
        guard found != place else { return }
        let left = place
        place = found
        absent = []
        schedule.forget()
        let shortVNodes = short.wanted
        short = ShortRows()
        publishedFeature = nil
        log.notice("reporting \(found == .prepared ? "below memory/" : "below data/balloon-vnode/")")
        empty(left, shortVNodes)
    }

    private func mayWriteFeature() throws(BalloonError) -> Bool {
        guard try value(ReportPlace.featureOfToolstack) != nil else { return false }
        if place == .prepared { return true }
        // Only a write shows whether we may. The transaction is dropped: a committed write would fire our own watch,
        // and we would try again forever.
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

    /// Empties our rows in the place that we leave. They are never removed, because we could not make them again.
    private func empty(_ left: ReportPlace, _ shortVNodes: Set<Int>) {
        do throws(BalloonError) {
            for vnode in vnodes {
                let directory = left.directory(vnode: vnode.number)
                guard try value(directory) != nil else { continue }
                try store.transaction { (transaction) throws(BalloonError) in
                    let names = VNodeRows.names + (shortVNodes.contains(vnode.number) ? [ShortRows.name] : [])
                    for name in names { try self.writeRow("\(directory)/\(name)", "", transaction) }
                }
            }
            if try value(left.feature) != nil { try writeRow(left.feature, "", nil) }
        } catch {
            log.debug("the rows left behind could not be emptied", metadata: ["error": "\(error)"])
        }
    }
}
