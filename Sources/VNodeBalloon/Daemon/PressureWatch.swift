internal import CBalloonShim

/// Memory pressure: the kernel's own measure of tasks that wait for memory (/proc/pressure/memory).
///
/// It is one measure for the whole guest. Which node suffers has to be looked up.
struct PressureWatch {
    /// Tasks were kept waiting for 150 ms within a second.
    static let trigger = "some 150000 1000000"
    /// How soon after an answer it is seen whether that was enough: the kernel tells once a second at most, and a node can
    /// lose much in a second. And how often to look where the kernel does not tell. Nanoseconds.
    static let afterAnswer: UInt64 = 100_000_000
    static let untold: UInt64 = 60_000_000_000

    private var source: FileDescriptor?
    private var isWanted = false
    /// When to look whatever the kernel says; nil: not before it tells.
    private(set) var due: UInt64?

    /// What to poll for urgent events, nil for nothing.
    var descriptor: Int32? { source?.rawValue }

    /// Begins or ends to watch.
    /// - Throws: `.system` where the kernel does not measure pressure (psi=0), or not for us (CAP_SYS_RESOURCE). Then
    ///   it is looked for once a minute.
    mutating func set(isWanted: Bool, now: UInt64) throws(BalloonError) {
        guard isWanted != self.isWanted else { return }
        self.isWanted = isWanted
        source = nil
        due = isWanted ? now + Self.untold : nil
        guard isWanted else { return }
        // Unsafe: a C string for the call.
        let opened = unsafe cb_pressure_open(Self.trigger)
        source = FileDescriptor(try check(opened, "cannot watch /proc/pressure/memory; boot with psi=1"))
        due = nil
    }

    /// Whether to look at the nodes now.
    func isDue(isEvent: Bool, now: UInt64) -> Bool { isWanted && (isEvent || due.map { now >= $0 } ?? false) }

    /// Notes that the nodes were looked at.
    /// - Parameter isGivingWay: a balloon gives way now.
    mutating func looked(isGivingWay: Bool, now: UInt64) {
        due = isGivingWay ? now + Self.afterAnswer : source == nil ? now + Self.untold : nil
    }

    /// Whether the kernel measures pressure at all.
    static var isMeasured: Bool { (try? readFile("/proc/pressure/memory", limit: 4096)) != nil }
}
