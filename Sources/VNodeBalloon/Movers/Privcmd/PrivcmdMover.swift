/// Moves memory with hypercalls of our own, in PVH and HVM guests.
///
/// The only code in the project that gives, takes and frees frames. Its rules, each of which keeps a guest alive:
/// - only pages of our own that are pinned and were checked are given;
/// - only known holes in our own slots are populated, after their frame numbers were read again;
/// - only known RAM is freed. Known means counted by a hypercall of ours, or probed;
/// - a count says how much was done, never why it was not more: after a short one Xen is asked frame by frame.
public final class PrivcmdMover: Mover, SlotAuditing, FileBacked, OtherPNodes {
    public let name = "privcmd"
    public let granularity: KiB = Frames(ExtentBuffer.framesPerExtent).kib
    public let vnodes: [VNode]
    /// Giving an extent takes 3 ms on an emulated processor, taking one back 0.3: a client of the daemon waits for one
    /// step at most.
    public let steps = StepLimits(inflateExtents: 16, deflateExtents: 64)
    public let isMovedByOthers = false

    let hypervisor: any Hypervisor
    let intents: any IntentLog
    /// nil without virtual NUMA: then vnode 0 is all there is.
    let topology: VNUMATopology?
    var balloons: [Int: SlottedBalloon] = [:]
    /// What the domain and its balloons had together when every frame was last known.
    var knownTotal: UInt64?
    var warning: BalloonError?
    /// What came from other physical nodes; nil: not known, or without virtual NUMA. Then nothing is taken from them.
    private(set) var displaced: DisplacedExtents?
    public var vnodesAllowed: Set<Int> = []

    /// - Parameters:
    ///   - reserves: by vnode number. A vnode without one cannot move.
    ///   - displaced: where extents with memory of other physical nodes are noted; nil: none is taken.
    /// - Throws: `.hypercall`, `.privcmdLocked`.
    public init(
        vnodes: [VNode], hypervisor: any Hypervisor, reserves: [Int: any PageReserve], intents: any IntentLog,
        displaced: (any DisplacedLog)? = nil
    ) throws(BalloonError) {
        self.vnodes = vnodes
        self.hypervisor = hypervisor
        self.intents = intents
        topology = try hypervisor.vnumaTopology()
        knownTotal = intents.total()
        if let displaced, let topology {
            do throws(BalloonError) { self.displaced = try DisplacedExtents(displaced, topology) } catch {
                warning = error
            }
        }
        for vnode in vnodes {
            if let reserve = reserves[vnode.number] {
                balloons[vnode.number] = SlottedBalloon(vnode: vnode, reserve: reserve)
            }
        }
    }

    public func slotCount(vnode: Int) -> Int { balloons[vnode]?.slots.count ?? 0 }

    /// A vnode that has no reserve has nothing to give.
    public func balloonFrames(vnode: Int) -> Frames? {
        guard let balloon = balloons[vnode] else { return .zero }
        return balloon.balloonFrames
    }

    public func lostExtents(vnode: Int) -> Int {
        guard let balloon = balloons[vnode] else { return 0 }
        // What was cut off while this process lives is known by its frames; what was cut off before it, by pins.
        return balloon.slots.sums.lost + balloon.lost.count + balloon.filled.count + balloon.lostNameless
            + balloon.reserve.strayPages
    }

    public func mayBringBack(vnode: Int) -> Bool { balloons[vnode].map { !$0.lost.isEmpty } ?? false }

    public func isEmpty(vnode: Int) -> Bool? {
        guard let balloon = balloons[vnode] else { return true }
        guard balloon.isSettled else { return nil }
        return balloon.slots.isEmpty && balloon.isNothingLost && balloon.reserve.strayPins == 0
    }

    public func takeWarning() -> BalloonError? {
        defer { warning = nil }
        return warning
    }

    /// Nothing goes on by itself.
    public func rest() {}

    // MARK: Inflate

