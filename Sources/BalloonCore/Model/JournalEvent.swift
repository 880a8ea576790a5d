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

    /// The field that has it. A logger's metadata with keys in capitals are fields only, because the text says it too.
    public static let field = "MESSAGE_ID"
}
