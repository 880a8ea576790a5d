/// Signs of life of the loop for the service manager, which starts the daemon anew where they do not come (WatchdogSec).
///
/// They come from the loop and from nothing else, so a step or a wait that never ends is seen.
struct Watchdog {
    /// nil: the service manager does not wait for them.
    private let patience: Interval?
    private var toldAt: Moment?

    init(patience: Interval?) { self.patience = patience }

    /// When the loop must come round again. Half of the patience, because one sign may get lost.
    var due: Moment? { patience.map { (toldAt ?? .zero) + $0 / 2 } }

    /// Whether a sign is to be given now. A loop that is awake anyway gives it a little early, and does not wake for it.
    mutating func isDue(now: Moment) -> Bool {
        guard let patience else { return false }
        if let toldAt, now < toldAt + patience / 4 { return false }
        toldAt = now
        return true
    }
}