    public func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        guard let balloon = balloons[vnode], balloon.vnode.linuxNode != nil else {
            return Outcome(balloonFrames: balloonFrames(vnode: vnode), obstacle: .noNode)
        }
        if try isBeingSent() { return Outcome(balloonFrames: balloon.balloonFrames, obstacle: .migrating) }
        try checkKnown(balloon)
        try endMove(balloon)
        // What came back to us, by a migration or an interrupted move, goes before new pages.
        let first = balloon.slots.count
        let returned = balloon.slots.returned(extents)
        let obstacle = returned.isEmpty ? try giveNew(balloon, extents) : try giveAgain(balloon, returned)
        try endMove(balloon, checked: first..<balloon.slots.count)
        return Outcome(balloonFrames: balloon.balloonFrames, obstacle: obstacle)
    }

    private func giveNew(_ balloon: SlottedBalloon, _ extents: Int) throws(BalloonError) -> HeldReason? {
        let new = try acquireInside(balloon, extents)
        if new.inside.isEmpty { return .noMemory }
        // From the lowest one up: after a short count what is RAM lies at the end.
        let chosen = displacedFirst(balloon, new.inside).prefix(extents).sorted()
        let obstacle = try give(balloon, chosen)
        try putBack(balloon, new.outside + new.inside.filter { !chosen.contains($0) })
        return obstacle
    }

    private func giveAgain(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        // Before the note, which says how many pool pages are not ours: pages cut off our file must not count there.
        for slot in slots { try balloon.checkFrames(of: slot..<slot + 1) }
        try beginMove(balloon, slots[0]..<slots[slots.count - 1] + 1)
        // An earlier process was killed before it put them back.
        let outside = slots.filter { !isInside(balloon, $0) }
        if !outside.isEmpty {
            try putBack(balloon, outside)
            return nil
        }
        let slots = slots.filter { balloon.slots[$0].isReturned }
        if slots.isEmpty { return nil }
        // Parts of extents one a step, because Xen is asked about every frame; whole ones together.
        if let mixed = slots.first(where: { balloon.slots[$0].isMixed }) { return try giveRest(balloon, mixed) }
        return try give(balloon, slots)
    }

    /// Whether Xen, too, has RAM behind a new page. If not, the slot stays in doubt.
    ///
    /// One probe: Linux has just cleared all of it, so this only tells a page that is no memory of ours at all. A frame of
    /// it that is a hole already makes the count short.
    func isMemory(_ balloon: SlottedBalloon, _ slot: Int) throws(BalloonError) -> Bool {
        guard let gfn = balloon.slots[slot].gfn, try hypervisor.memoryType(of: gfn).isRAM else { return false }
        balloon.slots[slot].holes = 0
        return true
    }

    // MARK: Deflate

    public func deflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        guard let balloon = balloons[vnode] else { return Outcome(balloonFrames: .zero, obstacle: .noNode) }
        if try isBeingSent() { return Outcome(balloonFrames: balloon.balloonFrames, obstacle: .migrating) }
        try checkKnown(balloon)
        try endMove(balloon)
        balloon.hasLookedForDisplaced = false
        var (obstacle, checked): (HeldReason?, Range<Int>?) = (nil, nil)
        // From the last one down, so that after a short count what is RAM lies at the end.
        let slots = balloon.slots.takeable(max(1, min(extents, balloon.populateExtents)))
        if let last = slots.first, let lowest = slots.last {
            try balloon.checkFrames(of: lowest..<last + 1)
            noteMove(balloon, lowest..<last + 1)
            checked = lowest..<last + 1
            obstacle = try takeBack(balloon, slots.filter { balloon.slots[$0].isTakeable })
        }
        try endMove(balloon, checked: checked)
        return Outcome(balloonFrames: balloon.balloonFrames, obstacle: obstacle)
    }

    private func takeBack(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        balloon.left = nil
        // A note of them may be left, by an error after the call that gave them or by a migration.
        noteGiven(balloon, slots)
        let obstacle = try takeFromOwn(balloon, slots)
        return obstacle == .pnodeFull ? try takeElsewhere(balloon, slots) : obstacle
    }

    private func takeFromOwn(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        guard let first = slots.first else { return nil }
        if balloon.slots[first].isMixed { return try fill(balloon, first) }
        guard let short = try populate(balloon, Array(slots.prefix { balloon.slots[$0].isGiven })) else {
            if balloon.populateExtents < 1 << 20 { balloon.populateExtents *= 2 }
            return nil
        }
        // Where the physical node has no more 2 MiB in one piece the next populate asks for one only, and for more once
        // that goes.
        balloon.populateExtents = 1
        return try fill(balloon, short)
    }

    /// Notes a deflate. Taking back needs no byte on a disk: where the note cannot be written it goes on, and a process
    /// that is killed in the middle leaves at most pages in the pool that the next one cannot tell from foreign ones.
    private func noteMove(_ balloon: SlottedBalloon, _ slots: Range<Int>) {
        do throws(BalloonError) { try beginMove(balloon, slots) } catch { warning = error }
    }

    // MARK: Moves and doubts

    /// Notes a move, and the pool's pages that are not ours, before anything is touched.
    ///
    /// Slots that are part RAM, wherever they are, stay noted: two probes may not show it. What lies as RAM below the
    /// moving slots may be freed with them.
    func beginMove(_ balloon: SlottedBalloon, _ slots: Range<Int>) throws(BalloonError) {
        let lower = balloon.slots.ramStart(below: slots.lowerBound)
        let doubtful = balloon.slots.doubtful ?? slots
        let noted = min(lower, doubtful.lowerBound)..<max(slots.upperBound, doubtful.upperBound)
        var move = InterruptedMove(
            slots: noted, foreignPoolPages: try balloon.reserve.foreignPoolPages(),
            poolPages: slots.upperBound - lower)
        move.emptyBelow = balloon.slots.empty(below: move.firstMoved)
        try intents.begin(move, vnode: balloon.vnode.number)
        balloon.noted = .move
    }

    /// Frees what is left over as RAM at the end. The note stays while a part of an extent is a hole.
    ///
    /// - Parameter checked: slots whose frame numbers were read in this very step.
    func endMove(_ balloon: SlottedBalloon, checked: Range<Int>? = nil) throws(BalloonError) {
        // What an earlier process had begun is ended, and its note with it, by one that may move something.
        if balloon.reserve.isReading { return }
        let kept = balloon.slots.slotsToKeep()
        // Freeing, too, moves pool pages: a kill half-way must find the note.
        if kept < balloon.slots.count && balloon.noted != .move { noteMove(balloon, kept..<balloon.slots.count) }
        try freeRAM(balloon, checked)
        do throws(BalloonError) {
            if try noteDoubts(balloon) { return }
            guard balloon.noted != .nothing else { return }
            try intents.end(vnode: balloon.vnode.number)
            balloon.noted = .nothing
        } catch {
            // If the old note stays, the next process only audits more slots than it must.
            warning = error
        }
    }

    /// Notes the slots of which a part is a hole, instead of what was noted. False: there are none.
    func noteDoubts(_ balloon: SlottedBalloon) throws(BalloonError) -> Bool {
        guard let doubtful = balloon.slots.doubtful else { return false }
        let note = InterruptedMove(slots: doubtful, foreignPoolPages: 0, poolPages: 0)
        try intents.begin(note, vnode: balloon.vnode.number)
        balloon.noted = .doubts
        return true
    }

    /// Frees what is RAM at the end, unless the domain is log-dirty: what was populated since that began is a hole in
    /// the new domain, and must still be ours there.
    ///
    /// Asked after the populate. A migration that begins later sends all of it.
    private func freeRAM(_ balloon: SlottedBalloon, _ checked: Range<Int>?) throws(BalloonError) {
        let kept = balloon.slots.slotsToKeep()
        let below = balloon.slots.sums.lost > 0 ? balloon.slots.ramBelowLost(Self.freedAtOnce) : []
        balloon.isWaiting = kept < balloon.slots.count || !below.isEmpty
        guard balloon.isWaiting, balloon.unsent.isEmpty else { return }
        if try isBeingSent() {
            balloon.unsent = below + Array(kept..<balloon.slots.count)
            return
        }
        try checkNotSuspended(balloon)
        var first = max(kept, balloon.slots.count - Self.freedAtOnce)
        // What was RAM when Xen was asked may have another page by now.
        let isChecked = checked.map { first >= $0.lowerBound && balloon.slots.count <= $0.upperBound } ?? false
        if !isChecked { try balloon.checkFrames(of: first..<balloon.slots.count) }
        // One of them may have turned out to be broken just now: it stays, and so does what is below it.
        first = max(first, balloon.slots.slotsToKeep())
        try balloon.free(keeping: first)
        for slot in below { try balloon.checkFrames(of: slot..<slot + 1) }
        let whole = below.filter { balloon.slots[$0].isRAM }
        if !whole.isEmpty { try balloon.punch(whole) }
        balloon.isWaiting = balloon.slots.slotsToKeep() < balloon.slots.count
    }

    /// More would keep the loop from everything else.
    private static let freedAtOnce = 64

    public func isBeingSent() throws(BalloonError) -> Bool { try hypervisor.isBeingSent() }

    public func tidy(vnode: Int) throws(BalloonError) -> Tidying {
        guard let balloon = balloons[vnode], balloon.isSettled, balloon.isWaiting else { return .done }
        if try isBeingSent() { return .waiting }
        // Not every suspend shows in the clocks, so Xen is asked anew: in the new domain it may be a hole.
        if let slot = balloon.unsent.popLast() {
            if slot < balloon.slots.count { try probe(balloon, slot) }
            if !balloon.unsent.isEmpty { return .more }
        }
        try endMove(balloon)
        return balloon.isWaiting ? .more : .done
    }

    /// A vnode does not move while any of its slots is in doubt.
    private func checkKnown(_ balloon: SlottedBalloon) throws(BalloonError) {
        guard balloon.isSettled else {
            throw BalloonError(.looking, "the balloon was not audited yet", vnode: balloon.vnode.number)
        }
        try checkNotSuspended(balloon)
    }
}
