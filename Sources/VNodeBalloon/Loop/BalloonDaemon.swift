internal import CBalloonShim
public import Logging

/// The daemon: the loop in a process of its own, with real events, sockets and a service manager.
public final class BalloonDaemon {
    private let loop: BalloonLoop
    private let lock: GuestLock

    /// Takes the lock, and opens Xen and xenstore.
    ///
    /// - Parameter adopted: another state directory, whose balloon the daemon takes over.
    /// - Throws: what keeps it from running. By then nothing has moved except the balloon of `adopted`.
    public init(
        configuration: Configuration, adopted: String? = nil, log: Logger,
        reload: @escaping () throws(BalloonError) -> Configuration
    ) throws(BalloonError) {
        let (signals, alarm) = (try SignalSource(), try AlarmSource())
        // Another mover may have given the balloon that is adopted.
        _ = try MoverChoice.ofThisGuest(
            configuration, for: adopted == nil ? .daemon : .command, hasPins: HolderClient.hasPins)
        Self.prepareMemory(log)
        // A daemon that takes over an earlier process's pins has two descriptors open for each 64 pages.
        _ = cb_descriptors_raise()
        let state = try StateDirectory(path: configuration.stateDirectory)
        try state.lock()
        lock = try GuestLock(try GuestKind.current(), stateDirectory: state.path)
        if let adopted { try Adoption.takeBack(from: adopted, configuration, log: log) }
        // Chosen again: until we had the locks, another process may have given memory with the mover that was there
        // then.
        let mover = try MoverChoice.ofThisGuest(configuration, for: .daemon, hasPins: HolderClient.hasPins)
        if let advice = MoverChoice.changeover(from: mover, wanted: configuration.mover) { log.notice("\(advice)") }
        // With two balloons this daemon would report and move only one of them.
        if let other = try BalloonMount.others(besides: state.path).first {
            throw BalloonError(.environment, other.advice)
        }
        let store = try Xenstore()
        let keeper = HolderClient(state: state)
        let guest = try Guest.open(
            mover, stateDirectory: state.path, keeper: keeper, staticMax: try VNodeInterface.staticMax(store))
        try guest.limitPrivileges()
        let engine = BalloonEngine(guest: guest, state: state, options: configuration.controllerOptions, log: log)
        if let error = engine.stateError { throw error }
        let files = mover == .privcmd ? Self.watch(state.pagesPath, log) : nil
        let pools = guest.pools == nil ? nil : Self.watchPools(log)
        engine.poolLook.isWatched = pools != nil
        var surroundings = BalloonLoop.Surroundings(
            store: store, openStore: { () throws(BalloonError) in try Xenstore() }, keeper: keeper,
            requests: try ControlSocket(path: state.controlSocketPath),
            events: PolledEvents(signals: signals, alarm: alarm, files: files, pools: pools), process: ServiceProcess(),
            reload: reload)
        surroundings.mover = configuration.mover
        loop = try BalloonLoop(engine, surroundings, log: log)
    }

    /// Runs until SIGTERM or SIGINT. The balloons stay as they are.
    public func run() throws(BalloonError) {
        loop.start()
        while !loop.isStopping { try loop.turn() }
        loop.stop()
    }

    private static func watch(_ path: String, _ log: Logger) -> DirectoryWatch? {
        do throws(BalloonError) { return try DirectoryWatch(path: path) } catch {
            log.warning(
                "a removed balloon file will be noticed only within a minute", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private static func watchPools(_ log: Logger) -> WriteWatch? {
        do throws(BalloonError) { return try WriteWatch(paths: HugePagePools.numberFiles()) } catch {
            log.warning("without inotify the nodes' pools are read every 0.8 s", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private static func prepareMemory(_ log: Logger) {
        do throws(BalloonError) { try OwnMemory.prepare() } catch {
            log.warning("cannot prepare the daemon for a shortage of memory", metadata: ["error": "\(error)"])
        }
    }
}

/// This process, and its service manager.
private struct ServiceProcess: LoopProcess {
    var patience: Interval? { ServiceManager.patience }
    /// READY=1 may wait for a busy service manager, because it is sent once. Progress is sent again later, so it need
    /// not wait.
    func notify(_ text: String) { ServiceManager.notify(text, mayWait: text == "READY=1") }
    func lockMemory() throws(BalloonError) { try OwnMemory.lock() }
}

/// poll(2) on a signalfd, a timerfd, inotify, and the loop's descriptors.
private final class PolledEvents: LoopEvents {
    private let signals: SignalSource
    private let alarm: AlarmSource
    /// nil where the kernel has no free inotify instance: then files are checked once a minute only.
    private let files: DirectoryWatch?
    /// nil where the kernel has no free inotify instance: then the pools are read every 0.8 s.
    private let pools: WriteWatch?

    init(signals: SignalSource, alarm: AlarmSource, files: DirectoryWatch?, pools: WriteWatch?) {
        self.signals = signals
        self.alarm = alarm
        self.files = files
        self.pools = pools
    }

    func wait(until due: Moment, now: Moment, _ interest: LoopInterest) throws(BalloonError) -> LoopHappenings {
        let isBusy = due <= now
        if !isBusy { try alarm.set(due, now: now) }
        var own = [interest.store, signals.descriptor.rawValue, alarm.descriptor.rawValue]
        if let holder = interest.holder { own.append(holder) }
        if let balloons = interest.balloons { own.append(balloons) }
        if let files { own.append(files.descriptor.rawValue) }
        if let pools { own.append(pools.descriptor.rawValue) }
        let all = own + interest.clients
        let ready = try Poll.wait(
            all, writing: interest.writing.map { $0 + own.count }, urgent: interest.pressure,
            timeoutMilliseconds: isBusy ? 0 : -1)
        let woken = Set((ready.readable + ready.writable).map { all[$0] })
        var happened = LoopHappenings()
        happened.isAlarm = woken.contains(alarm.descriptor.rawValue)
        if happened.isAlarm { alarm.clear() }
        if woken.contains(signals.descriptor.rawValue) {
            while let signal = signals.next() { happened.signals.append(signal == .stop ? .stop : .reload) }
        }
        happened.isHolder = interest.holder.map { woken.contains($0) } ?? false
        happened.isBalloons = interest.balloons.map { woken.contains($0) } ?? false
        happened.isPressure = ready.isUrgent
        if let files, woken.contains(files.descriptor.rawValue) {
            files.clear()
            happened.isFiles = true
        }
        if let pools, woken.contains(pools.descriptor.rawValue) {
            pools.clear()
            happened.isPools = true
        }
        happened.isStore = woken.contains(interest.store)
        happened.clients = woken
        return happened
    }
}
