internal import CBalloonShim
public import Logging

/// The balloons without a daemon: the lock, Xen and the engine, for the length of one command.
public final class StandaloneSession {
    public let engine: BalloonEngine
    private let lock: GuestLock
    private let keeper: HolderClient
    private let store: (any Store)?
    private let interface: VNodeInterface?
    private let staticMax: KiB?

    /// Takes the lock, opens Xen, and finds out what is a hole.
    /// - Parameter isReading: nothing is going to be moved; no pin is touched.
    /// - Throws: `.busy` when another process has a lock for 5 s; what ``Guest/open(stateDirectory:keeper:staticMax:)``
    ///   throws.
    public init(_ configuration: Configuration, log: Logger, isReading: Bool = false) throws(BalloonError) {
        _ = cb_descriptors_raise()
        // Before anything is made: a machine without Xen keeps no trace of us.
        _ = try MoverChoice.ofThisGuest(configuration, for: .command)
        let state = try StateDirectory(path: configuration.stateDirectory)
        try state.lock()
        lock = try GuestLock(try GuestKind.current(), stateDirectory: state.path)
        // Until then another process may have given memory, with a mover that was there before.
        let mover = try MoverChoice.ofThisGuest(configuration, for: .command)
        // A warning is enough: what this state directory has can be read and taken back all the same.
        for other in (try? BalloonMount.others(besides: state.path)) ?? [] { log.warning("\(other.advice)") }
        // Xenstore is only reported to: its absence stops no one from taking memory back.
        store = try? Xenstore()
        staticMax = try? store.flatMap { try VNodeInterface.staticMax($0) }
        keeper = HolderClient(state: state)
        let guest = try Guest.open(
            mover, stateDirectory: state.path, keeper: keeper, staticMax: staticMax, isReading: isReading)
        try guest.limitPrivileges()
        engine = BalloonEngine(guest: guest, state: state, options: configuration.controllerOptions, log: log)
        // A command that takes memory back, or only reads, does not need it.
        if let error = engine.stateError { log.warning("forced sizes are not known: \(error)") }
        engine.readVideo(store)
        try engine.recover()
        while engine.continueAccount() {}
        _ = try engine.checkFiles()
        interface = try? store.map { try guest.interface($0, isWatching: false, log: log) }
        engine.followForcedOnly()
        if let reading = try? interface?.read() { engine.take(reading) }
    }

    /// Does one step, if one is due. Returns when to come again, nil when there is nothing to do.
    public func step() -> Moment? { engine.step() }

    /// The last thing after memory moved: says in xenstore what there is now, as far as it can.
    public func publish() {
        engine.comeToRest()
        engine.keepForced()
        try? interface?.publishStopped(
            engine.told, isEmpty: engine.isEmpty, now: engine.now)
        try? interface?.publish(elsewhere: engine.elsewhere)
        if engine.isEmpty == true { keeper.dropAll() }
    }

    public func report() throws(BalloonError) -> StatusReport {
        try engine.report(isRunning: false, isFallback: interface?.isFallback ?? true, staticMax: staticMax)
    }

    public var server: RequestServer { RequestServer(engine: engine, report: report) }
}
