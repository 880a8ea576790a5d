import Simulation
import Testing
import VNodeBalloon

/// What other programs do to the balloon's frames and files: the daemon finds it, reports it, and
/// repairs as much as it can.
@Suite struct MeddlingTests {
    let machine: Machine
    let intents: SimulatedIntents
    let start: Machine.Fingerprint

    init() {
        machine = Machine(Layout(pnodes: [0, 1], blocksPerVNode: 16, hostFreeFrames: 100, foreignPages: 1))
        intents = SimulatedIntents(machine)
        start = machine.fingerprint
    }

    /// A process that has not audited any vnode yet.
    func blindProcess(_ vnodes: [VNode]? = nil) throws -> PrivcmdMover {
        machine.restart()
        let vnodes = vnodes ?? machine.layout.vnodes
        var reserves: [Int: any PageReserve] = [:]
        for vnode in vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        return try PrivcmdMover(
            vnodes: vnodes, hypervisor: SimulatedXen(machine), reserves: reserves, intents: intents)
    }

    func process(_ vnodes: [VNode]? = nil) throws -> PrivcmdMover {
        let backend = try blindProcess(vnodes)
        try backend.recover(vnodes: machine.layout.vnodes.map(\.number))
        return backend
    }

    /// A process whose balloon on vnode 0 has this many extents.
    func process(extents: Int) throws -> PrivcmdMover {
        let backend = try process()
        _ = try backend.inflate(vnode: 0, extents: extents)
        return backend
    }

    /// The findings of an audit of vnode 0, as `slot kind`.
    func findings(_ backend: PrivcmdMover) throws -> [String] {
        try backend.audit(vnode: 0, slots: 0..<16, everyFrame: true).map { "\($0.slot) \($0.kind.rawValue)" }
    }

    /// Checks that all is repaired: the audit is clean, and all memory comes back.
    func checkMended(_ backend: PrivcmdMover) throws {
        #expect(try findings(backend) == [])
        #expect(backend.balloonFrames(vnode: 0) == Frames(machine.holes(vnode: 0)))
        for _ in 0..<3 { _ = try backend.deflate(vnode: 0, extents: 64) }
        machine.audit()
        #expect(machine.violations == [] && machine.lostBlocks == 0)
        #expect(machine.fingerprint == start)
    }

    // MARK: Frames

    @Test func `a hole that another program filled is found by an audit, and given again`() throws {
        let backend = try process(extents: 3)
        machine.bringBack(vnode: 0, slot: 1, from: 511, count: 1)
        #expect(try findings(backend) == ["1 ram-in-balloon"])
        _ = try backend.lookAgain(vnode: 0, slots: 0..<3)
        #expect(try backend.inflate(vnode: 0, extents: 1) == Outcome(balloonFrames: 3 * 512))
        try checkMended(backend)
    }

    /// The recovery of one vnode may show that part of another one came back. The record must name that vnode at once:
    /// before the next process compares the sum of all memory, another program may give as much.
    @Test func `frames found returned on another vnode are noted for the next process`() throws {
        let backend = try process()
        for vnode in 0...1 { _ = try backend.inflate(vnode: vnode, extents: 2) }
        machine.bringBack(vnode: 0, slot: 1, from: 200, count: 3)
        _ = try backend.recover(vnode: 1)
        #expect(backend.balloonFrames(vnode: 0) == 1021)
        machine.killNow()
        machine.kernelGives(3)
        #expect(try process().balloonFrames(vnode: 0) == 1021)
    }

    @Test func `RAM in the reserve that another program gave is found and counted as a hole`() throws {
        let backend = try process(extents: 3)
        // A slot that came back stays as RAM, below a slot that is a hole.
        machine.bringBack(vnode: 0, slot: 1, from: 0, count: 512)
        _ = try backend.recover(vnode: 0)
        let gfn = try #require(try SimulatedReserve(machine, vnode: 0).frames(of: 1..<2)[0])
        let xen = SimulatedXen(machine)
        xen.extents.reset(order: 0)
        xen.extents.append(gfn + 77)
        #expect(try xen.decreaseReservation() == 1)
        #expect(try findings(backend) == ["1 hole-in-reserve"])
        try backend.lookAgain(vnode: 0, slots: 0..<3)
        #expect(backend.balloonFrames(vnode: 0) == Frames(2 * 512 + 1))
        try checkMended(backend)
    }

    // MARK: The file

    @Test func `a page that another program punched out of the file is found, and its memory comes back`() throws {
        let backend = try process(extents: 4)
        machine.punch(vnode: 0, slot: 2)
        #expect(try backend.file(vnode: 0) == .damaged)
        #expect(try findings(backend) == ["2 no-page"])
        _ = try backend.recover(vnode: 0)
        #expect(machine.lostBlocks == 0 && machine.violations == [])
        try checkMended(backend)
    }

    @Test func `a file that another program shortened is repaired, and no memory is lost`() throws {
        let backend = try process(extents: 4)
        machine.cut(vnode: 0, to: 1)
        #expect(try backend.file(vnode: 0) == .damaged)
        #expect(try findings(backend) == ["1 file-shorter"])
        #expect(try backend.recover(vnode: 0) == 512)
        #expect(machine.lostBlocks == 0)
        #expect(try backend.file(vnode: 0) == .whole)
        try checkMended(backend)
    }

