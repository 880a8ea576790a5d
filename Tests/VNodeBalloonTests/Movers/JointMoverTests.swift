import Simulation
import Testing

@testable import VNodeBalloon

/// Linux's own balloon is a part of the vnode's balloon. Its size is no multiple of 2 MiB.
@Suite struct JointMoverTests {
    let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 10, hostFreeFrames: 100, hasVNUMA: false))
    let hand: KernelHand
    let backend: JointMover

    init() throws {
        hand = try KernelHand(current: 65536, all: 65536 + 4096 + 512)
        hand.maximum = KiB(1 << 30)
        let ours = try PrivcmdMover(
            vnodes: machine.layout.vnodes, hypervisor: SimulatedXen(machine),
            reserves: [0: SimulatedReserve(machine, vnode: 0)], intents: SimulatedIntents(machine))
        backend = JointMover(ours, try hand.balloon(), figures: hand, now: { 0 })
        _ = try backend.recover(vnode: 0)
    }

    /// They are those of the part. Privcmd's mover has both, the module's has only slots, and Linux's own balloon has
    /// neither.
    @Test func `a joint mover has slots and files exactly where its part has them`() throws {
        let module = SimulatedModule(extentsPerVNode: 12, vnodes: 1, hasVNUMA: false)
        let slotted = ModuleMover(vnodes: module.vnodes, module: module, pause: { _ in })
        let bare = try KernelMover(try hand.balloon(), figures: hand, staticMax: nil, now: { 0 })
        for part in [backend, slotted, bare] as [any Mover] {
            let joint = JointMover(part, try hand.balloon(), figures: hand, now: { 0 })
            #expect(joint.slots === part.slots)
            #expect(joint.files === part.files)
        }
        #expect(backend.slots != nil && backend.files != nil)
        #expect(slotted.slots != nil && slotted.files == nil)
        #expect(bare.slots == nil && bare.files == nil)
    }

    /// When no page is free, a deflate that first gives one could never begin.
    @Test func `a deflate with Linux's own balloon as a part never gives a page first`() throws {
        #expect(backend.balloonFrames(vnode: 0) == KiB(4096 + 512).wholeFrames)
        _ = try backend.deflate(vnode: 0, extents: 1)
        try hand.turn()
        #expect(hand.currentReservation().kib == KiB(65536 + 512))
    }

    @Test func `an inflate begins with the pages that make Linux's part a multiple of 2 MiB`() throws {
        _ = try backend.inflate(vnode: 0, extents: 1)
        try hand.turn()
        #expect(hand.currentReservation().kib == KiB(65536 - 1536))
    }
}
