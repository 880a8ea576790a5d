public import VNodeBalloon

/// A double of the kernel module. It simulates what the module reports of extents, not what happens to frames.
///
/// It has the module's rules. Extents that were given outlive the process that asked. The last extent given is taken
/// back first. An extent is given as a whole or is in doubt. Nothing moves while the domain is being migrated, or
/// before the audit after a resume is done.
public final class SimulatedModule: BalloonModule, DomainFigures {
    /// One vnode, counted in extents of 2 MiB.
    public struct Place {
        public var free: Int
        /// For each extent that was given, how many of its frames came back as RAM; normally 0. The first one given
        /// comes first.
        public var given: [UInt64] = []
        public var doubt = 0
        public var keeps = 0
        /// In PV guests: how many of the `free` extents are known to lie on the vnode's physical node.
        public var home: Int?
        /// How many extents the host has free on the vnode's physical node.
        public var hostFree = 0
        let node: Int?
        let size: Int
    }

    public var places: [Place]
    public let hasVNUMA: Bool
    public var maximumExtents: Int
    // Faults.
    /// Xen refuses every n-th move of an extent. The module completes or undoes what such a move left half done.
    public var refusesEvery: Int?
    /// The next move that Xen cuts short leaves its extent in doubt.
    public var leavesDoubt = false
    public var isMigrating = false
    public var isUnsure = false
    public var isClosed = false
    /// How many of the next moves a signal interrupts.
    public var interruptions = 0
    /// How many of the next calls fail.
    public var failures = 0
    /// Whether the OOM notifier takes memory back while the next extent is being given.
    public var isShort = false
    private var moves = 0
    /// How often each was called, for tests that count.
    public private(set) var looks = 0
    public private(set) var yielded = 0

    public init(
        extentsPerVNode: Int, vnodes: Int = 2, hasVNUMA: Bool = true, isPV: Bool = false, sharedNode: Bool = false
    ) {
        self.hasVNUMA = hasVNUMA
        places = (0..<vnodes).map { number in
            Place(
                free: extentsPerVNode, home: isPV && hasVNUMA ? 0 : nil, node: sharedNode ? 0 : number,
                size: extentsPerVNode)
        }
        maximumExtents = extentsPerVNode * vnodes
    }

    public var vnodes: [VNode] {
        places.indices.map {
            VNode(number: $0, linuxNode: places[$0].node, size: .mib(2) * UInt64(places[$0].size))
        }
    }

    private var extents: Int { places.reduce(0) { $0 + $1.size - $1.given.count - $1.doubt } }
    /// The frames that came back as RAM are part of it.
    public func currentReservation() -> Frames {
        KiB.mib(2 * UInt64(extents)).wholeFrames + Frames(places.reduce(0) { $0 + $1.given.reduce(0, +) })
    }
    public func maximumReservation() -> Frames { KiB.mib(2 * UInt64(maximumExtents)).wholeFrames }
    public func suspension() -> Suspension { Suspension(suspended: .zero) }
    public var descriptor: Int32? { nil }

    private func call() throws(BalloonError) {
        guard failures > 0 else { return }
        failures -= 1
        throw BalloonError(.system, "the module fails", errno: 14)
    }

    public func state() throws(BalloonError) -> ModuleState {
        try call()
        var state = ModuleState()
        state.hasVNUMA = hasVNUMA
        state.vnodeCount = places.count
        (state.isMigrating, state.isUnsure) = (isMigrating, isUnsure)
        (state.reservation, state.maximum) = (currentReservation(), maximumReservation())
        return state
    }

    public func vnode(_ number: Int) throws(BalloonError) -> ModuleVNode {
        try call()
        let place = places[number]
        return ModuleVNode(
            node: place.node, size: hasVNUMA ? .mib(2) * UInt64(place.size) : 0, given: place.given.count,
            doubt: place.doubt)
    }

