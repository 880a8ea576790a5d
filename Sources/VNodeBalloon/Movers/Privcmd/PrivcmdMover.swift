/// Moves memory with hypercalls of our own, in PVH and HVM guests.
///
/// The only code in the project that gives, takes and frees frames. Its rules, each of which keeps a guest alive:
/// - it gives only pages of our own that are pinned and were checked;
/// - it populates only known holes in our own slots, after their frame numbers were read again;
/// - it frees only known RAM. Known means that a hypercall of ours counted it, or that it was probed;
/// - Xen's count says how much was done, never why it was not more. After a short count Xen is asked frame by frame.
public final class PrivcmdMover: Mover, SlotAuditing, FileBacked, OtherPNodes {
    public let name = "privcmd"
    public let granularity: KiB = Frames(ExtentBuffer.framesPerExtent).kib
    public let vnodes: [VNode]
    /// To give an extent takes 3 ms on an emulated processor, to take one back 0.3 ms. A client of the daemon waits for
    /// one step at most.
    public let steps = StepLimits(inflateExtents: 16, deflateExtents: 64)
    public let isMovedByOthers = false

    let hypervisor: any Hypervisor
    let intents: any IntentLog
    /// nil without virtual NUMA: then there is only vnode 0.
    let topology: VNUMATopology?
    var balloons: [Int: SlottedBalloon] = [:]
    /// What the domain and its balloons had together when every frame was last known.
    var knownTotal: UInt64?
    var warning: BalloonError?
    /// The extents with memory of other physical nodes. nil: they are not known, or there is no virtual NUMA; then no
    /// memory is taken from other nodes.
    private(set) var displaced: DisplacedExtents?
    public var vnodesAllowed: Set<Int> = []

    /// - Parameters:
    ///   - reserves: by vnode number. A vnode without one cannot move.
    ///   - displaced: records the extents with memory of other physical nodes; nil: no such memory is taken.
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
        // An extent that left the file while this process runs is counted by its frame. One that left it before is
        // counted by its pin.
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

    /// Does nothing: this mover moves memory only within a step.
    public func rest() {}

    // MARK: Inflate

    public func inflate(vnode: Int, extents: Int) throws(BalloonError) -> Outcome {
        guard let balloon = balloons[vnode], balloon.vnode.linuxNode != nil else {
            return Outcome(balloonFrames: balloonFrames(vnode: vnode), obstacle: .noNode)
        }
        if try isBeingSent() { return Outcome(balloonFrames: balloon.balloonFrames, obstacle: .migrating) }
        try checkKnown(balloon)
        try endMove(balloon)
        // Slots that became RAM again through a migration or an interrupted move are given before new pages.
        let first = balloon.slots.count
        let returned = balloon.slots.returned(extents)
        let obstacle = returned.isEmpty ? try giveNew(balloon, extents) : try giveAgain(balloon, returned)
        try endMove(balloon, checked: first..<balloon.slots.count)
        return Outcome(balloonFrames: balloon.balloonFrames, obstacle: obstacle)
    }

    private func giveNew(_ balloon: SlottedBalloon, _ extents: Int) throws(BalloonError) -> HeldReason? {
        let new = try acquireInside(balloon, extents)
        if new.inside.isEmpty { return .noMemory }
        // From here on some of the new pages may be holes: none of them may go unmissed.
        try noteFile(balloon)
        // In ascending order: after a short count the slots that are still RAM lie at the end, where they can be freed.
        let chosen = displacedFirst(balloon, new.inside).prefix(extents).sorted()
        let obstacle = try give(balloon, chosen)
        try putBack(balloon, new.outside + new.inside.filter { !chosen.contains($0) })
        return obstacle
    }

    private func giveAgain(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) -> HeldReason? {
        // Checked before the note. The note says how many pool pages are not ours, and a page that was cut off our file
        // must not be counted there.
        for slot in slots { try balloon.checkFrames(of: slot..<slot + 1) }
        try beginMove(balloon, slots[0]..<slots[slots.count - 1] + 1)
        // Pages outside the vnode: an earlier process was killed before it put them back.
        let outside = slots.filter { !isInside(balloon, $0) }
        if !outside.isEmpty {
            try putBack(balloon, outside)
            return nil
        }
        let slots = slots.filter { balloon.slots[$0].isReturned }
        if slots.isEmpty { return nil }
        // A mixed slot takes a step of its own, because Xen is asked about each of its frames. Whole slots go together.
        if let mixed = slots.first(where: { balloon.slots[$0].isMixed }) { return try giveRest(balloon, mixed) }
        return try give(balloon, slots)
    }

