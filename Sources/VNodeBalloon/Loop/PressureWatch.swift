internal import CBalloonShim

/// Decides when to read the nodes for memory pressure: at once when the kernel reports tasks that wait for memory
/// (/proc/pressure/memory), and otherwise as often as ``PressurePace`` says. The latter is needed because memory that
/// holds nothing reclaimable runs out before any task waits.
///
/// The kernel has one measure for the whole guest. Which node is short must be read from /proc/zoneinfo.
struct PressureWatch {
    /// The kernel reports when tasks waited for 150 ms within a second.
    static let trigger = "some 150000 1000000"
    /// How soon after a balloon moved the nodes are read. After an inflate less is left on its node; after a deflate
    /// the read shows whether that was enough.
    static let afterMove: Interval = .milliseconds(100)

    private var source: FileDescriptor?
    private var isWanted = false
    private var pace = PressurePace()
    /// When to read the nodes although the kernel reports nothing; nil: never.
    private(set) var due: Moment?

    /// The descriptor to poll for urgent events; nil: there is none.
    var descriptor: Int32? { source?.rawValue }

    /// Starts or stops the watch.
    /// - Throws: `.system` where the kernel does not measure pressure (psi=0), or does not let us watch it
    ///   (CAP_SYS_RESOURCE). The nodes are then read all the same, as often as ``PressurePace`` says.
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

    /// Whether to read the nodes now.
    func isDue(isEvent: Bool, now: Moment) -> Bool { isWanted && (isEvent || due.map { now >= $0 } ?? false) }

    /// Notes that the nodes were read.
    /// - Parameters:
    ///   - looks: what was read of the nodes whose balloons could give memory back; nil: the nodes could not be read.
    ///   - began: when the read began.
    mutating func looked(_ looks: [PressurePace.Look]?, began: Moment, now: Moment) {
        due = now + (looks.map { pace.pause(after: $0, cost: now - began, now: now) } ?? Backoff.first)
    }

    /// A balloon moved.
    mutating func moved(now: Moment) {
        if let due { self.due = min(due, now + Self.afterMove) }
    }
}
