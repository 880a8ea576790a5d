/// Moves memory with hypercalls of our own, in PVH and HVM guests.
///
/// The only code in the project that gives, takes and frees frames. Its rules, each of which keeps a guest alive:
/// - only pages of our own that are pinned and were checked are given;
/// - only known holes in our own slots are populated, after their frame numbers were read again;
/// - only known RAM is freed. Known means counted by a hypercall of ours, or probed;
/// - a count says how much was done, never why it was not more: after a short one Xen is asked frame by frame.
public final class PrivcmdBackend: Mover, SlotAuditing, FileBacked {
    public let name = "privcmd"
    public let granularityKiB: UInt64 = ExtentBuffer.framesPerExtent * 4
    public let vnodes: [VNode]
    /// Giving an extent takes 3 ms on an emulated processor, taking one back 0.3: whoever wants something waits for one step
    /// at most.
    public let steps = StepLimits(inflateExtents: 16, deflateExtents: 64)
    public let isMovedByOthers = false

    let hypervisor: any Hypervisor
    let intents: any IntentLog
    /// nil without virtual NUMA: then vnode 0 is all there is.
    let topology: VNUMATopology?
    var holdings: [Int: Holding] = [:]
    /// What the domain and its balloons had together when every frame was last known.
    var knownTotal: UInt64?
    var warning: BalloonError?

    /// - Parameter reserves: by vnode number. A vnode without one cannot move.
    /// - Throws: `.hypercall`, `.privcmdLocked`.
    public init(
        vnodes: [VNode], hypervisor: any Hypervisor, reserves: [Int: any PageReserve], intents: any IntentLog
    ) throws(BalloonError) {
        self.vnodes = vnodes
        self.hypervisor = hypervisor
        self.intents = intents
        topology = try hypervisor.vnumaTopology()
        knownTotal = intents.total()
        for vnode in vnodes {
            if let reserve = reserves[vnode.number] {
                holdings[vnode.number] = Holding(vnode: vnode, reserve: reserve)
            }
        }
    }

    public func slotCount(vnode: Int) -> Int { holdings[vnode]?.slots.count ?? 0 }

    /// A vnode that has no reserve has nothing to give.
    public func balloonFrames(vnode: Int) -> UInt64? {
        guard let holding = holdings[vnode] else { return 0 }
        return holding.balloonFrames
    }

    public func lostExtents(vnode: Int) -> Int {
        guard let holding = holdings[vnode] else { return 0 }
        // What was cut off while this process lives is known by its frames; what was cut off before it, by pins.
        return holding.slots.sums.lost + holding.lost.count + holding.filled.count + holding.lostNameless
            + holding.reserve.strayPages
    }

    public func mayBringBack(vnode: Int) -> Bool { holdings[vnode].map { !$0.lost.isEmpty } ?? false }

    public func isEmpty(vnode: Int) -> Bool? {
        guard let holding = holdings[vnode] else { return true }
        guard holding.isSettled else { return nil }
        return holding.slots.isEmpty && holding.isNothingLost && holding.reserve.strayPins == 0
    }

    public func takeWarning() -> BalloonError? {
        defer { warning = nil }
        return warning
    }

    /// Nothing goes on by itself.
    public func rest() {}

    // MARK: Inflate

