/// One balloon that answers for several vnodes: Linux's own in a PV guest with virtual NUMA, which knows of one node.
///
/// Its target is the sum of the vnodes' targets. Nothing tells which vnode its frames belong to, so its size is shared
/// out among the vnodes as in an account: each gets what was asked of it, in order of their numbers. Pure, as the
/// controller is.
package struct SharedBalloon: Sendable {
    private struct Share: Sendable {
        let vnode: VNode
        var request: TargetRequest = .absent
        /// The share of the balloon that is accounted to it.
        var part: KiB = .zero
        /// What it shall have: what is asked of it, or what it had when nothing was asked any more.
        var wanted: KiB = .zero
        /// A size is asked of it.
        var isAsked = false
        /// The share that was accounted to it before.
        var before: KiB = .zero

        mutating func keep() { wanted = part }
    }

    private let limit: KiB
    private let granularity: KiB
    private var shares: [Share]
    private var isFirst = true

    /// - Parameters:
    ///   - vnodes: at least one.
    ///   - limit: what the balloon can have at most.
    package init(_ vnodes: [VNode], limit: KiB, granularity: KiB) {
        self.limit = limit
        self.granularity = granularity
        shares = vnodes.map { Share(vnode: $0) }
    }

    /// What the vnodes' requests come to. A vnode of which no size is asked counts with the share that it had when that
    /// began: it stays as it is.
    /// - Parameter balloon: the balloon now.
    package mutating func request(_ requests: [Int: TargetRequest], balloon: KiB) -> TargetRequest {
        share(balloon)
        for index in shares.indices { take(requests[shares[index].vnode.number] ?? .absent, index) }
        if isFirst { begin(balloon) }
        guard shares.contains(where: \.isAsked) else {
            return shares.contains { $0.request == .invalid } ? .invalid : .absent
        }
        let sum = shares.reduce(.zero) { $0 + $1.wanted }
        return sum <= limit ? .size(sum) : .invalid
    }

    /// What is to be said of each vnode while the balloon is in this state. They begin and end to move together, for
    /// none of them has what it shall have before all have.
    package mutating func states(of balloon: VNodeState) -> [VNodeState] {
        if let size = balloon.balloon { share(size) }
        return shares.map { share in
            let frames = balloon.balloonFrames == nil ? nil : share.part.wholeFrames
            var state = VNodeState(vnode: share.vnode, balloonFrames: frames, activity: balloon.activity)
            state.reason = balloon.reason
            (state.detail, state.audited) = (balloon.detail, balloon.audited)
            if share.request == .invalid {
                (state.activity, state.reason) = (.held, .invalidTarget)
            } else if share.request == .absent && balloon.reason == .invalidTarget {
                (state.activity, state.reason) = (.idle, nil)
            }
            return state
        }
    }

    private mutating func take(_ request: TargetRequest, _ index: Int) {
        shares[index].request = request
        if case .size(let size) = request {
            shares[index].isAsked = true
            shares[index].wanted = size.roundedDown(to: granularity)
        } else if shares[index].isAsked {
            shares[index].isAsked = false
            shares[index].keep()
        }
    }

    /// What was given before we began belongs first to the vnodes that it is asked of, then to those that nothing is asked
    /// of: so a restart moves nothing.
    private mutating func begin(_ balloon: KiB) {
        isFirst = false
        for index in shares.indices {
            shares[index].part = .zero
            if !shares[index].isAsked { shares[index].keep() }
        }
        share(balloon)
        for index in shares.indices where !shares[index].isAsked { shares[index].keep() }
    }

    /// Shares the balloon out with as little change as possible. First each vnode keeps what it has and shall have.
    /// Then each gets what it shall have. Then what is still to be taken back stays where it was. What is given beyond
    /// that goes to vnodes of which nothing is asked.
    private mutating func share(_ balloon: KiB) {
        let limits: [(Share) -> KiB] = [
            { min($0.before, $0.wanted) }, \.wanted, { max($0.before, $0.wanted) },
            { $0.isAsked ? .zero : $0.vnode.size }, \.vnode.size,
        ]
        var rest = balloon
        for index in shares.indices {
            shares[index].before = shares[index].part
            shares[index].part = .zero
        }
        for limit in limits {
            for index in shares.indices where limit(shares[index]) > shares[index].part {
                let more = min(rest, limit(shares[index]) - shares[index].part)
                shares[index].part += more
                rest -= more
            }
        }
        // More than all vnodes have: the first one's account shows it.
        shares[0].part += rest
        guard !shares.contains(where: \.isAsked) else { return }
        for index in shares.indices { shares[index].keep() }
    }
}
