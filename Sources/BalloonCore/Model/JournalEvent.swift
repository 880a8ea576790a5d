/// The kinds of messages that a reader looks for in systemd's journal, each with its MESSAGE_ID.
/// packaging/vnode-balloon.catalog explains each of them (`journalctl -x`).
public enum JournalEvent: String, CaseIterable, Sendable {
    /// A vnode has another target, or none, or one that is no size.
    case target = "ae5f5956f6734d70a68c9a464c6f7b20"
    /// A size was forced, or released.
    case forced = "9c279ec7483142dfb718cc19a98c4956"
    /// A move has ended.
    case moved = "e28250079e424cbda79e075f0fbbe68f"
    case held = "987044c1c9ea406787dfbfbc8adbe42a"
    /// A hold has ended.
    case free = "93efbf29e670444688f0312a0baf7579"
    /// Another program changed or removed a balloon's file.
    case file = "be45af9e9cd54fb1a1097251be0897b2"
    /// Linux's own balloon moves memory beside ours.
    case otherBalloon = "57f607ac9a8a480f877133fc654cfd41"
    /// xenstore does not answer.
    case store = "c9a0111c636e45deb1f2b2f754131e67"
    /// The kernel allows no hypercalls from user space.
    case locked = "44a3dcd9775d4db2b19e6f3ac5f1baec"

    // Of the toolstack's daemon.
    /// A domain has got rows of the interface that it lacked.
    case prepared = "3a120b0ff3fe49689067c81f3d2c68f8"
    /// What a guest's balloons have is its first target.
    case adopted = "e372ec5ee5d6477badae596016fe42a7"
    /// Domains are gone.
    case gone = "27dbc762d4444d2fae48ee691022798d"
    /// The daemon removed memory/target, or wrote it back.
    case legacyTarget = "d487f587f52543c59eed59f89f9d295a"
    /// Another program wrote memory/target.
    case foreignTarget = "9794bb9492e64e3cb54e7dbe5091a1d2"
    /// Xen lets a domain have another maximum.
    case maximum = "f6b99c685c34433cb5e9e14ca0552074"

    /// The field that has it. A logger's metadata with keys in capitals are fields only, because the text says it too.
    public static let field = "MESSAGE_ID"
}
