internal import CBalloonShim
public import Logging

/// `balloonctl host watch`: one thread that waits for xenstore, signals and the clock, and lets the keeper decide.
///
/// It has nothing in memory but times: targets are the plan, Xen the truth, /vnode-balloon in xenstore the rest.
public final class HostDaemon {
    private let log: Logger
    private let load: () throws(BalloonError) -> HostConfiguration
    private let lock: HostLock
    private let xen: any HostXen
    private var engine: HostEngine
    private var keeper: HostKeeper
    private var watched: Set<UInt16> = []
    private var lastTurn: Moment = .zero
    /// The error that was logged last, so that it is logged once.
    private var trouble: String?

    /// A turn reads everything: not more often than this.
    static let shortest: Interval = .milliseconds(200)

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
    }

    private var now: Moment { .now }

    /// Runs until SIGTERM or SIGINT. Then memory/target is put back where it was taken.
    public func run() throws(BalloonError) {
        let signals = FileDescriptor(try check(cb_signal_descriptor(), "cannot make a signalfd"))
        watchDomains()
        var due = turn()
        Self.notify("READY=1\nSTATUS=watching domains")
        log.notice("watching domains, memory-target \(keeper.policy.legacy.rawValue)")
        while true {
            let wait = due > now ? (due - now).wholeMilliseconds + 1 : 0
            let wants = engine.store.hasEvents ? 0 : Int32(min(wait, 60_000))
            let ready = try Poll.wait([signals.rawValue, engine.store.descriptor], timeoutMilliseconds: wants)
            if ready.contains(0), try !serve(signals) { break }
            // Changes come in swarms.
            if takeEvents() { due = min(due, max(now, lastTurn + Self.shortest)) }
            if engine.store.condition == .lost { reconnect() }
            if now >= due { due = turn() }
        }
        Self.notify("STOPPING=1")
        stop()
    }

    /// False: the end.
    private func serve(_ signals: FileDescriptor) throws(BalloonError) -> Bool {
        while true {
            let number = cb_signal_next(signals.rawValue)
            if number <= 0 { return true }
            guard number == Int32(CB_SIGHUP) else { return false }
            do throws(BalloonError) {
                keeper.policy = try load().policy
                log.notice("configuration read again")
            } catch { log.error("the configuration stays as it was: \(error.description)") }
        }
    }

    /// Reads everything and does what the keeper decides. Returns when the next turn is due.
    private func turn() -> Moment {
        lastTurn = now
        do throws(BalloonError) {
            let turn = try HostLock.turn()
            defer { withExtendedLifetime(turn) {} }
            let snapshot = try engine.read()
            let seconds = UInt64(max(0, cb_clock_real_seconds()))
            try engine.ledger.expire(now: seconds)
            try engine.forgetTargets(snapshot, now: seconds)
            watchNew(snapshot)
            for deed in keeper.deeds(snapshot, now: lastTurn) { perform(deed, snapshot) }
            if trouble != nil { log.notice("all is well again") }
            trouble = nil
            return keeper.nextLook(snapshot, now: lastTurn)
        } catch {
            tell(error.description)
            return now + HostKeeper.busyInterval
        }
    }

    /// An error with one domain does not keep the others from being served.
    private func perform(_ deed: HostKeeper.Deed, _ snapshot: HostSnapshot) {
        do throws(BalloonError) {
            if let text = try engine.perform(deed, snapshot) { log.notice("\(text)") }
        } catch { log.error("\(error.description)") }
    }

    private func tell(_ text: String) {
        if trouble != text { log.error("\(text)") }
        trouble = text
    }

    // MARK: Watches

    private func watchDomains() {
        for path in ["@introduceDomain", "@releaseDomain"] {
            do throws(BalloonError) { try engine.store.watch(path, token: path) } catch { tell(error.description) }
        }
    }

    private static func paths(_ id: UInt16) -> [String] { [HostRows.domain(id) + "/memory", HostRows.feature(id)] }

    private func watchNew(_ snapshot: HostSnapshot) {
        let ids = Set(snapshot.domains.filter { !$0.isToolstack && $0.isIntroduced }.map(\.id))
        for id in watched.subtracting(ids) {
            for path in Self.paths(id) { try? engine.store.unwatch(path, token: "d\(id)") }
        }
        for id in ids.subtracting(watched) {
            for path in Self.paths(id) {
                do throws(BalloonError) { try engine.store.watch(path, token: "d\(id)") } catch {
                    tell(error.description)
                }
            }
        }
        watched = ids
    }

    /// True when there were any. An event is a hint: everything is read.
    private func takeEvents() -> Bool {
        var any = false
        for _ in 0..<4096 {
            guard (try? engine.store.nextEvent()) != nil else { return any }
            any = true
        }
        return any
    }

    private func reconnect() {
        guard let store = try? Xenstore() else { return tell("xenstore is gone: waiting for it to come back") }
        engine = HostEngine(HostReader(xen: xen, store: store))
        watched = []
        watchDomains()
    }

    private func stop() {
        do throws(BalloonError) {
            let turn = try HostLock.turn()
            defer { withExtendedLifetime(turn) {} }
            let back = try engine.yieldAll(try engine.read(), stays: false)
            let names = back.map { "\($0.id) (\($0.name))" }.joined(separator: ", ")
            if !back.isEmpty { log.notice("memory/target is back: \(names)") }
        } catch { log.error("memory/target is not back everywhere: \(error.description); balloonctl host yield --all") }
    }

    private static func notify(_ state: String) {
        // Unsafe: a C string for the call.
        _ = unsafe cb_notify(state, -1, false)
    }
}
