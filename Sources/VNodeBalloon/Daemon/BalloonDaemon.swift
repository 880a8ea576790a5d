public import Logging

/// The daemon: one loop, one thread.
public final class BalloonDaemon {
    private let engine: BalloonEngine
    private var interface: VNodeInterface
    private var store: any Store
    /// Reading failed: the connection to xenstore may be gone.
    private var isCutOff = false
    private let keeper: HolderClient
    private let socket: ControlSocket
    private let signals: SignalSource
    private let alarm: AlarmSource
    /// nil where the kernel has no more: then files are looked after once a minute only.
    private let files: DirectoryWatch?
    private let log: Logger
    /// Reads the configuration again, for SIGHUP.
    private let reload: () throws(BalloonError) -> Configuration
    private var pressure = PressureWatch()
    private var failures = RepeatedFailures()
    private var staticMaxKiB: UInt64?
    private var rereading = RereadTimer()
    private var isStopping = false
    private var serviceStatus = ServiceStatus()

    /// Gets ready: the lock, Xen, xenstore, the truth about memory.
    ///
    /// - Throws: whatever keeps it from running, nothing moved.
    public init(
        configuration: Configuration, log: Logger,
        reload: @escaping () throws(BalloonError) -> Configuration
    ) throws(BalloonError) {
        self.log = log
        self.reload = reload
        // Before libxenstore starts its thread, which must not get our signals.
        signals = try SignalSource()
        alarm = try AlarmSource()
        try Guest.checkPossible(stateDirectory: configuration.stateDirectory)
        Self.prepareMemory(log)
        let state = try StateDirectory(path: configuration.stateDirectory)
        try state.lock()
        store = try Xenstore()
        staticMaxKiB = try VNodeInterface.staticMaxKiB(store)
        keeper = HolderClient(state: state)
        let guest = try Guest.open(stateDirectory: state.path, keeper: keeper, staticMaxKiB: staticMaxKiB)
        try guest.limitPrivileges()
        engine = BalloonEngine(guest: guest, state: state, options: configuration.controllerOptions, log: log)
        files = guest.kind == .pv ? nil : Self.watch(state.pagesPath, log)
        engine.videoKiB = try VNodeInterface.videoKiB(store)
        try engine.beginRecovery()
        interface = try VNodeInterface(store, backend: guest.backend, log: log)
        socket = try ControlSocket(path: state.controlSocketPath)
        watchPressure()
    }

