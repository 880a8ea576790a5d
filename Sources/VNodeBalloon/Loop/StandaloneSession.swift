internal import CBalloonShim
public import Logging

/// The balloons without a daemon: holds the lock, Xen and the engine for the length of one command.
public final class StandaloneSession {
    public let engine: BalloonEngine
    private let lock: GuestLock
    private let keeper: HolderClient
    private let store: (any Store)?
    private let interface: VNodeInterface?
    private let staticMax: KiB?

    /// Takes the lock, opens Xen, and audits all vnodes.
    /// - Parameter isReading: the command will move nothing, so it touches no pin.
    /// - Throws: `.busy` when another process has a lock for 5 s; what ``Guest/open(stateDirectory:keeper:staticMax:)``
    ///   throws.
    public init(_ configuration: Configuration, log: Logger, isReading: Bool = false) throws(BalloonError) {
        _ = cb_descriptors_raise()
        // Checked before anything is made, so that a machine without Xen keeps no trace of us.
        _ = try MoverChoice.ofThisGuest(configuration, for: .command, hasPins: HolderClient.hasPins)
        let state = try StateDirectory(path: configuration.stateDirectory)
        try state.lock()
        lock = try GuestLock(try GuestKind.current(), stateDirectory: state.path)
        // Chosen again: until we had the locks, another process may have given memory with the mover that was there
        // then.
        let mover = try MoverChoice.ofThisGuest(configuration, for: .command, hasPins: HolderClient.hasPins)
        // A warning is enough: the balloon of this state directory can be read and taken back all the same.
        for other in (try? BalloonMount.others(besides: state.path)) ?? [] { log.warning("\(other.advice)") }
        // Xenstore is only needed to report: without it memory can be taken back all the same.
        store = try? Xenstore()
        staticMax = try? store.flatMap { try VNodeInterface.staticMax($0) }
        keeper = HolderClient(state: state)
        let guest = try Guest.open(
            mover, stateDirectory: state.path, keeper: keeper, staticMax: staticMax, isReading: isReading)
        try guest.limitPrivileges()
        engine = BalloonEngine(guest: guest, state: state, options: configuration.controllerOptions, log: log)
        // A warning is enough: a command that only reads or takes memory back does not need the forced sizes.
        if let error = engine.stateError { log.warning("forced sizes are not known: \(error)") }
        engine.readVideo(store)
        try engine.recover()
        while engine.continueAccount() {}
        _ = try engine.checkFiles()
        interface = try? store.map { try guest.interface($0, isWatching: false, log: log) }
        engine.followForcedOnly()
        if let reading = try? interface?.read() { engine.take(reading) }
    }

    /// Does one step, if one is due. Returns when to come again; nil: there is nothing to do.
    public func step() -> Moment? { engine.step() }

    /// Called last, after memory moved: writes the present sizes to xenstore, as far as it can.
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
