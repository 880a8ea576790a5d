import Glibc
public import VNodeBalloon

/// Xenstore as the guest sees it. It outlives the process, but the process's watches do not.
///
/// Watch events can be lost, come twice, or come without a change. Any operation can fail while the store is down. A
/// transaction can conflict with another writer's.
public final class SimulatedStore: Store {
    private let machine: Machine
    /// The rows' values, by path relative to the domain's directory, and which of the toolstack's rows the guest may
    /// write.
    private var values: [String: String] = [:]
    private var writable: Set<String> = []
    private var watched: [String] = []
    private var events: [String] = []
    private var draft: [String: String]?

    // Faults.
    /// How many of the next operations fail.
    public var failures = 0
    /// How many of the next watch events are lost, or come twice.
    public var lostEvents = 0
    public var doubledEvents = 0
    /// How many of the next transactions conflict with another writer's.
    public var conflicts = 0

    public init(_ machine: Machine) { self.machine = machine }

    public var descriptor: Int32 { -1 }

    // MARK: What dom0 does

    /// A toolstack creates a row. A row that the guest may write is empty until the guest writes it.
    public func make(_ path: String, _ value: String = "", isGuests: Bool = false) {
        values[path] = value
        if isGuests { writable.insert(path) }
        fire(path)
    }

    public subscript(path: String) -> String? { values[path] }

    /// A process ends: its connection and its watches go.
    public func disconnect() {
        watched = []
        events = []
        draft = nil
    }

    /// The same process connects again.
    func reconnected() -> any Store {
        disconnect()
        return self
    }

    /// A connection that fails has no descriptor to become readable, and what it had received is read.
    public var hasEvents: Bool { !events.isEmpty && failures == 0 }

    /// All watches fire although nothing changed.
    public func fireForNothing() { events += watched }

    private func fire(_ path: String) {
        for watch in watched where path == watch || path.hasPrefix(watch + "/") {
            if lostEvents > 0 {
                lostEvents -= 1
                machine.tally.note(.lostEvent)
                continue
            }
            events.append(path)
            if doubledEvents > 0 {
                doubledEvents -= 1
                machine.tally.note(.doubledEvent)
                events.append(path)
            }
        }
    }

    // MARK: What the guest does

    private func operation(_ name: @autoclosure () -> String) throws(BalloonError) {
        if failures > 0 {
            failures -= 1
            machine.tally.note(.storeDown)
            throw BalloonError(.store, "the simulated store is down", errno: EPIPE)
        }
        // A kill may happen between any two operations.
        try machine.step("xenstore: \(name())") { _ in }
    }

    public func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]? {
        try operation("read \(path)")
        let values = draft ?? values
        if let value = values[path] { return Array(value.utf8) }
        // A directory has an empty value.
        return values.keys.contains { $0.hasPrefix(path + "/") } ? [] : nil
    }

    public func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {
        try operation("write \(path)")
        guard path.hasPrefix("data/") || writable.contains(path) else {
            throw BalloonError(.store, "not the guest's", errno: EACCES)
        }
        guard draft == nil else {
            draft?[path] = value
            return
        }
        values[path] = value
        fire(path)
    }

    public func watch(_ path: String, token: String) throws(BalloonError) {
        try operation("watch \(path)")
        watched.append(path)
        // A watch also fires when it is registered.
        events.append(path)
    }

    public func nextEvent() throws(BalloonError) -> String? {
        if events.isEmpty { return nil }
        try operation("next event")
        return events.removeFirst()
    }

    public func transaction(_ body: (Transaction) throws(BalloonError) -> Void) throws(BalloonError) {
        for _ in 0..<5 {
            draft = values
            do throws(BalloonError) { try body(Transaction(number: 1)) } catch {
                draft = nil
                throw error
            }
            let written = draft ?? values
            draft = nil
            try operation("commit")
            if conflicts > 0 {
                conflicts -= 1
                machine.tally.note(.conflict)
                continue
            }
            let changed = written.filter { values[$0.key] != $0.value }.keys.sorted()
            values = written
            for path in changed { fire(path) }
            return
        }
        throw BalloonError(.store, "others change it all the time", errno: EAGAIN)
    }
}
