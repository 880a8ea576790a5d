/// One balloon that answers for several vnodes: Linux's own in a PV guest with virtual NUMA, whose kernel knows one
/// node.
///
/// Its target is the sum of the vnodes' targets. No one knows to which vnode its frames belong. So its size is divided
/// among the vnodes as in an account: each gets what was asked of it, in the order of their numbers. Pure, like the
/// controller.
package struct SharedBalloon: Sendable {
    private struct Share: Sendable {
        let vnode: VNode
        var request: TargetRequest = .absent
        /// The part of the balloon that is assigned to it.
        var part: KiB = .zero
        /// The part that it shall have: the requested size, or what it had when its request ended.
        var wanted: KiB = .zero
        /// Whether there is a request for it.
        var isAsked = false
        /// The part that was assigned to it before.
        var before: KiB = .zero

        mutating func keep() { wanted = part }
    }

    private let limit: KiB
    private let granularity: KiB
    private var shares: [Share]
    private var isFirst = true

    /// - Parameters:
    ///   - vnodes: at least one.
    ///   - limit: the largest size of the balloon.
    package init(_ vnodes: [VNode], limit: KiB, granularity: KiB) {
        self.limit = limit
        self.granularity = granularity
        shares = vnodes.map { Share(vnode: $0) }
    }

    /// The sum of the vnodes' requests. A vnode without a request counts with the part that it had when it lost its
    /// request, so it stays as it is.
    /// - Parameter balloon: the present size of the balloon.
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

    /// The state of each vnode while the balloon is in this state. All vnodes begin and end to move together, because
    /// none has what it shall have before all have it.
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

    /// Divides what was given before this process began: first to the vnodes with a request, then to those without one.
    /// So a restart moves nothing.
    private mutating func begin(_ balloon: KiB) {
        isFirst = false
        for index in shares.indices {
            shares[index].part = .zero
            if !shares[index].isAsked { shares[index].keep() }
        }
        share(balloon)
        for index in shares.indices where !shares[index].isAsked { shares[index].keep() }
    }

    /// Divides the balloon with as little change as possible. First each vnode keeps what it both had and shall have.
    /// Then each vnode gets what it shall have. Then memory that is still to be taken back stays where it was. The rest
    /// goes to vnodes without a request.
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
        // If the balloon is larger than all vnodes together, the rest is assigned to the first one.
        shares[0].part += rest
        guard !shares.contains(where: \.isAsked) else { return }
        for index in shares.indices { shares[index].keep() }
    }
}
