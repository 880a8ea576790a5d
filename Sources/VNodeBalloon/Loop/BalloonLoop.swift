package import Logging

/// The daemon's loop: each turn does at most one step, then takes the events that wait. Its surroundings are passed to
/// it, so that a simulation can replace them.
package final class BalloonLoop {
    package let engine: BalloonEngine
    private var interface: VNodeInterface
    private var store: any Store
    private let openStore: () throws(BalloonError) -> any Store
    /// Reading failed: the connection to xenstore may be gone.
    private var isCutOff = false
    private let keeper: any OutlivingKeeper
    private let requests: any RequestSource
    private let events: any LoopEvents
    private let process: any LoopProcess
    private let log: Logger
    /// Reads the configuration again.
    private let reload: () throws(BalloonError) -> Configuration
    /// The `mover` that the configuration named at the start.
    private let mover: MoverName
    private var pressure = PressureWatch()
    private var shortage = ShortageWatch()
    private var staticMax: KiB?
    private var rereading = RereadTimer()
    private var serviceStatus = ServiceStatus()
    private var watchdog: Watchdog
    /// The state of xenstore that was logged last.
    private var told = StoreCondition.open
    private var chronicle = BalloonChronicle()
    package private(set) var isStopping = false

    /// Begins to audit all vnodes.
    /// - Throws: `.store`; `.environment`: something about this machine that keeps any vnode from being audited.
    package init(_ engine: BalloonEngine, _ surroundings: Surroundings, log: Logger) throws(BalloonError) {
        self.engine = engine
        self.log = log
        store = surroundings.store
        openStore = surroundings.openStore
        keeper = surroundings.keeper
        requests = surroundings.requests
        events = surroundings.events
        process = surroundings.process
        reload = surroundings.reload
        mover = surroundings.mover
        watchdog = Watchdog(patience: surroundings.process.patience)
        engine.videoRAM = try VNodeInterface.videoRAM(store)
        try engine.beginRecovery()
        interface = try engine.guest.interface(store, log: log)
        watchPressure()
    }

    /// Reads xenstore, and tells the service manager that the daemon runs. The audits go on in ``turn()``: the more
    /// memory is given, the longer they take.
    package func start() {
        reread()
        if engine.reading.hasLegacyTarget {
            log.warning(
                "memory/target is present: Linux's own balloon follows it too, and would give memory a second time")
        }
        lockMemory()
        process.notify("READY=1")
        log.notice("following xenstore", metadata: ["vnodes": "\(engine.guest.mover.vnodes.count)"])
    }

    /// Ends the loop. The balloons stay as they are.
    package func stop() {
        process.notify("STOPPING=1")
        engine.comeToRest()
        // The daemon stops whether or not xenstore can be written.
        attempt("cannot publish the end") { () throws(BalloonError) in
            try interface.publishStopped(engine.told, isEmpty: engine.isEmpty, now: engine.now)
            try interface.publish(elsewhere: engine.elsewhere)
        }
        if engine.isEmpty == true { keeper.dropAll() }
        log.notice("stopped; the balloons stay as they are")
    }

    /// Does at most one step, then takes the events that wait.
    package func turn() throws(BalloonError) {
        var due = engine.step()
        if engine.hasMoved {
            engine.hasMoved = false
            pressure.moved(now: engine.now)
        }
        tellServiceManager()
        tellJournal()
        if engine.wasResumed {
            engine.wasResumed = false
            interface.forgetPublished()
            reread()
        }
        if engine.wantsFileCheck { lookAfterFiles() }
        let now = engine.now
        if let publish = publish(now) { due = min(due ?? publish, publish) }
        due = min(due ?? rereading.due, rereading.due)
        if let patience = requests.nextTimeout { due = min(due ?? patience, patience) }
        if let look = engine.drift.due { due = min(due ?? look, look) }
        if let look = pressure.due { due = min(due ?? look, look) }
        shortage.set(isWanted: !shortVNodes.isEmpty, now: now)
        if let look = shortage.due { due = min(due ?? look, look) }
        for telling in [watchdog.due, serviceStatus.due].compactMap(\.self) { due = min(due ?? telling, telling) }
        try wait(until: due ?? rereading.due, now: now)
    }

    private func tellJournal() {
        for line in chronicle.lines(engine.told, refused: engine.reading.refused, now: engine.now) {
            let fields = line.fields.map { ($0.name, Logger.MetadataValue.string($0.value)) }
            log.notice("\(line.text)", metadata: Logger.Metadata(uniqueKeysWithValues: fields))
        }
    }

    /// Sends the service manager the line for `systemctl status` (what moves, how far the audits are, whether xenstore
    /// answers), and the sign for its watchdog.
    private func tellServiceManager() {
        tellCondition()
        if watchdog.isDue(now: engine.now) { process.notify("WATCHDOG=1") }
        guard let text = serviceStatus.text(engine.controller.states, store.condition, now: engine.now) else { return }
        process.notify("STATUS=\(text)")
    }

    private func tellCondition() {
        guard store.condition != told else { return }
        told = store.condition
        switch told {
        case .open: log.notice("xenstore answers again")
        case .silent:
            log.warning("xenstore does not answer: targets are followed again when it does", metadata: .of(.store))
        case .lost: log.warning("the connection to xenstore is gone: it is made anew", metadata: .of(.store))
        }
    }

    private func wait(until due: Moment, now: Moment) throws(BalloonError) {
        let (clients, writing) = requests.watched
        let interest = LoopInterest(
            store: interface.descriptor, holder: keeper.descriptor, balloons: engine.guest.mover.descriptor,
            pressure: pressure.descriptor, clients: clients, writing: writing)
        // Events that arrived together with an answer are in memory already, so they make no descriptor readable.
        let isTold = store.hasEvents
        let happened = try events.wait(until: isTold ? now : due, now: now, interest)
        takeSignals(happened.signals)
        if happened.isHolder { restoreHolder() }
        if happened.isBalloons { engine.guest.mover.takeNote() }
        if let look = engine.drift.due, engine.now >= look { engine.lookForDrift() }
        // Comes before xenstore: a guest that needs memory now cannot wait for it.
        if pressure.isDue(isEvent: happened.isPressure, now: engine.now) {
            answerPressure(isTold: happened.isPressure)
        }
        if shortage.isDue(now: engine.now) { tellShortage() }
        if happened.isFiles { lookAfterFiles() }
        if happened.isPools { engine.noticePoolWrite() }
        let isChanged = (isTold || happened.isStore) && takeEvents()
        let isDue = rereading.isDue(now: engine.now, isAwake: happened.isAlarm)
        if isChanged || isDue { reread(everything: isDue) }
        requests.serve(happened.clients, now: engine.now) { line in
            RequestServer(engine: engine, report: report).answer(line: line)
        }
    }

    private func takeSignals(_ signals: [LoopHappenings.Signal]) {
        for signal in signals {
            switch signal {
            case .stop: isStopping = true
            case .reload: reloadConfiguration()
            }
        }
    }

    private func reloadConfiguration() {
        do throws(BalloonError) {
            let settings = try reload()
            if settings.stateDirectory != engine.state.path {
                log.warning("another state-dir needs a restart", metadata: ["state-dir": "\(engine.state.path)"])
            }
            if settings.mover != mover {
                log.warning("another mover needs a restart", metadata: ["mover": "\(mover.rawValue)"])
            }
            engine.setOptions(settings.controllerOptions)
            watchPressure()
            log.notice("configuration read again")
        } catch {
            log.error("the configuration stays as it was", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Memory

    /// Locks the memory that this process got since the last call, too.
    private func lockMemory() {
        do throws(BalloonError) { try process.lockMemory() } catch {
            engine.failures.log(log, "cannot lock the daemon's memory", error, now: engine.now)
        }
    }

    private func answerPressure(isTold: Bool) {
        let began = engine.now
        let looks = engine.answerPressure(isTold: isTold)
        pressure.looked(looks, began: began, now: engine.now)
    }

    private var shortVNodes: [VNodeState] { engine.shortVNodes(interface.shortVNodes, interface.toldShort) }

    private func tellShortage() {
        let began = engine.now
        let found = engine.shortages(shortVNodes, interface.toldShort)
        if let found {
            attempt("cannot publish how much memory vnodes are short of") { () throws(BalloonError) in
                try interface.publish(short: found.short, now: began)
            }
        }
        shortage.looked(found?.looks, began: began, now: engine.now)
    }

    /// Starts or stops the watch for memory pressure, as the configuration says.
    private func watchPressure() {
        do throws(BalloonError) {
            try pressure.set(isWanted: engine.controller.options.yielding != nil, now: engine.now)
        } catch {
            log.warning(
                "the kernel does not report memory pressure: on-pressure = yield goes by the nodes' memory alone",
                metadata: ["error": "\(error)"])
        }
    }

    // MARK: Xenstore, files, holder. Each failure is tried again: a daemon that ended would follow no target at all.

    /// - Parameter everything: false after watch events, which name what changed. They can be lost, so everything is
    ///   read now and then. Files and the holder have events of their own.
    private func reread(everything: Bool = true) {
        if everything {
            rereading.begin(now: engine.now)
            engine.retryRecoveryNow()
            engine.keepForced()
        }
        attempt("cannot read xenstore") { () throws(BalloonError) in
            // While xenstored is silent the connection is kept: a new one would not be answered either.
            if store.condition == .lost || isCutOff && store.condition == .open { try reconnect() }
            isCutOff = true
            if everything { staticMax = try VNodeInterface.staticMax(store) }
            let reading = try interface.read(everything: everything)
            isCutOff = false
            engine.take(reading)
        }
        guard everything else { return }
        engine.lookForDrift()
        lookAfterFiles()
        restoreHolder()
    }

    /// Replaces a holder that ended, before anything else moves. Without a holder, the end of this process would unpin
    /// the balloon's holes.
    private func restoreHolder() {
        attempt("cannot restore the holder of the pins") { () throws(BalloonError) in try keeper.restoreIfLost() }
        lockMemory()
    }

    private func lookAfterFiles() {
        attempt("cannot check the balloons' files") { () throws(BalloonError) in
            if let due = try engine.checkFiles() { rereading.come(by: due) }
        }
    }

    /// A new interface publishes everything again.
    private func reconnect() throws(BalloonError) {
        store = try openStore()
        interface = try engine.guest.interface(store, log: log)
    }

    private func takeEvents() -> Bool {
        // The descriptor may stay readable after a failure. So the next read comes after the pause of a second, not at
        // once.
        var any = false
        attempt("cannot receive xenstore's events") { () throws(BalloonError) in any = try interface.takeEvents() }
        if interface.wasResumed() { engine.noticeResume() }
        return any
    }

    private func publish(_ now: Moment) -> Moment? {
        var due: Moment?
        attempt("cannot publish") { () throws(BalloonError) in
            due = try interface.publish(engine.told, now: now)
            try interface.publish(drifted: engine.drift.amount ?? .zero)
            try interface.publish(elsewhere: engine.elsewhere)
        }
        return due
    }

    /// Runs `body`. A failure is logged, and everything is read again a second later.
    private func attempt(_ what: String, _ body: () throws(BalloonError) -> Void) {
        do throws(BalloonError) {
            try body()
            engine.failures.succeeded(what)
        } catch {
            engine.failures.log(log, what, error, now: engine.now)
            rereading.failed(now: engine.now)
        }
    }

    private func report() throws(BalloonError) -> StatusReport {
        var report = try engine.report(isRunning: true, isFallback: interface.isFallback, staticMax: staticMax)
        report.xenstore = store.condition.rawValue
        return report
    }
}