    /// Whether Xen has RAM behind a new page, too. If not, the slot stays in doubt.
    ///
    /// One probe is enough. Linux has just cleared the whole page, so this only detects a page that is not our memory
    /// at all. If some other frame of it is a hole, Xen's count will be short.
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
        // In descending order: after a short count the slots that became RAM lie at the end, where they can be freed.
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
        // A stale note may be left from an error after these slots were given, or from a migration.
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
        // The physical node has no more free 2 MiB extents. So the next populate asks for one extent only, and each
        // success doubles that.
        balloon.populateExtents = 1
        return try fill(balloon, short)
    }

    // MARK: The end of a move

    /// Frees RAM slots at the end of the file. The note stays while any slot is mixed.
    ///
    /// - Parameter checked: slots whose frame numbers this very step has read.
    func endMove(_ balloon: SlottedBalloon, checked: Range<Int>? = nil) throws(BalloonError) {
        // Only a process that may move memory ends what an earlier process had begun, and its note with it.
        if balloon.reserve.isReading { return }
        let kept = balloon.slots.slotsToKeep()
        // To free pages changes the pool and the pins, too, so a kill half-way must leave a note.
        let first = balloon.slots.sums.lost > 0 ? balloon.slots.ramBelowLost(1).first ?? kept : kept
        if first < balloon.slots.count && balloon.noted != .move { noteMove(balloon, first..<balloon.slots.count) }
        try freeRAM(balloon, checked)
        do throws(BalloonError) {
            if try noteDoubts(balloon) { return }
            guard balloon.noted != .nothing else { return }
            try intents.end(balloon.slots.shape, vnode: balloon.vnode.number)
            balloon.noted = .nothing
        } catch {
            // An old note only makes the next process audit more slots than it must.
            warning = error
        }
    }

    /// Frees RAM slots at the end, unless the domain is log-dirty. What was populated since log-dirty began is a hole
    /// in the new domain, and must still be ours there.
    ///
    /// Whether the domain is log-dirty is asked after the populate. A migration that begins later sends all of it.
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
        // Since Xen was asked, a slot that was RAM may have got another page.
        let isChecked = checked.map { first >= $0.lowerBound && balloon.slots.count <= $0.upperBound } ?? false
        if !isChecked { try balloon.checkFrames(of: first..<balloon.slots.count) }
        // The check may have found a broken page. That slot stays, and so does every slot below it.
        first = max(first, balloon.slots.slotsToKeep())
        if first < balloon.slots.count {
            // Where it cannot be noted, the next process at worst holds more pages than it must.
            do throws(BalloonError) { try noteFile(balloon, below: first) } catch { warning = error }
        }
        try balloon.free(keeping: first)
        for slot in below { try balloon.checkFrames(of: slot..<slot + 1) }
        let whole = below.filter { balloon.slots[$0].isRAM }
        try punch(balloon, whole)
        balloon.isWaiting = balloon.slots.slotsToKeep() < balloon.slots.count
    }

    /// Frees single RAM slots below one that has to stay. Each is noted: it is going to be empty.
    func punch(_ balloon: SlottedBalloon, _ slots: [Int]) throws(BalloonError) {
        for slot in slots {
            // Where it cannot be noted, the next process at worst holds more pages than it must: a page leaves its pin
            // after it left the file.
            do throws(BalloonError) { try noteFile(balloon, punching: slot) } catch { warning = error }
            try balloon.punch([slot])
        }
        if slots.isEmpty { return }
        do throws(BalloonError) { try noteFile(balloon) } catch { warning = error }
    }

    /// The most slots in one step. More would keep the loop from its other work.
    private static let freedAtOnce = 64

    public func isBeingSent() throws(BalloonError) -> Bool { try hypervisor.isBeingSent() }

    public func tidy(vnode: Int) throws(BalloonError) -> Tidying {
        guard let balloon = balloons[vnode], balloon.isSettled, balloon.isWaiting else { return .done }
        if try isBeingSent() { return .waiting }
        // The clocks do not show every suspend. So Xen is asked again: in the new domain the slot may be a hole.
        if let slot = balloon.unsent.popLast() {
            if slot < balloon.slots.count { try probe(balloon, slot) }
            if !balloon.unsent.isEmpty { return .more }
        }
        try endMove(balloon)
        return balloon.isWaiting ? .more : .done
    }

    /// Keeps a vnode from moving while any of its slots is in doubt.
    private func checkKnown(_ balloon: SlottedBalloon) throws(BalloonError) {
        guard balloon.isSettled else {
            throw BalloonError(.looking, "the balloon was not audited yet", vnode: balloon.vnode.number)
        }
        try checkNotSuspended(balloon)
    }
}
