internal import CBalloonShim
public import Logging

/// `balloonctl host watch`: one thread waits for xenstore, signals and the clock, and lets the keeper decide.
///
/// Only times are kept in memory. The targets are the plan, Xen has the truth, and /vnode-balloon in xenstore has the
/// rest.
public final class HostDaemon {
    private let log: Logger
    private let load: () throws(BalloonError) -> HostConfiguration
    private let lock: HostLock
    private let xen: any HostXen
    private var engine: HostEngine
    private var keeper: HostKeeper
    private var watches = DomainWatches()
    private var lastTurn: Moment = .zero
    /// The end of the last turn. Commands need the lock between two turns, however long one lasts.
    private var lastEnd: Moment = .zero
    /// The error that was logged last, so that it is logged once.
    private var trouble: String?
    private var complaints = Complaints()

    private var lastWhole: Moment = .zero

    /// The shortest time between two turns.
    static let shortest: Interval = .milliseconds(200)
    /// A domain's name and the like have no watch.
    static let wholeInterval: Interval = .seconds(60)

    /// - Throws: `.busy` when another one runs; `.noXen`, `.environment`, `.invalidConfiguration`.
    public init(log: Logger, configuration: @escaping () throws(BalloonError) -> HostConfiguration) throws(BalloonError)
    {
        self.log = log
        load = configuration
        keeper = HostKeeper(try configuration().policy)
        guard let lock = try HostLock.daemon() else {
            throw BalloonError(.busy, "another `balloonctl host watch` runs on this host")
        }
        self.lock = lock
        xen = try PrivcmdHost()
        engine = HostEngine(HostReader(xen: xen, store: try Xenstore()))
        engine.reader.remember()
    }

    private var now: Moment { .now }

    /// Runs until SIGTERM or SIGINT. Then it puts memory/target back where it had removed it.
    public func run() throws(BalloonError) {
        let signals = FileDescriptor(try check(cb_signal_descriptor(), "cannot make a signalfd"))
        watchComing()
        var due = turn()
        Self.notify("READY=1\nSTATUS=watching domains")
        log.notice("watching domains, memory-target \(keeper.policy.legacy.rawValue)")
        while true {
            let wait = due > now ? (due - now).wholeMilliseconds + 1 : 0
            let wants = engine.store.hasEvents ? 0 : Int32(min(wait, 60_000))
            let ready = try Poll.wait([signals.rawValue, engine.store.descriptor], timeoutMilliseconds: wants)
            if ready.contains(0), try !serve(signals) { break }
            // Changes come in groups, so the turn waits a little.
            if engine.reader.takeEvents() { due = min(due, max(now, lastEnd + Self.shortest)) }
            if engine.store.condition == .lost { reconnect() }
            if now >= due { due = turn() }
        }
        Self.notify("STOPPING=1")
        stop()
    }

    /// Returns false when the daemon shall end.
    private func serve(_ signals: FileDescriptor) throws(BalloonError) -> Bool {
        while true {
            let number = cb_signal_next(signals.rawValue)
            if number <= 0 { return true }
            guard number == Int32(CB_SIGHUP) else { return false }
            do throws(BalloonError) {
                keeper.policy = try load().policy
                log.notice("configuration read again")
            } catch {
                log(.error, HostMessage(error, "the configuration stays as it was: \(error.description)"))
            }
        }
    }

    /// Reads what has changed, and carries out what the keeper decides. Returns when the next turn is due.
    private func turn() -> Moment {
        lastTurn = now
        defer { lastEnd = now }
        if lastTurn >= lastWhole + Self.wholeInterval {
            lastWhole = lastTurn
            engine.reader.forget()
        }
        do throws(BalloonError) {
            let turn = try HostLock.turn()
            defer { withExtendedLifetime(turn) {} }
            let snapshot = try engine.read()
            let seconds = UInt64(max(0, cb_clock_real_seconds()))
            try engine.ledger.expire(now: seconds) { HostLock.isKept($0) }
            try engine.forgetTargets(snapshot, now: seconds)
            let ids = Set(snapshot.domains.filter { !$0.isToolstack && $0.isIntroduced }.map(\.id))
            try watches.follow(ids, engine.store)
            for deed in keeper.deeds(snapshot, now: lastTurn) { try perform(deed, snapshot) }
            if trouble != nil { log.notice("all is well again") }
            trouble = nil
            complaints.keep(snapshot.domains.map(\.id))
            // On a slow host a turn can last longer than the time until the next one.
            return max(keeper.nextLook(snapshot, now: lastTurn), now + Self.shortest)
        } catch {
            tell(error)
            keeper.turnFailed()
            // Watches may be missing.
            engine.reader.forget()
            return now + HostKeeper.busyInterval
        }
    }

    /// Logs an error with one domain, so that the other domains are still served.
    /// - Throws: when xenstore does not answer.
    private func perform(_ deed: HostKeeper.Deed, _ snapshot: HostSnapshot) throws(BalloonError) {
        do throws(BalloonError) {
            if let message = try engine.perform(deed, snapshot) { log(.notice, message) }
            complaints.end(of: deed)
        } catch {
            guard engine.store.condition == .open else { throw error }
            guard complaints.begin(of: deed, error.description) else { return }
            log(.error, HostMessage(error, of: snapshot.domains.first { $0.id == deed.domain }))
        }
    }

    private func tell(_ error: BalloonError) {
        if trouble != error.description { log(.error, HostMessage(error)) }
        trouble = error.description
    }

    /// All fields are in capitals, so the log shows them in the journal alone.
    private func log(_ level: Logger.Level, _ message: HostMessage) {
        let fields = message.fields.mapValues { Logger.MetadataValue.array($0.map { .string($0) }) }
        log.log(level: level, "\(message.text)", metadata: fields)
    }

    // MARK: Watches

    /// Before the first turn, so that no domain comes unseen. What fails is repeated in each turn.
    private func watchComing() {
        do throws(BalloonError) { try watches.follow([], engine.store) } catch { tell(error) }
    }

    private func reconnect() {
        guard let store = try? Xenstore() else {
            return tell(BalloonError(.store, "xenstore is gone: waiting for it to come back"))
        }
        engine = HostEngine(HostReader(xen: xen, store: store))
        engine.reader.remember()
        watches = DomainWatches()
        watchComing()
    }

    private func stop() {
        do throws(BalloonError) {
            let turn = try HostLock.turn()
            defer { withExtendedLifetime(turn) {} }
            let back = try engine.yieldAll(try engine.read(), stays: false)
            let names = back.map { "\($0.id) (\($0.name))" }.joined(separator: ", ")
            if !back.isEmpty { log(.notice, HostMessage("memory/target is back: \(names)", .legacyTarget, of: back)) }
        } catch {
            let text = "memory/target is not back everywhere: \(error.description); balloonctl host yield --all"
            log(.error, HostMessage(error, text))
        }
    }

    private static func notify(_ state: String) {
        // Unsafe: a C string for the call.
        _ = unsafe cb_notify(state, -1, false)
    }
}
