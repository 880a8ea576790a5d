/// What became of memory/target, the old interface's one target.
///
/// There from the start it earns a warning. Only its return after an absence that was seen means that Linux's own
/// balloon is in use again.
public struct LegacyTarget: Equatable, Sendable {
    /// It was seen absent, by this process or by one before it.
    public private(set) var wasAbsent: Bool
    /// KiB, nil while it is absent or unreadable.
    public private(set) var valueKiB: UInt64?
    public private(set) var isPresent = false
    private var hasLooked = false

    /// What is worth telling.
    public enum Change: Equatable, Sendable {
        case none
        /// It has been there since before the first look.
        case presentFromStart
        /// It went away; to be noted for later processes.
        case wentAway
        /// It came back after an absence.
        case returned
        /// Somebody moves Linux's balloon while ours is in use.
        case changed
    }

    public init(wasAbsent: Bool) { self.wasAbsent = wasAbsent }

    /// No more memory may be given.
    public var hasReturned: Bool { isPresent && wasAbsent }

    /// Takes in what memory/target holds now, nil for nothing.
    public mutating func observe(_ text: [UInt8]?) -> Change {
        let value = text.flatMap(TargetText.number)
        let before = (looked: hasLooked, present: isPresent, value: valueKiB)
        (hasLooked, isPresent, valueKiB) = (true, text != nil, value)
        if text == nil {
            let isNews = !wasAbsent || before.present
            wasAbsent = true
            return isNews ? .wentAway : .none
        }
        if !before.present { return wasAbsent ? .returned : before.looked ? .none : .presentFromStart }
        return before.value == value ? .none : .changed
    }
}
