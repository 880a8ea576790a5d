import Simulation
import Testing
import VNodeBalloon

/// Memory of other physical nodes, where the toolstack permits it and the vnode's own node is full.
@Suite struct OtherPNodeTests {
    static let blocks = 16
    let machine: Machine
    let intents: SimulatedIntents
    let displaced: SimulatedDisplaced
    let start: Machine.Fingerprint

    init() {
        machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: Self.blocks, hostFreeFrames: 8 * 512))
        intents = SimulatedIntents(machine)
        displaced = SimulatedDisplaced(machine)
        start = machine.fingerprint
    }

    /// A process that has recovered all vnodes.
    func process(isAllowed: Bool = true) throws -> PrivcmdMover {
        machine.restart()
        let vnodes = machine.layout.vnodes
        var reserves: [Int: any PageReserve] = [:]
        for vnode in vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        let mover = try PrivcmdMover(
            vnodes: vnodes, hypervisor: SimulatedXen(machine), reserves: reserves, intents: intents,
            displaced: displaced)
        try mover.recover(vnodes: vnodes.map(\.number))
        if isAllowed { mover.vnodesAllowed = [0] }
        return mover
    }

    /// Vnode 0 gives 6 extents. Then the host uses all memory of its physical node except `frames`.
    func given(leaving frames: UInt64, _ mover: PrivcmdMover) throws {
        while mover.balloonFrames(vnode: 0) != Frames(6 * 512) { _ = try mover.inflate(vnode: 0, extents: 2) }
        machine.hostTakes(14 * 512 - frames, pnode: 0)
    }

    func deflateAll(_ mover: PrivcmdMover) throws -> HeldReason? {
        var last: Outcome?
        for _ in 0..<20 where last?.obstacle == nil && mover.balloonFrames(vnode: 0) != .zero {
            last = try mover.deflate(vnode: 0, extents: 64)
        }
        return last?.obstacle
    }

    /// How many frames of vnode 0 are not on its physical node.
    var elsewhere: UInt64 { machine.elsewhere(vnode: 0) }

    @Test func `without permission a full physical node holds the deflate`() throws {
        let mover = try process(isAllowed: false)
        try given(leaving: 2 * 512 + 100, mover)
        #expect(try deflateAll(mover) == .pnodeFull)
        #expect(mover.balloonFrames(vnode: 0) == Frames(4 * 512 - 100))
        #expect(mover.otherPNodeFrames(vnode: 0) == .zero && displaced.extents.isEmpty)
    }

    @Test func `with permission the rest comes from another physical node, and is noted`() throws {
        let mover = try process()
        try given(leaving: 2 * 512 + 100, mover)
        #expect(try deflateAll(mover) == nil)
        #expect(elsewhere == 4 * 512 - 100)
        #expect(mover.otherPNodeFrames(vnode: 0) == Frames(4 * 512 - 100))
        #expect(mover.otherPNodeFrames(vnode: 1) == .zero)
        #expect(machine.violations.isEmpty)
    }

    @Test func `the next process knows of memory elsewhere`() throws {
        let mover = try process()
        try given(leaving: 0, mover)
        #expect(try deflateAll(mover) == nil)
        #expect(try process().otherPNodeFrames(vnode: 0) == Frames(6 * 512))
    }

    @Test func `memory elsewhere is given first`() throws {
        let mover = try process()
        try given(leaving: 5 * 512, mover)
        #expect(try deflateAll(mover) == nil)
        #expect(elsewhere == 512)
        // Linux hands out another block before the one that lies elsewhere.
        let block = try #require(displaced.extents.keys.first)
        machine.handOutLater(block: Int(block >> 9), behind: 1, vnode: 0)
        let free = machine.free(vnode: 0)
        _ = try mover.inflate(vnode: 0, extents: 1)
        // Linux has the page back that it handed out before that one.
        #expect(machine.free(vnode: 0) == free - .mib(2))
        #expect(elsewhere == 0 && displaced.extents.isEmpty && mover.balloonFrames(vnode: 0) == Frames(512))
        #expect(machine.violations.isEmpty)
    }

    @Test func `nothing is taken from elsewhere when that cannot be noted`() throws {
        var wasHeld = false
        for step in 0..<60 {
            let guest = Self()
            let mover = try guest.process()
            try guest.given(leaving: 0, mover)
            guest.machine.plan = [guest.machine.steps + step: .error]
            let outcome = try? mover.deflate(vnode: 0, extents: 64)
            #expect(guest.elsewhere <= mover.otherPNodeFrames(vnode: 0)?.count ?? 0, "step \(step)")
            #expect(guest.machine.violations.isEmpty)
            guard outcome?.obstacle == .pnodeFull else { continue }
            wasHeld = true
            #expect(guest.elsewhere == 0 && guest.displaced.extents.isEmpty && mover.takeWarning() != nil)
        }
        #expect(wasHeld, "no step was the note")
    }

    @Test func `a kill at every step leaves nothing elsewhere that is not noted`() throws {
        for step in 0..<400 {
            let mover = try process()
            try given(leaving: 2 * 512 + 7, mover)
            machine.plan = [machine.steps + step / 2: step % 2 == 0 ? .crashBefore : .crashAfter]
            _ = try? deflateAll(mover)
            let wasKilled = machine.isKilled
            machine.plan = [:]
            machine.killNow()
            machine.migrateUnpinned()
            let next = try process()
            let noted = try #require(next.otherPNodeFrames(vnode: 0)).count
            #expect(elsewhere <= noted, "step \(step): \(elsewhere), noted \(noted)")
            // The next process cannot find all of it. By giving and taking everything, all memory comes home.
            machine.calm()
            _ = try deflateAll(next)
            for _ in 0..<8 { _ = try next.inflate(vnode: 0, extents: Self.blocks) }
            #expect(next.otherPNodeFrames(vnode: 0) == .zero && displaced.extents.isEmpty, "step \(step)")
            _ = try deflateAll(next)
            #expect(machine.fingerprint == start && machine.violations.isEmpty, "step \(step)")
            if !wasKilled { return }
        }
        Issue.record("it has more than 200 steps")
    }

    /// Linux hands out other blocks before two extents that lie elsewhere, and Xen stops after the first extent.
    @Test func `a short count leaves no slot of RAM below a given one`() throws {
        let mover = try process()
        try given(leaving: 4 * 512, mover)
        #expect(try deflateAll(mover) == nil)
        for block in displaced.extents.keys.sorted() {
            machine.handOutLater(block: Int(block >> 9), behind: 3, vnode: 0)
        }
        machine.plan = Dictionary(
            uniqueKeysWithValues: (machine.steps..<machine.steps + 60).map { ($0, .short(extents: 1, frames: 0)) })
        _ = try mover.inflate(vnode: 0, extents: 4)
        machine.plan = [:]
        #expect(mover.balloonFrames(vnode: 0) == Frames(512) && machine.slotCount(vnode: 0) == 1)
        #expect(machine.violations.isEmpty)
    }

    /// Each call that gives an extent may fail after its effect. Once the doubt is settled, the
    /// note must be right, too.
    @Test func `memory from the vnode's own node is not reported as another's`() throws {
        let mover = try process()
        try given(leaving: 5 * 512, mover)
        #expect(try deflateAll(mover) == nil && elsewhere == 512)
        machine.calm()
        for step in 0..<80 {
            let guest = Self()
            let mover = try guest.process()
            try guest.given(leaving: 5 * 512, mover)
            #expect(try guest.deflateAll(mover) == nil)
            guest.machine.calm()
            guest.machine.plan = [guest.machine.steps + step: .lateError]
            _ = try? mover.inflate(vnode: 0, extents: 6)
            guest.machine.plan = [:]
            try mover.beginRecovery(vnode: 0, .doubts)
            while try mover.continueRecovery(vnode: 0) != .done {}
            for _ in 0..<6 { _ = try mover.inflate(vnode: 0, extents: Self.blocks) }
            _ = try guest.deflateAll(mover)
            #expect(guest.elsewhere == 0 && mover.otherPNodeFrames(vnode: 0) == .zero, "step \(step)")
            #expect(guest.machine.violations.isEmpty, "step \(step)")
        }
    }
}
