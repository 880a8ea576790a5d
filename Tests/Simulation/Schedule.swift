/// What happens to a simulated guest, in order. Everything random is in here: a schedule that failed fails again.
public struct Schedule: Sendable {
    public enum Event: Equatable, Sendable {
        /// The toolstack writes a target, in extents.
        case target(vnode: Int, extents: Int)
        /// So many turns of the daemon's loop; where it waits, time passes.
        case run(turns: Int)
        /// So many steps from now something goes wrong.
        case fault(after: Int, Fault)
        /// SIGKILL between two steps, and a restart.
        case kill
        /// The intent record is lost.
        case loseIntents
        case hostTakes(pnode: Int, frames: Int)
        case fragment(pnode: Int, Bool)
        /// The toolstack lets a vnode's memory come from other physical nodes, or does not any more.
        case allowElsewhere(vnode: Int, Bool)
        /// The maximum reservation falls to so many frames above, or below, what the domain has.
        case maximum(above: Int)
        case reference(vnode: Int, every: Int)
        case stick(vnode: Int, blocks: Int, frame: Int)
        case hog(vnode: Int, blocks: Int)
        case unhog(vnode: Int)
        case changePool(vnode: Int, by: Int)
        case usePool(vnode: Int, pages: Int)
        case unusePool(vnode: Int)
        /// A live migration between two steps of the daemon.
        case migrated(Returned)
        case logDirty(Bool)
        /// A slot's page is another one, whatever pinned it.
        case replacePage(vnode: Int, slot: Int, isFilled: Bool)
        /// SIGKILL, and before the next process Linux's own balloon gives as much as came back to ours: the sum of all
        /// memory tells nothing, and what the intent record names has to be looked at.
        case killBalanced
        /// SIGKILL, and before the next process another program punches a slot's page out of the file.
        case killPunched(vnode: Int, slot: Int)
        /// Linux's own balloon gives so many frames, or takes some back. Not as many as come back by a migration: that is one
        /// thing that the sum of all memory cannot tell.
        case kernelGives(frames: Int)
        /// The file's name is gone, or leads elsewhere.
        case removeFile(vnode: Int)
        case replaceFile(vnode: Int)
        /// The file loses all but its first slots, or one slot its page, whatever is in them.
        case cutFile(vnode: Int, slots: Int)
        case punchSlot(vnode: Int, slot: Int)
        /// Xenstore: so many operations fail, so many transactions meet others', so many watch events are lost or come
        /// twice, watches fire for nothing.
        case storeFails(operations: Int)
        case storeConflicts(times: Int)
        case loseEvents(Int)
        case doubleEvents(Int)
        case fireForNothing
        /// The holder of the pins: SIGSTOP, SIGCONT, SIGKILL (its service manager has it up again with what it kept), and a
        /// limit of descriptors.
        case stopHolder
        case continueHolder
        case killHolder
        case fillHolder(Bool)
        /// Whether no holder can be started.
        case refuseHolder(Bool)
    }

    public var layout: Layout
    /// A toolstack has made the rows of the interface.
    public var isPrepared: Bool
    /// The toolstack lets each vnode's memory come from other physical nodes, until an event says otherwise.
    public var allowsElsewhere = false
    public var events: [Event]
    /// Where the balloons shall be at last, in extents, before they go back to 0.
    public var goals: [Int]

    public init(layout: Layout, isPrepared: Bool = false, events: [Event], goals: [Int]) {
        self.layout = layout
        self.isPrepared = isPrepared
        self.events = events
        self.goals = goals
    }

    /// A random one.
    public init(_ random: inout SeededGenerator) {
        let hasVNUMA = !random.oneIn(8)
        let pnodes = hasVNUMA ? random.pick([[0], [0, 1], [1, 0], [0, 0], [0, 1, 2]]) : [0]
        let layout = Layout(
            pnodes: pnodes, blocksPerVNode: random.number(4...20), hostFreeFrames: UInt64(random.number(0...3000)),
            foreignPages: random.pick([0, 0, 1, 3]), hasVNUMA: hasVNUMA)
        self.layout = layout
        isPrepared = random.oneIn(2)
        allowsElsewhere = random.oneIn(3)
        events = []
        let blocks = layout.blocksPerVNode
        // The first block is the kernel's.
        let most = max(0, blocks - 1 - layout.foreignPages)
        goals = []
        for _ in pnodes { goals.append(random.number(0...most)) }
        for _ in 0..<random.number(2...25) {
            let next = event(&random)
            // There is something to hide only after a migration, and before the loop has given all of it again.
            if next == .killBalanced { events += [.migrated(returned(&random)), .run(turns: random.number(1...4))] }
            events.append(next)
        }
        // Drawn last: the schedules of a seed are the same up to here, whatever is added.
        if random.oneIn(6) {
            let place = random.number(0...events.count)
            events.insert(contentsOf: punchAfterKill(&random), at: place)
        }
    }

    /// A process is killed in a move of a few extents. Before the next one starts, another program punches out a page
    /// below them: pages of the broken move that are in the file and in no pin must not make up for it.
    private func punchAfterKill(_ random: inout SeededGenerator) -> [Event] {
        let vnode = random.number(0...layout.pnodes.count - 1)
        let most = layout.blocksPerVNode - 1
        let before = random.number(0...most)
        let after = max(0, min(most, before + random.pick([-3, -2, -1, 1, 2, 3])))
        let slot = max(0, min(before, after) - random.number(1...4))
        let crash = random.oneIn(2) ? Fault.crashBefore : .crashAfter
        return [
            .target(vnode: vnode, extents: before), .run(turns: random.number(4...12)),
            .target(vnode: vnode, extents: after), .fault(after: random.number(0...60), crash),
            .run(turns: random.number(1...3)), .killPunched(vnode: vnode, slot: slot),
            .run(turns: random.number(3...8)),
        ]
    }

