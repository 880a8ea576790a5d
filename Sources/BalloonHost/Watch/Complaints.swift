/// What could not be done for single domains and has been logged. A deed that fails is tried again in each turn, and the
/// same line a turn would bury the rest of the journal.
public struct Complaints {
    private var texts: [Key: String] = [:]

    private struct Key: Hashable {
        let domain: UInt16?
        let kind: Kind

        init(_ deed: HostKeeper.Deed) {
            domain = deed.domain
            kind = Kind(deed)
        }
    }

    /// A deed without its numbers, which may be others in each turn.
    private enum Kind: Hashable {
        case prepare, adopt, take, yield, note, revert, tell, level, enforce, forgetGone

        init(_ deed: HostKeeper.Deed) {
            self =
                switch deed {
                case .prepare: .prepare
                case .adopt: .adopt
                case .take: .take
                case .yield: .yield
                case .note: .note
                case .revert: .revert
                case .tell: .tell
                case .level: .level
                case .enforce: .enforce
                case .forgetGone: .forgetGone
                }
        }
    }

    public init() {}

    /// Returns whether the error is to be logged: it is another one than the last of such a deed for that domain.
    public mutating func begin(of deed: HostKeeper.Deed, _ text: String) -> Bool {
        let key = Key(deed)
        if texts[key] == text { return false }
        texts[key] = text
        return true
    }

    /// The deed was done.
    public mutating func end(of deed: HostKeeper.Deed) {
        if !texts.isEmpty { texts[Key(deed)] = nil }
    }

    /// Forgets domains that are gone: another one may come with the same number.
    public mutating func keep(_ domains: [UInt16]) {
        guard !texts.isEmpty else { return }
        texts = texts.filter { complaint in complaint.key.domain.map { domains.contains($0) } ?? true }
    }
}
