extension BalloonController.Balloon {
    /// The size that is asked for: the forced one before xenstore's; nil: stay as you are.
    func askedFrames(_ extent: KiB) -> Frames? {
        if isRemoved { return .zero }
        if let forced = state.forced { return forced.wholeFrames }
        guard followsRequest, case .size(let size) = request else { return nil }
        return size.roundedDown(to: extent).wholeFrames
    }

    /// What it may have at most: by the configuration's floor, and by what memory pressure left.
    var limitFrames: Frames { min(mostFrames, ceiling?.frames ?? .max) }

    /// The size that the balloon moves to: what is asked for, within what it may have.
    func wantedFrames(_ extent: KiB) -> Frames? {
        if let asked = askedFrames(extent) { return min(asked, limitFrames) }
        guard let frames = state.balloonFrames else { return nil }
        return frames > limitFrames ? limitFrames : nil
    }

    /// In which direction it moves; nil: it need not, or must not.
    func direction(_ extent: KiB, inflating mayInflate: Bool) -> VNodeActivity? {
        guard unknown == nil, let frames = state.balloonFrames, let wanted = wantedFrames(extent), wanted != frames
        else { return nil }
        if wanted < frames { return .deflating }
        return mayInflate ? .inflating : nil
    }

    /// How many extents lie between the balloon and its size, a part counted as one.
    func distanceExtents(_ extent: KiB) -> Int {
        guard let frames = state.balloonFrames, let wanted = wantedFrames(extent) else { return 0 }
        return Int(wanted.difference(from: frames).kib.roundedUp(to: extent) / extent)
    }

    mutating func startAfresh() {
        backoff.reset()
        obstacle = nil
    }

    mutating func settle(direction: VNodeActivity?, extent: KiB, legacyTargetReturned: Bool) {
        if case .size(let size) = request {
            state.target = size.roundedDown(to: extent)
        } else {
            state.target = nil
        }
        isLimited = askedFrames(extent).map { $0 > limitFrames } ?? false
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
        if let forced = state.forced, let target = state.target, target != forced { return .forced }
        return nil
    }
}
