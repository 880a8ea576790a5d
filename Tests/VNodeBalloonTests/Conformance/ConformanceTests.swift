import Conformance
import Simulation
import Testing
import VNodeBalloon

/// The simulated Xen must pass the same checks as a real one, so that both follow the same rules.
@Suite struct ConformanceTests {
    static func subject(_ layout: Layout) throws -> (Subject, Machine) {
        let machine = Machine(layout)
        let xen = SimulatedXen(machine)
        var reserves: [Int: any PageReserve] = [:]
        for vnode in layout.vnodes { reserves[vnode.number] = SimulatedReserve(machine, vnode: vnode.number) }
        let backend = try PrivcmdMover(
            vnodes: layout.vnodes, hypervisor: xen, reserves: reserves, intents: SimulatedIntents(machine))
        for vnode in layout.vnodes { _ = try backend.recover(vnode: vnode.number) }
        var subject = Subject(hypervisor: xen, reserves: reserves, mover: backend)
        subject.setMaximum = { machine.maximumReservation = $0.count }
        subject.meddle = { vnode, what in
            switch what {
            case .cut(let slots): machine.cut(vnode: vnode, to: slots)
            case .punch(let slot): machine.punch(vnode: vnode, slot: slot)
            case .lengthen(let slots): machine.lengthen(vnode: vnode, by: slots)
            case .remove: machine.removeFile(vnode: vnode)
            case .replace: machine.replaceFile(vnode: vnode)
            }
        }
        return (subject, machine)
    }

    static let layouts = [
        Layout(pnodes: [0, 1], blocksPerVNode: 12, foreignPages: 2),
        Layout(pnodes: [1, 0, 1], blocksPerVNode: 12, hostFreeFrames: 700),
        Layout(pnodes: [0], blocksPerVNode: 12, hasVNUMA: false),
    ]

    @Test(arguments: Check.all.indices, layouts.indices)
    func `the simulated Xen passes every check that a real Xen has to pass`(_ number: Int, _ layout: Int) throws {
        let (check, layout) = (Check.all[number], Self.layouts[layout])
        let (subject, machine) = try Self.subject(layout)
        let start = machine.fingerprint
        let result = check.run(subject)
        machine.audit()
        let isSkipped = !layout.hasVNUMA && check.name.contains("does not exist is refused")
        if isSkipped {
            #expect(result != .passed)
        } else {
            #expect(result == .passed, "\(check.name)")
        }
        // To populate RAM, or a frame that is not ours, is a violation, even if the check finds everything as before.
        #expect(machine.violations.isEmpty, "\(check.name)")
        #expect(machine.fingerprint == start, "\(check.name)")
    }
}