    public func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        guard let holding = holdings[vnode], holding.vnode.linuxNode != nil else {
            return Outcome(balloonFrames: balloonFrames(vnode: vnode), obstacle: .noNode)
        }
        if try isBeingSent() { return Outcome(balloonFrames: holding.balloonFrames, obstacle: .migrating) }
        try checkKnown(holding)
        try endMove(holding)
        // What came back to us, by a migration or an interrupted move, goes before new pages.
        let first = holding.slots.count
        let returned = holding.slots.returned(extents)
        let obstacle = returned.isEmpty ? try giveNew(holding, extents) : try giveAgain(holding, returned)
        try endMove(holding, checked: first..<holding.slots.count)
        return Outcome(balloonFrames: holding.balloonFrames, obstacle: obstacle)
    }

    private func giveNew(_ holding: Holding, _ extents: Int) throws(BalloonError) -> HeldReason? {
        let first = holding.slots.count
        try beginMove(holding, first..<first + extents)
        let frames = try holding.reserve.acquire(extents)
        for gfn in frames { holding.slots.append(SlotTable.Slot(.extent(gfn))) }
        if frames.isEmpty { return .noMemory }
        for slot in first..<first + frames.count where try !isMemory(holding, slot) {
            throw BalloonError(
                .moved, "frame \(frames[slot - first]) is a new page of Linux and no RAM for Xen; it is left alone",
                vnode: holding.vnode.number)
        }
        return try give(holding, Array(first..<first + frames.count))
    }

    private func giveAgain(_ holding: Holding, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        // Before the note, which says what others have in the pool: pages that somebody cut off are none of theirs.
        for slot in slots { try holding.checkFrames(of: slot..<slot + 1) }
        try beginMove(holding, slots[0]..<slots[slots.count - 1] + 1)
        let slots = slots.filter { holding.slots[$0].isReturned }
        if slots.isEmpty { return nil }
        // Parts of extents one a step, because Xen is asked about every frame; whole ones together.
        if let mixed = slots.first(where: { holding.slots[$0].isMixed }) { return try giveRest(holding, mixed) }
        return try give(holding, slots)
    }

    /// Whether Xen, too, has RAM behind a new page. If not, the slot stays in doubt.
    ///
    /// One probe: Linux has just cleared all of it, so this only tells a page that is no memory of ours at all. A frame of
    /// it that is a hole already makes the count short.
    private func isMemory(_ holding: Holding, _ slot: Int) throws(BalloonError) -> Bool {
        guard let gfn = holding.slots[slot].gfn, try hypervisor.memoryType(of: gfn).isRAM else { return false }
        holding.slots[slot].holes = 0
        return true
    }

    // MARK: Deflate

    public func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        guard let holding = holdings[vnode] else { return Outcome(balloonFrames: 0, obstacle: .noNode) }
        if try isBeingSent() { return Outcome(balloonFrames: holding.balloonFrames, obstacle: .migrating) }
        try checkKnown(holding)
        try endMove(holding)
        var (obstacle, checked): (HeldReason?, Range<Int>?) = (nil, nil)
        // From the last one down, so that after a short count what is RAM lies at the end.
        let slots = holding.slots.takeable(max(1, min(extents, holding.populateExtents)))
        if let last = slots.first, let lowest = slots.last {
            try holding.checkFrames(of: lowest..<last + 1)
            noteMove(holding, lowest..<last + 1)
            checked = lowest..<last + 1
            obstacle = try takeBack(holding, slots.filter { holding.slots[$0].isTakeable })
        }
        try endMove(holding, checked: checked)
        return Outcome(balloonFrames: holding.balloonFrames, obstacle: obstacle)
    }

    private func takeBack(_ holding: Holding, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        guard let first = slots.first else { return nil }
        if holding.slots[first].isMixed { return try fill(holding, first) }
        guard let short = try populate(holding, Array(slots.prefix { holding.slots[$0].isGiven })) else {
            if holding.populateExtents < 1 << 20 { holding.populateExtents *= 2 }
            return nil
        }
        // Where the physical node has no more 2 MiB in one piece the next populate asks for one only, and for more once
        // that goes.
        holding.populateExtents = 1
        return try fill(holding, short)
    }

    /// Notes a deflate. Taking back needs no byte on a disk: where the note cannot be written it goes on, and a process
    /// that is killed in the middle leaves at most pages in the pool that the next one cannot tell from foreign ones.
    private func noteMove(_ holding: Holding, _ slots: Range<Int>) {
        do throws(BalloonError) { try beginMove(holding, slots) } catch { warning = error }
    }

    // MARK: Moves and doubts

    /// Notes a move and what others have in the pool, before anything is touched.
    ///
    /// Slots that are part RAM, wherever they are, stay noted: two probes may not show it. What lies as RAM below the
    /// moving slots may be freed with them.
    private func beginMove(_ holding: Holding, _ slots: Range<Int>) throws(BalloonError) {
        let lower = holding.slots.ramStart(below: slots.lowerBound)
        let doubtful = holding.slots.doubtful ?? slots
        let noted = min(lower, doubtful.lowerBound)..<max(slots.upperBound, doubtful.upperBound)
        let move = InterruptedMove(
            slots: noted, foreignPoolPages: try holding.reserve.foreignPoolPages(),
            poolPages: slots.upperBound - lower)
        try intents.begin(move, vnode: holding.vnode.number)
        holding.noted = .move
    }

    /// Frees what is left over as RAM at the end. The note stays while a part of an extent is a hole.
    ///
    /// - Parameter checked: slots whose frame numbers were read in this very step.
    func endMove(_ holding: Holding, checked: Range<Int>? = nil) throws(BalloonError) {
        // What an earlier process had begun is ended, and its note with it, by one that may move something.
        if holding.reserve.isReading { return }
        let kept = holding.slots.slotsToKeep()
        // Freeing, too, moves pool pages: a kill half-way must find the note.
        if kept < holding.slots.count && holding.noted != .move { noteMove(holding, kept..<holding.slots.count) }
        try freeRAM(holding, checked)
        do throws(BalloonError) {
            if try noteDoubts(holding) { return }
            guard holding.noted != .nothing else { return }
            try intents.end(vnode: holding.vnode.number)
            holding.noted = .nothing
        } catch {
            // An old note only has the next process look closer than it must.
            warning = error
        }
    }

    /// Notes the slots of which a part is a hole, instead of what was noted. False: there are none.
    func noteDoubts(_ holding: Holding) throws(BalloonError) -> Bool {
        guard let doubtful = holding.slots.doubtful else { return false }
        let note = InterruptedMove(slots: doubtful, foreignPoolPages: 0, poolPages: 0)
        try intents.begin(note, vnode: holding.vnode.number)
        holding.noted = .doubts
        return true
    }

    /// Frees what is RAM at the end, unless the domain is being sent: what was populated since that began is a hole in the
    /// new domain, and must still be ours there.
    ///
    /// Asked after the populate. A migration that begins later sends all of it.
    private func freeRAM(_ holding: Holding, _ checked: Range<Int>?) throws(BalloonError) {
        let kept = holding.slots.slotsToKeep()
        let below = holding.slots.sums.lost > 0 ? holding.slots.ramBelowLost(Self.freedAtOnce) : []
        holding.isWaiting = kept < holding.slots.count || !below.isEmpty
        guard holding.isWaiting, holding.unsent.isEmpty else { return }
        if try isBeingSent() {
            holding.unsent = below + Array(kept..<holding.slots.count)
            return
        }
        try checkNotSuspended(holding)
        var first = max(kept, holding.slots.count - Self.freedAtOnce)
        // What was RAM when Xen was asked may have another page by now.
        let isChecked = checked.map { first >= $0.lowerBound && holding.slots.count <= $0.upperBound } ?? false
        if !isChecked { try holding.checkFrames(of: first..<holding.slots.count) }
        // One of them may have turned out to be broken just now: it stays, and so does what is below it.
        first = max(first, holding.slots.slotsToKeep())
        try holding.free(keeping: first)
        for slot in below { try holding.checkFrames(of: slot..<slot + 1) }
        let whole = below.filter { holding.slots[$0].isRAM }
        if !whole.isEmpty { try holding.punch(whole) }
        holding.isWaiting = holding.slots.slotsToKeep() < holding.slots.count
    }

    /// More would keep the loop from everything else.
    private static let freedAtOnce = 64

    public func isBeingSent() throws(BalloonError) -> Bool { try hypervisor.isBeingSent() }

    public func tidy(vnode: Int) throws(BalloonError) -> Tidying {
        guard let holding = holdings[vnode], holding.isSettled, holding.isWaiting else { return .done }
        if try isBeingSent() { return .waiting }
        // Not every suspend shows in the clocks, so Xen is asked anew: in the new domain it may be a hole.
        if let slot = holding.unsent.popLast() {
            if slot < holding.slots.count { try probe(holding, slot) }
            if !holding.unsent.isEmpty { return .more }
        }
        try endMove(holding)
        return holding.isWaiting ? .more : .done
    }

    /// Nothing moves of a vnode of which anything is in doubt.
    private func checkKnown(_ holding: Holding) throws(BalloonError) {
        guard holding.isSettled else {
            throw BalloonError(.looking, "the balloon was not audited yet", vnode: holding.vnode.number)
        }
        try checkNotSuspended(holding)
    }
}