    @Test func `a file that another program lengthened is shortened again`() throws {
        let backend = try process(extents: 2)
        machine.lengthen(vnode: 0, by: 3)
        #expect(try backend.file(vnode: 0) == .damaged)
        #expect(try findings(backend) == ["2 file-longer"])
        #expect(try backend.recover(vnode: 0) == 1024)
        #expect(try backend.file(vnode: 0) == .whole)
        try checkMended(backend)
    }

    @Test func `memory lost with a shortened file comes back once the physical node has memory`() throws {
        let backend = try process(extents: 3)
        machine.hostTakes(.max, pnode: 0)
        machine.cut(vnode: 0, to: 1)
        #expect(try backend.recover(vnode: 0) == 512)
        #expect(try findings(backend) == ["0 lost", "0 lost"])
        machine.hostGivesBack(pnode: 0)
        #expect(try backend.recover(vnode: 0) == 512)
        try checkMended(backend)
    }

    @Test(arguments: [false, true])
    func `a removed or replaced file stays in use until empty, and is then made anew`(_ isReplaced: Bool) throws {
        var backend = try process(extents: 3)
        if isReplaced { machine.replaceFile(vnode: 0) } else { machine.removeFile(vnode: 0) }
        #expect(try findings(backend) == [isReplaced ? "0 file-replaced" : "0 file-removed"])
        // A new process gets the file from the keeper.
        machine.killNow()
        backend = try process()
        #expect(try backend.file(vnode: 0) == .removed && backend.balloonFrames(vnode: 0) == Frames(3 * 512))
        #expect(try !backend.renewFile(vnode: 0), "not before all of it is back")
        #expect(try backend.file(vnode: 0) == .removed)
        _ = try backend.deflate(vnode: 0, extents: 3)
        #expect(try backend.renewFile(vnode: 0))
        #expect(backend.balloonFrames(vnode: 0) == nil, "nothing is known of it yet")
        #expect(try backend.recover(vnode: 0) == 0)
        #expect(try backend.file(vnode: 0) == .whole)
        #expect(try backend.inflate(vnode: 0, extents: 2) == Outcome(balloonFrames: 1024))
        try checkMended(backend)
    }

    // MARK: What a recovery compares

    /// Fewer frames came back than the killed move was about.
    @Test func `frames that came back beside a move that was killed are found by the next process`() throws {
        var backend = try process(extents: 2)
        machine.plan = [machine.steps + 13: .crashAfter]
        #expect(throws: BalloonError.self) { try backend.inflate(vnode: 0, extents: 4) }
        #expect(machine.holes(vnode: 0) > 1024, "killed after it gave")
        machine.bringBack(vnode: 0, slot: 0, from: 100, count: 50)
        backend = try process()
        #expect(backend.balloonFrames(vnode: 0) == Frames(machine.holes(vnode: 0)))
        try checkMended(backend)
    }

    /// Other vnodes move although one cannot be audited. But then the total does not show whether frames came back.
    @Test func `a vnode whose recovery fails keeps no other vnode from moving`() throws {
        var backend = try process(extents: 3)
        _ = try backend.inflate(vnode: 1, extents: 2)
        machine.killNow()
        machine.bringBack(vnode: 0, slot: 1, from: 5, count: 3)
        backend = try blindProcess()
        _ = try backend.recover(vnode: 0)
        machine.plan = [machine.steps: .error]
        #expect(throws: BalloonError.self) { try backend.recover(vnode: 1) }
        #expect(throws: BalloonError.self) { try backend.deflate(vnode: 1, extents: 1) }
        #expect(try backend.inflate(vnode: 0, extents: 1).balloonFrames == Frames(machine.holes(vnode: 0)))
        _ = try backend.recover(vnode: 1)
        _ = try backend.deflate(vnode: 1, extents: 2)
        try checkMended(backend)
    }

    /// The node may have had memory, and the vnode a balloon, when the last process ran.
    @Test func `a vnode whose Linux node is gone keeps its balloon, and gives nothing more`() throws {
        _ = try process(extents: 3)
        machine.killNow()
        let vnodes = machine.layout.vnodes.map { VNode(number: $0.number, linuxNode: nil, size: $0.size) }
        let backend = try process(vnodes)
        #expect(backend.balloonFrames(vnode: 0) == Frames(3 * 512))
        #expect(try backend.inflate(vnode: 0, extents: 1) == Outcome(balloonFrames: 3 * 512, obstacle: .noNode))
        try checkMended(backend)
    }

    /// Recovery must stay cheap as long as nothing disturbs the balloon.
    @Test func `recovery of an undisturbed balloon probes two frames an extent, and the next deflate none`() throws {
        var backend = try process(extents: 4)
        _ = try backend.deflate(vnode: 0, extents: 1)
        machine.killNow()
        backend = try blindProcess()
        let before = machine.probes
        try backend.recover(vnodes: [0, 1])
        _ = try backend.deflate(vnode: 0, extents: 1)
        #expect(machine.probes - before == 2 * 3)
    }
}