    private func event(_ random: inout SeededGenerator) -> Event {
        let vnode = random.number(0...layout.pnodes.count - 1)
        let blocks = layout.blocksPerVNode
        switch random.number(0...15) {
        case 0...2: return .target(vnode: vnode, extents: random.number(0...blocks))
        case 3...5: return .run(turns: random.number(1...12))
        case 6...8: return .fault(after: random.number(0...60), fault(&random))
        case 9: return random.oneIn(3) ? .loseIntents : random.oneIn(3) ? .killBalanced : .kill
        case 10: return hostEvent(vnode, &random)
        case 11, 12: return guestEvent(vnode, &random)
        case 13: return storeEvent(&random)
        case 15: return holderEvent(&random)
        default:
            if random.oneIn(3) { return .logDirty(random.oneIn(2)) }
            return .migrated(returned(&random))
        }
    }

    /// Part of a slot, or all of it.
    private func returned(_ random: inout SeededGenerator) -> Returned {
        let vnode = random.number(0...layout.pnodes.count - 1)
        let slot = random.number(0...layout.blocksPerVNode - 1)
        let from = random.pick([0, 0, 1, 200, 511])
        return Returned(vnode: vnode, slot: slot, from: from, count: random.pick([1, 2, 300, 512]))
    }

    private func fault(_ random: inout SeededGenerator) -> Fault {
        switch random.number(0...10) {
        case 10: return .noDescriptors
        case 8: return .sending
        case 9: return .migration(returned(&random))
        case 0, 1: return .crashBefore
        case 2, 3: return .crashAfter
        case 4, 5: return .short(extents: random.number(0...3), frames: random.pick([0, 0, 1, 255, 511]))
        case 6: return random.oneIn(2) ? .error : .lateError
        default: return .fewer(pages: random.number(0...3))
        }
    }

    private func hostEvent(_ vnode: Int, _ random: inout SeededGenerator) -> Event {
        let pnode = layout.pnodes[vnode]
        switch random.number(0...3) {
        case 0: return .hostTakes(pnode: pnode, frames: random.number(0...6000))
        case 1: return .fragment(pnode: pnode, !random.oneIn(3))
        case 2: return .allowElsewhere(vnode: vnode, !random.oneIn(3))
        default: return .maximum(above: random.number(-2000...2000))
        }
    }

    private func guestEvent(_ vnode: Int, _ random: inout SeededGenerator) -> Event {
        switch random.number(0...10) {
        case 10:
            let slot = random.number(0...layout.blocksPerVNode / 2)
            return random.oneIn(2) ? .cutFile(vnode: vnode, slots: slot) : .punchSlot(vnode: vnode, slot: slot)
        case 9: return .kernelGives(frames: random.pick([-97, 97, 211]))
        case 8:
            let slot = random.number(0...layout.blocksPerVNode / 2)
            return .replacePage(vnode: vnode, slot: slot, isFilled: random.oneIn(2))
        case 0: return .reference(vnode: vnode, every: random.pick([512, 1, 100]))
        case 1: return .stick(vnode: vnode, blocks: random.number(1...4), frame: random.number(0...511))
        case 2: return .hog(vnode: vnode, blocks: random.number(1...20))
        case 3: return .unhog(vnode: vnode)
        case 4: return .changePool(vnode: vnode, by: random.number(-3...3))
        case 5: return .usePool(vnode: vnode, pages: random.number(1...3))
        case 6: return random.oneIn(2) ? .removeFile(vnode: vnode) : .replaceFile(vnode: vnode)
        default: return .unusePool(vnode: vnode)
        }
    }

    private func holderEvent(_ random: inout SeededGenerator) -> Event {
        switch random.number(0...6) {
        case 0, 1: .stopHolder
        case 2: .continueHolder
        case 3: .killHolder
        case 4: .refuseHolder(!random.oneIn(3))
        default: .fillHolder(!random.oneIn(3))
        }
    }

    private func storeEvent(_ random: inout SeededGenerator) -> Event {
        switch random.number(0...4) {
        case 0: return .storeFails(operations: random.number(1...20))
        case 1: return .storeConflicts(times: random.number(1...8))
        case 2: return .loseEvents(random.number(1...6))
        case 3: return .doubleEvents(random.number(1...6))
        default: return .fireForNothing
        }
    }

    /// The same with fewer events, still failing: whole halves go first, then less and less, down to single events.
    public func shrunk(while fails: (Schedule) -> Bool) -> Schedule {
        var best = self
        var size = max(1, best.events.count / 2)
        while true {
            var start = 0
            var hasShrunk = false
            while start < best.events.count {
                var smaller = best
                smaller.events.removeSubrange(start..<min(best.events.count, start + size))
                if fails(smaller) {
                    best = smaller
                    hasShrunk = true
                } else {
                    start += size
                }
            }
            if size == 1 && !hasShrunk { return best }
            size = max(1, size / 2)
        }
    }
}