    private static func watch(_ path: String, _ log: Logger) -> DirectoryWatch? {
        do throws(BalloonError) { return try DirectoryWatch(path: path) } catch {
            log.warning(
                "a balloon's file that somebody removes is noticed within a minute only",
                metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Runs until SIGTERM or SIGINT. The balloons stay as they are.
    public func run() throws(BalloonError) {
        reread()
        if engine.reading.hasLegacyTarget {
            log.warning(
                "memory/target is present: Linux's own balloon follows it too, and would give memory a second time")
        }
        lockMemory()
        // Before all is audited: that takes as long as there is memory.
        ServiceManager.notify("READY=1")
        log.notice("following xenstore", metadata: ["vnodes": "\(engine.guest.backend.vnodes.count)"])
        while !isStopping { try turn() }
        ServiceManager.notify("STOPPING=1")
        engine.comeToRest()
        // A stop is a stop, whether or not xenstore can be told.
        attempt("cannot publish the end") { () throws(BalloonError) in
            try interface.publishStopped(
                engine.told, isEmpty: engine.isEmpty, now: BalloonEngine.now)
        }
        if engine.isEmpty == true { keeper.dropAll() }
        log.notice("stopped; the balloons stay as they are")
    }

    /// What came since the last time is locked, too.
    private func lockMemory() {
        do throws(BalloonError) { try OwnMemory.lock() } catch {
            failures.log(log, "not locked in memory", error, now: BalloonEngine.now)
        }
    }

    private static func prepareMemory(_ log: Logger) {
        do throws(BalloonError) { try OwnMemory.prepare() } catch {
            log.warning("not ready for a shortage of memory", metadata: ["error": "\(error)"])
        }
    }

    /// One step at most, then whatever is waiting.
    private func turn() throws(BalloonError) {
        var due = engine.step()
        tellServiceManager()
        if engine.wasResumed {
            engine.wasResumed = false
            interface.forgetPublished()
            reread()
        }
        if engine.wantsFileCheck { lookAfterFiles() }
        let now = BalloonEngine.now
        if let publish = publish(now) { due = min(due ?? publish, publish) }
        due = min(due ?? rereading.due, rereading.due)
        if let patience = socket.nextTimeout { due = min(due ?? patience, patience) }
        if let look = pressure.due { due = min(due ?? look, look) }
        try wait(until: due ?? rereading.due, now: now)
    }

    /// How far the audits are, for `systemctl status`.
    private func tellServiceManager() {
        guard let text = serviceStatus.text(engine.controller.states, now: BalloonEngine.now) else { return }
        ServiceManager.notify("STATUS=\(text)")
    }

    private func wait(until due: UInt64, now: UInt64) throws(BalloonError) {
        let isBusy = due <= now
        if !isBusy { try alarm.set(due, now: now) }
        let clients = socket.watched
        var own = [interface.descriptor, signals.descriptor.rawValue, alarm.descriptor.rawValue]
        let holder = keeper.descriptor
        if let holder { own.append(holder) }
        if let files { own.append(files.descriptor.rawValue) }
        let ready = try Poll.wait(
            own + clients.descriptors, writing: clients.writing.map { $0 + own.count }, urgent: pressure.descriptor,
            timeoutMilliseconds: isBusy ? 0 : -1)
        let woken = Set((ready.readable + ready.writable).map { (own + clients.descriptors)[$0] })
        let isAlarm = woken.contains(alarm.descriptor.rawValue)
        if isAlarm { alarm.clear() }
        if woken.contains(signals.descriptor.rawValue) { takeSignals() }
        if let holder, woken.contains(holder) { restoreHolder() }
        // First of all: memory that is needed now cannot wait for xenstore.
        if pressure.isDue(isEvent: ready.isUrgent, now: BalloonEngine.now) { answerPressure() }
        if let files, woken.contains(files.descriptor.rawValue) {
            files.clear()
            lookAfterFiles()
        }
        let isTold = woken.contains(interface.descriptor) && takeEvents()
        let isDue = rereading.isDue(now: BalloonEngine.now, isAwake: isAlarm)
        if isTold || isDue { reread(everything: isDue) }
        socket.serve(woken, now: BalloonEngine.now) { line in
            RequestServer(engine: engine, report: report).answer(line: line)
        }
    }

    private func answerPressure() {
        pressure.looked(isGivingWay: engine.answerPressure(), now: BalloonEngine.now)
    }

    /// Begins or ends to watch for memory pressure, as the configuration says.
    private func watchPressure() {
        do throws(BalloonError) {
            try pressure.set(isWanted: engine.controller.options.yielding != nil, now: BalloonEngine.now)
        } catch {
            log.warning(
                "the kernel does not tell of memory pressure: on-pressure = yield looks once a minute only",
                metadata: ["error": "\(error)"])
        }
    }

    private func takeSignals() {
        while let signal = signals.next() {
            switch signal {
            case .stop:
                isStopping = true
                Xenstore.endWhenSilent()
            case .reload:
                reloadConfiguration()
            }
        }
    }

    private func reloadConfiguration() {
        do throws(BalloonError) {
            let settings = try reload()
            if settings.stateDirectory != engine.state.path {
                log.warning("another state-dir needs a restart", metadata: ["state-dir": "\(engine.state.path)"])
            }
            engine.setOptions(settings.controllerOptions)
            watchPressure()
            log.notice("configuration read again")
        } catch {
            log.error("the configuration stays as it was", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Xenstore. What fails is tried again: a daemon that ended would follow no target at all.

    /// - Parameter everything: false after watch events, which tell what changed. They can be lost. Files and the holder
    ///   have events of their own.
    private func reread(everything: Bool = true) {
        if everything { rereading.begin(now: BalloonEngine.now) }
        if everything { engine.retryRecoveryNow() }
        attempt("cannot read xenstore") { () throws(BalloonError) in
            if isCutOff { try reconnect() }
            isCutOff = true
            if everything { staticMaxKiB = try VNodeInterface.staticMaxKiB(store) }
            let reading = try interface.read(everything: everything)
            isCutOff = false
            try engine.take(reading)
        }
        guard everything else { return }
        lookAfterFiles()
        restoreHolder()
    }

    /// Before anything else moves: without a holder our own end would unpin what Xen has.
    private func restoreHolder() {
        attempt("cannot look after the pins") { () throws(BalloonError) in try keeper.restoreIfLost() }
        lockMemory()
    }

    private func lookAfterFiles() {
        attempt("cannot look after the files") { () throws(BalloonError) in
            if let due = try engine.checkFiles() { rereading.come(by: due) }
        }
    }

    /// A new interface publishes everything again.
    private func reconnect() throws(BalloonError) {
        store = try Xenstore()
        interface = try VNodeInterface(store, backend: engine.guest.backend, log: log)
    }

    private func takeEvents() -> Bool {
        // After a failure the pause of a second counts, not the descriptor, which may stay readable.
        var any = false
        attempt("cannot take xenstore's events") { () throws(BalloonError) in any = try interface.takeEvents() }
        if interface.wasResumed() { engine.noticeResume() }
        return any
    }

    private func publish(_ now: UInt64) -> UInt64? {
        var due: UInt64?
        attempt("cannot publish") { () throws(BalloonError) in
            due = try interface.publish(engine.told, now: now)
        }
        return due
    }

    /// Logs a failure and has everything read again a second later.
    private func attempt(_ what: String, _ body: () throws(BalloonError) -> Void) {
        do throws(BalloonError) {
            try body()
            failures.succeeded(what)
        } catch {
            failures.log(log, what, error, now: BalloonEngine.now)
            rereading.failed(now: BalloonEngine.now)
        }
    }

    private func report() throws(BalloonError) -> StatusReport {
        try engine.report(isRunning: true, isFallback: interface.isFallback, staticMaxKiB: staticMaxKiB)
    }
}
