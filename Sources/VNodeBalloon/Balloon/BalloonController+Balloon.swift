extension BalloonController.Balloon {
    /// The size that is asked for, in frames: the forced one before xenstore's; nil: stay as you are.
    func askedFrames(_ extentKiB: UInt64) -> UInt64? {
        if isRemoved { return 0 }
        if let forced = state.forcedKiB { return forced / 4 }
        guard followsRequest, case .size(let kib) = request else { return nil }
        return kib / extentKiB * extentKiB / 4
    }

    /// What it may have at most, in frames: by the configuration's floor, and by what memory pressure left.
    var limitFrames: UInt64 { min(mostFrames, ceiling?.frames ?? .max) }

    /// The size that counts, in frames: what is asked for, as far as it may be.
    func wantedFrames(_ extentKiB: UInt64) -> UInt64? {
        if let asked = askedFrames(extentKiB) { return min(asked, limitFrames) }
        guard let frames = state.balloonFrames else { return nil }
        return frames > limitFrames ? limitFrames : nil
    }

    /// Which way it should move, nil when it need not or must not.
    func direction(_ extentKiB: UInt64, inflating mayInflate: Bool) -> VNodeActivity? {
        guard unknown == nil, let frames = state.balloonFrames, let wanted = wantedFrames(extentKiB), wanted != frames
        else { return nil }
        if wanted < frames { return .deflating }
        return mayInflate ? .inflating : nil
    }

    /// How many extents lie between the balloon and its size, a part counted as one.
    func distanceExtents(_ extentKiB: UInt64) -> Int {
        guard let frames = state.balloonFrames, let wanted = wantedFrames(extentKiB) else { return 0 }
        let distance = max(wanted, frames) - min(wanted, frames)
        let perExtent = extentKiB / 4
        return Int((distance + perExtent - 1) / perExtent)
    }

    mutating func startAfresh() {
        backoff.reset()
        obstacle = nil
    }

    mutating func settle(direction: VNodeActivity?, extentKiB: UInt64, legacyTargetReturned: Bool) {
        if case .size(let kib) = request {
            state.targetKiB = kib / extentKiB * extentKiB
        } else {
            state.targetKiB = nil
        }
        isLimited = askedFrames(extentKiB).map { $0 > limitFrames } ?? false
        let reason = heldReason(direction, legacyTargetReturned: legacyTargetReturned)
        state.reason = reason
        state.activity = reason != nil ? .held : direction ?? .idle
    }

    private func heldReason(_ direction: VNodeActivity?, legacyTargetReturned: Bool) -> HeldReason? {
        if let unknown { return unknown }
        if direction != nil, let obstacle { return obstacle }
        if direction != nil { return nil }
        if isRemoved { return .filesRemoved }
        if legacyTargetReturned { return .legacyTarget }
        if request == .invalid { return .invalidTarget }
        if isLimited { return .guard }
        if let forced = state.forcedKiB, let target = state.targetKiB, target != forced { return .forced }
        return nil
    }
}
