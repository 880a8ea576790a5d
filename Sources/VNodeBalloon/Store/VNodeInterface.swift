internal import Glibc

/// The vnode interface in xenstore: reads what is asked of the guest, writes what the guest says.
///
/// It thinks as little as it can: texts are judged by ``TargetText``, times by ``PublishSchedule``.
public final class VNodeInterface {
    /// Where the guest reports.
    public enum Mode: Equatable, Sendable {
        /// The toolstack made the rows and gave them to the guest.
        case prepared
        /// It did not: below data/balloon-vnode/.
        case fallback

        var featurePath: String {
            self == .prepared ? "control/feature-balloon-vnode" : "data/balloon-vnode/feature"
        }

        func vnodePath(_ vnode: Int) -> String {
            self == .prepared ? "memory/vnode\(vnode)" : "data/balloon-vnode/vnode\(vnode)"
        }
    }

    /// What xenstore says.
    public struct Reading: Equatable, Sendable {
        /// What is asked of each vnode.
        public var requests: [Int: TargetRequest] = [:]
        /// memory/target as it is.
        public var legacyTarget: [UInt8]?
        /// Some vnode has a target: the toolstack knows the interface.
        public var isOffered = false
    }

    private let store: any Store
    private let vnodes: [VNode]
    private let granularityKiB: UInt64
    public private(set) var mode: Mode?
    private var schedule = PublishSchedule()
    private var acknowledged: [Int: String] = [:]
    /// Vnodes whose rows the toolstack took away.
    private var absent: Set<Int> = []
    private var isFeatureDue = true

    public init(store: any Store, vnodes: [VNode], granularityKiB: UInt64) {
        self.store = store
        self.vnodes = vnodes
        self.granularityKiB = granularityKiB
    }

    /// Watches all that concerns us. Two watches: a domain may have few.
    public func watch() throws(BalloonError) {
        try store.watch("memory", token: "memory")
        try store.watch("control", token: "control")
    }

    /// Takes all waiting events. They are hints only: everything is read again.
    public func drainEvents() throws(BalloonError) {
        while try store.nextEvent() != nil {}
    }

    /// memory/static-max in KiB.
    public static func staticMaxKiB(_ store: any Store) throws(BalloonError) -> UInt64? {
        try store.read("memory/static-max", in: nil).flatMap(TargetText.number)
    }

    // MARK: Reading

    /// Reads everything, and finds out where to report.
    public func read() throws(BalloonError) -> Reading {
        try findMode()
        var reading = Reading()
        reading.legacyTarget = try store.read("memory/target", in: nil)
        for vnode in vnodes {
            let path = "memory/vnode\(vnode.number)"
            let target = try store.read(path + "/target-balloon-size", in: nil)
            let size = try target == nil ? nil : store.read(path + "/size", in: nil)
            reading.requests[vnode.number] = TargetText.request(target: target, size: size, vnodeKiB: vnode.sizeKiB)
            if let target {
                reading.isOffered = true
                acknowledged[vnode.number] = TargetText.acknowledgement(of: target)
            }
            if mode == .prepared { try checkRows(vnode.number) }
        }
        return reading
    }

    /// A writable control/feature-balloon-vnode alone decides.
    private func findMode() throws(BalloonError) {
        let path = Mode.prepared.featurePath
        let isThere = try store.read(path, in: nil) != nil
        let found: Mode = isThere && (mode == .prepared || isWritable(path)) ? .prepared : .fallback
        guard found != mode else { return }
        mode = found
        publishAllAgain()
        emptyCopy(of: found == .prepared ? .fallback : .prepared)
    }

    /// Tries a write in a transaction that is dropped, so nobody's watch fires, not ours either.
    private func isWritable(_ path: String) -> Bool {
        var isWritable = false
        let dropped = BalloonError(.store, "dropped on purpose")
        do throws(BalloonError) {
            try store.transaction { (transaction) throws(BalloonError) in
                try store.write(path, "", in: transaction)
                isWritable = true
                throw dropped
            }
        } catch {
            return isWritable
        }
        return isWritable
    }

