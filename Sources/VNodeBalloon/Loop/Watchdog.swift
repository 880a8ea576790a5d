/// Sends the loop's signs of life to the service manager, which restarts the daemon when they stop (WatchdogSec).
///
/// Only the loop sends them, so the service manager notices a step or a wait that never ends.
struct Watchdog {
    /// nil: the service manager has no watchdog.
    private let patience: Interval?
    private var toldAt: Moment?

    init(patience: Interval?) { self.patience = patience }

    /// When the loop must turn again: after half of the patience, because one sign may get lost.
    var due: Moment? { patience.map { (toldAt ?? .zero) + $0 / 2 } }

    /// Whether to send a sign now. A loop that is awake anyway sends it a little early, which saves a wake-up later.
    mutating func isDue(now: Moment) -> Bool {
        guard let patience else { return false }
        if let toldAt, now < toldAt + patience / 4 { return false }
        toldAt = now
        return true
    }
}
