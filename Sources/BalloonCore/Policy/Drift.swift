/// Memory that may lie on another physical node than its vnode's, because Linux's own balloon took it back.
///
/// As long as memory/target exists, Linux's own balloon follows it. It gives frames of any node. When it takes memory
/// back, Xen uses any physical node that has room. The guest cannot prevent that, and only Xen knows where the frames
/// lie. But the size of Linux's balloon shows how much it took back.
public struct Drift: Sendable {
    /// How often, and for how long, to read the size of Linux's balloon after memory/target changed.
    public static let interval: Interval = .milliseconds(500)
    static let attention: Interval = .seconds(60)

    /// How much Linux's balloon took back since it was first read; nil: it was never read.
    public private(set) var amount: KiB?
    private var last: KiB?
    private var logged: KiB = .zero
    private var attentiveUntil: Moment = .zero
    /// When to read it again; nil: with the next full read.
    public private(set) var due: Moment?

    public init() {}

    /// Notes that memory/target changed, so Linux's balloon moves now.
    public mutating func expect(now: Moment) {
        attentiveUntil = now + Self.attention
        due = now
    }

    /// Takes in the size of Linux's balloon.
    public mutating func see(balloon: KiB, now: Moment) {
        let before = last ?? balloon
        amount = (amount ?? .zero) + before.less(balloon)
        // While it moves it is read again.
        if before != balloon { attentiveUntil = max(attentiveUntil, now + Self.attention / 4) }
        last = balloon
        due = now < attentiveUntil ? now + Self.interval : nil
    }

    /// Notes that it could not be read.
    public mutating func missed() { due = nil }

    /// The amount, if it must be logged: the first time, and each time that it has doubled.
    public mutating func news() -> KiB? {
        guard let amount, amount > .zero, amount >= logged * 2 else { return nil }
        logged = amount
        return amount
    }
}