    /// The toolstack may have removed our rows, or made them anew and so emptied them.
    private func checkRows(_ vnode: Int) throws(BalloonError) {
        let path = Mode.prepared.vnodePath(vnode)
        guard let state = try store.read(path + "/balloon-state", in: nil) else {
            absent.insert(vnode)
            return
        }
        let isNew = absent.remove(vnode) != nil
        guard let written = schedule.state(vnode: vnode) else { return }
        if isNew || written.utf8.elementsEqual(state) == false {
            schedule.forget(vnode: vnode)
            isFeatureDue = true
        }
    }

    // MARK: Writing

    /// After a resume, a reconnect or a change of place everything is said again.
    public func publishAllAgain() {
        schedule.forgetAll()
        absent = []
        isFeatureDue = true
    }

    /// Writes what is due, a vnode in one transaction, and the feature once all are written.
    /// - Returns: whether anything was written.
    @discardableResult
    public func publish(_ states: [VNodeState], now: UInt64) throws(BalloonError) -> Bool {
        guard let mode else { return false }
        var hasWritten = false
        for state in states {
            let (vnode, report) = (state.vnode.number, report(state))
            guard !absent.contains(vnode), schedule.isDue(report, vnode: vnode, now: now) else { continue }
            try write(report, vnode: vnode, mode)
            schedule.note(report, vnode: vnode, now: now)
            hasWritten = true
        }
        if isFeatureDue {
            try setFeature("1")
            isFeatureDue = false
        }
        return hasWritten
    }

    /// When ``publish(_:now:)`` will have something to write, nil for not before something changes.
    public func publishDue(_ states: [VNodeState]) -> UInt64? {
        states.compactMap { state in
            absent.contains(state.vnode.number) ? nil : schedule.due(report(state), vnode: state.vnode.number)
        }.min()
    }

    /// The last words: all vnodes `stopped`. The feature stays "1" unless all balloons are empty.
    public func publishStopped(_ states: [VNodeState]) throws(BalloonError) {
        guard let mode else { return }
        for var state in states where !absent.contains(state.vnode.number) {
            state.activity = .stopped
            state.reason = nil
            try write(report(state), vnode: state.vnode.number, mode)
        }
        try setFeature(states.allSatisfy { $0.balloonFrames == 0 } ? "0" : "1")
    }

    private func report(_ state: VNodeState) -> VNodeReport {
        VNodeReport(
            state, acknowledged: acknowledged[state.vnode.number] ?? "", granularityKiB: granularityKiB)
    }

    private func write(_ report: VNodeReport, vnode: Int, _ mode: Mode) throws(BalloonError) {
        let path = mode.vnodePath(vnode)
        try store.transaction { (transaction) throws(BalloonError) in
            // Rows that the toolstack did not make are not ours to make.
            for row in report.rows { try writeIfOurs("\(path)/\(row.name)", row.value, in: transaction) }
        }
    }

    private func setFeature(_ value: String) throws(BalloonError) {
        guard let mode else { return }
        try writeIfOurs(mode.featurePath, value, in: nil)
    }

    private func writeIfOurs(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {
        do throws(BalloonError) {
            try store.write(path, value, in: transaction)
        } catch where error.isMissingOrForbidden {
            return
        }
    }

    /// Nobody shall read old reports in the other place. Emptied, never removed: a guest could not make them again.
    private func emptyCopy(of other: Mode) {
        let paths =
            [other.featurePath]
            + vnodes.flatMap { vnode in
                VNodeReport.rowNames.map { "\(other.vnodePath(vnode.number))/\($0)" }
            }
        do throws(BalloonError) {
            try store.transaction { (transaction) throws(BalloonError) in
                for path in paths {
                    guard let value = try store.read(path, in: transaction), !value.isEmpty else { continue }
                    try writeIfOurs(path, "", in: transaction)
                }
            }
        } catch {
            // Best effort: the rows that count are written next, and fail loudly.
            return
        }
    }
}

extension BalloonError {
    /// The node is not there, or not ours to write.
    var isMissingOrForbidden: Bool { code == .store && (errno == ENOENT || errno == EACCES) }
}
