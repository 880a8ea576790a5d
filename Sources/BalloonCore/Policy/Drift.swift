/// Memory that may lie on another physical node than its vnode's, because Linux's own balloon took it back.
///
/// As long as memory/target is there Linux's own balloon follows it. It gives frames of any node, and Xen answers what it
/// takes back from wherever there is room. That cannot be prevented from within the guest, and only Xen knows where the
/// frames lie. But the size of Linux's balloon shows how much was taken back.
public struct Drift: Sendable {
    /// How often to look at Linux's balloon after memory/target changed, and for how long.
    public static let interval: Interval = .milliseconds(500)
    static let attention: Interval = .seconds(60)

    /// What Linux's balloon took back since it was seen first; nil: it was never seen.
    public private(set) var amount: KiB?
    private var last: KiB?
    private var logged: KiB = .zero
    private var attentiveUntil: Moment = .zero
    /// When to look again; nil: with everything else.
    public private(set) var due: Moment?

    public init() {}

    /// memory/target changed: Linux's balloon moves now.
    public mutating func expect(now: Moment) {
        attentiveUntil = now + Self.attention
        due = now
    }

    /// Takes in the size of Linux's balloon.
    public mutating func see(balloon: KiB, now: Moment) {
        let before = last ?? balloon
        amount = (amount ?? .zero) + before.less(balloon)
        // As long as it moves it is read again.
        if before != balloon { attentiveUntil = max(attentiveUntil, now + Self.attention / 4) }
        last = balloon
        due = now < attentiveUntil ? now + Self.interval : nil
    }

    /// It could not be read.
    public mutating func missed() { due = nil }

    /// The amount, when it is news: at first, and when it grew by as much again.
    public mutating func news() -> KiB? {
        guard let amount, amount > .zero, amount >= logged * 2 else { return nil }
        logged = amount
        return amount
    }
}