    private var obstacle: ModuleMove.Reason? {
        if isUnsure { return .unsure }
        if isClosed { return .closed }
        if interruptions > 0 {
            interruptions -= 1
            return .interrupted
        }
        return isMigrating ? .migrating : nil
    }

    /// Whether Xen refuses the next move of an extent.
    private var isRefused: Bool {
        moves += 1
        return refusesEvery.map { moves % $0 == 0 } ?? false
    }

    public func give(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove {
        try call()
        for done in 0..<extents {
            if let obstacle { return ModuleMove(done: done, reason: obstacle) }
            if isShort {
                isShort = false
                takeBackForOthers(vnode, 1)
                return ModuleMove(done: done, reason: .pressure)
            }
            if places[vnode].home == 0 { return ModuleMove(done: done, reason: .unknownPlace) }
            if places[vnode].free == 0 { return ModuleMove(done: done, reason: .noMemory) }
            if isRefused {
                if leavesDoubt {
                    leavesDoubt = false
                    places[vnode].free -= 1
                    places[vnode].doubt += 1
                }
                return ModuleMove(done: done, reason: .refused)
            }
            places[vnode].free -= 1
            places[vnode].home = places[vnode].home.map { $0 - 1 }
            places[vnode].hostFree += 1
            places[vnode].given.append(0)
        }
        return ModuleMove(done: extents, reason: .all)
    }

    public func release(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove {
        try call()
        for done in 0..<extents {
            if let obstacle { return ModuleMove(done: done, reason: obstacle) }
            if places[vnode].given.isEmpty { return ModuleMove(done: done, reason: .empty) }
            if self.extents >= maximumExtents { return ModuleMove(done: done, reason: .atMaximum) }
            if places[vnode].hostFree == 0 || isRefused { return ModuleMove(done: done, reason: .refused) }
            takeBack(vnode)
        }
        return ModuleMove(done: extents, reason: .all)
    }

    private func takeBack(_ vnode: Int) {
        precondition(places[vnode].given.removeLast() == 0, "memory is populated once more")
        places[vnode].hostFree -= 1
        places[vnode].free += 1
        places[vnode].home = places[vnode].home.map { $0 + 1 }
    }

    /// What the module's OOM notifier does.
    public func takeBackForOthers(_ vnode: Int, _ extents: Int) {
        for _ in 0..<min(extents, max(0, places[vnode].given.count - places[vnode].keeps)) {
            takeBack(vnode)
            yielded += 1
        }
    }

    /// Half of the free extents that are tried find memory on the vnode's physical node, until all free ones have it.
    public func rehome(vnode: Int, extents: Int) throws(BalloonError) -> ModuleMove {
        try call()
        looks += extents
        if let obstacle { return ModuleMove(done: 0, reason: obstacle) }
        guard let home = places[vnode].home, home < places[vnode].free else {
            return ModuleMove(done: 0, reason: .empty)
        }
        let done = min(extents / 2, places[vnode].free - home)
        places[vnode].home = home + done
        return ModuleMove(done: done, reason: .all)
    }

    public func audit(vnode: Int, extents: Range<Int>) throws(BalloonError) -> ModuleAudit {
        try call()
        let range = extents.clamped(to: places[vnode].given.indices)
        return ModuleAudit(extents: range.count, ram: places[vnode].given[range].reduce(0, +), other: 0)
    }

    public func keep(vnode: Int, extents: Int) throws(BalloonError) {
        try call()
        places[vnode].keeps = extents
    }

    /// The domain is resumed: some frames that were given came back as RAM, and the module begins an audit.
    public func resume(frames: UInt64, of vnode: Int) {
        isUnsure = true
        if !places[vnode].given.isEmpty { places[vnode].given[0] = frames }
    }

    /// The module has finished its audit, and has given again what came back.
    public func haveLooked() {
        for vnode in places.indices {
            for slot in places[vnode].given.indices { places[vnode].given[slot] = 0 }
        }
        isUnsure = false
    }
}
