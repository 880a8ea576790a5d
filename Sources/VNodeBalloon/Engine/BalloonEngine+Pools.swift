import Logging

// The nodes' pools of 2 MiB pages, which an administrator may set at any time.
extension BalloonEngine {
    /// When the pools are read, and what was logged of them.
    struct PoolLook {
        /// The first turn of the loop after that reads them; nil: the next turn.
        private(set) var due: Moment?
        /// When the loop wakes up for it, unless something else wakes it before.
        private(set) var wake: Moment?
        /// What the state directory says.
        var noted: String?
        /// Tries to find memory for pages that a pool lacks.
        var tries = Backoff()
        /// Another program wrote a number, and the log does not yet say that the pools have all of it.
        var isFilling = false
        /// Pages that the pools lacked when that was logged.
        var toldMissing = 0

        /// The kernel tells when a program writes to a pool. It does not where that program has a /proc of its own.
        var isWatched = false
        /// When the pools were read last.
        var last: Moment?

        /// How long a number that somebody wrote waits to be seen, and until it is seen to stay.
        static let interval: Interval = .milliseconds(800)
        /// With `on-pressure = yield` the loop turns every second or so with nothing to do: it need not read each time.
        static let turnInterval: Interval = .seconds(20)
        static let rareInterval: Interval = .seconds(60)
        static let settling: Interval = .milliseconds(100)
        /// New pages at a time: the kernel may search for them for long.
        static let pagesAtOnce = 16

        /// The pools are read now.
        mutating func begin(_ now: Moment) {
            last = now
            due = now + (isWatched ? Self.turnInterval : Self.interval)
            wake = now + (isWatched ? Self.rareInterval : Self.interval)
        }

        mutating func come(by time: Moment) {
            due = min(due ?? .never, time)
            wake = min(wake ?? .never, time)
        }
    }

    private static let notLooked = "cannot read the nodes' 2 MiB pools"
    private static let notNoted = "cannot note whose the pages of the nodes' 2 MiB pools are"

    /// Reads whether another program set the nodes' pools, and puts our pages on top of its numbers.
    /// - Returns: when to come again; nil: not before something moves.
    func lookAtPools(_ now: Moment) -> Moment? {
        guard let pools = guest.pools else { return nil }
        if let due = poolLook.due, now < due { return isPoolShared ? poolLook.wake : nil }
        guard isAllKnown else { return nil }
        poolLook.begin(now)
        do throws(BalloonError) {
            let look = try pools.hasBegun ? pools.look() : begin(pools)
            switch look {
            case .same: break
            case .changing: poolLook.come(by: now + PoolLook.settling)
            case .written(let nodes):
                poolLook.tries.reset()
                if !nodes.isEmpty { tellWritten(nodes, pools) }
            }
            try keepPools(pools)
            if look != .changing { try fillPools(pools, now) }
            failures.succeeded(Self.notLooked)
        } catch {
            failures.log(log, Self.notLooked, error, now: now)
        }
        return isPoolShared ? poolLook.wake : nil
    }

    /// A program wrote the size of a pool. Most often that was us, so the pools are not read for each.
    func noticePoolWrite() {
        guard let last = poolLook.last else { return }
        poolLook.come(by: last + PoolLook.settling)
    }

    /// Another program's number would take pages of ours, or a pool lacks pages.
    private var isPoolShared: Bool {
        if guest.pools?.shares.missing.isEmpty == false { return true }
        guard let slots = guest.slots else { return false }
        return guest.mover.vnodes.contains { slots.slotCount(vnode: $0.number) > 0 }
    }

    private func begin(_ pools: NodePools) throws(BalloonError) -> NodePools.Look {
        poolLook.noted = try state.poolNote()
        let isSure = guest.mover.vnodes.allSatisfy { guest.lost(vnode: $0.number) == .zero }
        let nodes = try pools.begin(notes: PoolShares.notes(poolLook.noted ?? ""), isSure: isSure)
        return nodes.isEmpty ? .same : .written(nodes)
    }

    /// Before a pool is changed: the next process goes on from here.
    private func keepPools(_ pools: NodePools) throws(BalloonError) {
        let note = try pools.note()
        guard note != poolLook.noted else { return }
        do throws(BalloonError) {
            try state.notePools(note)
            poolLook.noted = note
            failures.succeeded(Self.notNoted)
        } catch {
            failures.log(log, Self.notNoted, error, now: now)
        }
    }

    private func fillPools(_ pools: NodePools, _ now: Moment) throws(BalloonError) {
        guard !pools.shares.missing.isEmpty else { return tellFilled(0) }
        guard poolLook.tries.isDue(now: now) else {
            if let due = poolLook.tries.due { poolLook.come(by: due) }
            return
        }
        if try pools.fill(most: PoolLook.pagesAtOnce, room: poolRoom(now)) {
            poolLook.tries.reset()
        } else {
            poolLook.tries.failed(now: now)
        }
        try keepPools(pools)
        let missing = pools.shares.missing.values.reduce(0, +)
        if missing == 0 || poolLook.tries.due != nil { return tellFilled(missing) }
        // There is more to do.
        poolLook.come(by: now)
    }

    /// How many pages each node may lose to its pool: the guard holds for them, too.
    private func poolRoom(_ now: Moment) -> [Int: Int] {
        guard let memory = memoryFacts(now) else { return [:] }
        var room: [Int: Int] = [:]
        for vnode in guest.mover.vnodes {
            guard let node = vnode.linuxNode, let facts = memory[vnode.number] else { continue }
            let rule = controller.options.guardRule
            room[node] = rule.extents(on: facts, extent: guest.mover.granularity)
        }
        return room
    }

    // MARK: The log

    private func tellWritten(_ nodes: [Int], _ pools: NodePools) {
        let shares = nodes.map { "node \($0): \(pools.shares.administrators(of: $0))" }.joined(separator: ", ")
        log.notice(
            "another program wrote nr_hugepages: that many 2 MiB pages are its own, and the balloon's come on top",
            metadata: ["pages": "\(shares)"])
        poolLook.toldMissing = 0
        poolLook.isFilling = true
    }

    private func tellFilled(_ missing: Int) {
        if missing == 0 {
            if poolLook.isFilling { log.notice("the nodes' 2 MiB pools have all pages again that programs asked for") }
            poolLook.isFilling = false
        } else if missing != poolLook.toldMissing {
            log.warning(
                "the nodes' 2 MiB pools lack pages that programs asked for, and the nodes have none to spare; tried again",
                metadata: ["pages": "\(missing)"])
        }
        poolLook.toldMissing = missing
    }
}
