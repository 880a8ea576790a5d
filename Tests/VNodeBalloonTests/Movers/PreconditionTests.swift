import Glibc
import Simulation
import Testing

@testable import VNodeBalloon

/// The preconditions of docs/invariants.md. The process traps rather than free a hole, give a frame that is not RAM, or
/// populate a frame that is not a hole.
///
/// Each test runs in a process of its own. The signal's default action ends it at once; Swift's own handler would take
/// time to print a backtrace.
@Suite struct PreconditionTests {
    /// A balloon of two extents on vnode 0.
    static func balloon() throws -> (backend: PrivcmdMover, balloon: SlottedBalloon) {
        _ = signal(SIGILL, SIG_DFL)
        let machine = Machine(Layout(pnodes: [0], blocksPerVNode: 8))
        let backend = try PrivcmdMover(
            vnodes: machine.layout.vnodes, hypervisor: SimulatedXen(machine),
            reserves: [0: SimulatedReserve(machine, vnode: 0)], intents: SimulatedIntents(machine))
        try backend.recover(vnodes: [0])
        _ = try backend.inflate(vnode: 0, extents: 2)
        return (backend, try #require(backend.balloons[0]))
    }

    @Test func `the process traps rather than free a hole`() async {
        await #expect(processExitsWith: .signal(SIGILL)) {
            try Self.balloon().balloon.free(keeping: 0)
        }
    }

    @Test func `the process traps rather than punch out a hole`() async {
        await #expect(processExitsWith: .signal(SIGILL)) {
            try Self.balloon().balloon.punch([0])
        }
    }

    @Test func `the process traps rather than give a hole`() async {
        await #expect(processExitsWith: .signal(SIGILL)) {
            let (backend, balloon) = try Self.balloon()
            _ = try backend.give(balloon, [0])
        }
    }

    @Test func `the process traps rather than give a slot in doubt`() async {
        await #expect(processExitsWith: .signal(SIGILL)) {
            let (backend, balloon) = try Self.balloon()
            balloon.slots[0].holes = nil
            _ = try backend.give(balloon, [0])
        }
    }

    @Test func `the process traps rather than populate RAM`() async {
        await #expect(processExitsWith: .signal(SIGILL)) {
            let (backend, balloon) = try Self.balloon()
            balloon.slots[0].holes = 0
            _ = try backend.populate(balloon, [0])
        }
    }

    /// The other tests prove nothing if their balloon cannot even be made. This one shows that it can.
    @Test func `a slot that was given is populated without a trap`() async {
        await #expect(processExitsWith: .success) {
            let (backend, balloon) = try Self.balloon()
            guard try backend.populate(balloon, [0, 1]) == nil else { exit(1) }
        }
    }
}
