internal import CBalloonShim

/// When to look for memory pressure. At once when the kernel reports tasks that wait for memory
/// (/proc/pressure/memory). And by itself as often as ``PressurePace`` says, because memory where nothing can be
/// reclaimed runs out without any task that waits.
///
/// The kernel has one measure for the whole guest. Which node is short must be read from /proc/zoneinfo.
struct PressureWatch {
    /// Tasks were kept waiting for 150 ms within a second.
    static let trigger = "some 150000 1000000"
    /// How soon after a balloon moved the nodes are read. After an inflate less is left on its node; after a deflate
    /// the read shows whether that was enough.
    static let afterMove: Interval = .milliseconds(100)

    private var source: FileDescriptor?
    private var isWanted = false
    private var pace = PressurePace()
    /// When to look although the kernel reports nothing; nil: never.
    private(set) var due: Moment?

    /// What to poll for urgent events, nil for nothing.
    var descriptor: Int32? { source?.rawValue }

    /// Begins or ends to watch.
    /// - Throws: `.system` where the kernel does not measure pressure (psi=0), or not for us (CAP_SYS_RESOURCE). The
    ///   nodes are then read all the same, as often as ``PressurePace`` says.
    mutating func set(isWanted: Bool, now: Moment) throws(BalloonError) {
        guard isWanted != self.isWanted else { return }
        self.isWanted = isWanted
        source = nil
        due = isWanted ? now : nil
        guard isWanted else { return }
        // Unsafe: a C string for the call.
        let opened = unsafe cb_pressure_open(Self.trigger)
        source = FileDescriptor(try check(opened, "cannot watch /proc/pressure/memory; boot with psi=1"))
    }

    /// Whether to look at the nodes now.
    func isDue(isEvent: Bool, now: Moment) -> Bool { isWanted && (isEvent || due.map { now >= $0 } ?? false) }

    /// Notes that the nodes were read.
    /// - Parameters:
    ///   - looks: at the nodes whose balloons could give way; nil: they could not be looked at.
    ///   - began: when the look began.
    mutating func looked(_ looks: [PressurePace.Look]?, began: Moment, now: Moment) {
        due = now + (looks.map { pace.pause(after: $0, cost: now - began, now: now) } ?? Backoff.first)
    }

    /// A balloon moved.
    mutating func moved(now: Moment) {
        if let due { self.due = min(due, now + Self.afterMove) }
    }
}
