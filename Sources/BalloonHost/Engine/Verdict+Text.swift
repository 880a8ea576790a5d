extension MoveJudge.Verdict {
    /// The verdict in a sentence, for people.
    public func sentence(_ name: String) -> String {
        switch self {
        case .moving: "\(name) is still moving"
        case .reached: "\(name) is there"
        case .held(let vnode, let reason, let kib):
            "\(name), vnode \(vnode) is held at \(Size.text(kib)): \(reason.sentence)"
        case .deaf: "\(name) does not answer to its target; is vnode-balloon.service running in it?"
        case .stuck: "\(name) makes no progress by Xen's count"
        case .contradicts(let claims, let xen):
            "\(name) claims \(claims) KiB, Xen says \(xen) KiB: its word does not count"
        case .superseded(HostDomain.whole): "\(name): another program wrote memory/target meanwhile"
        case .superseded(let vnode): "\(name), vnode \(vnode): another program wrote the target meanwhile"
        case .claimed(let vnode, let pages, let kib):
            "\(name), vnode \(vnode) waits at \(Size.text(kib)): \(pages) pages of the host are claimed by a domain"
                + " that is being built"
        case .gone: "\(name) is gone"
        }
    }

    /// The verdict in one word, for programs.
    public var word: String {
        switch self {
        case .moving: "moving"
        case .reached: "reached"
        case .held: "held"
        case .deaf: "deaf"
        case .stuck: "stuck"
        case .contradicts: "contradicts"
        case .superseded: "superseded"
        case .claimed: "claimed"
        case .gone: "gone"
        }
    }
}
