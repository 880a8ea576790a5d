// The conformance checks on a real Xen: `conformance [STATE-DIRECTORY]`, as root in a guest, with no daemon running.
//
// Prints `ok NAME`, `FAIL NAME: why` or `skip NAME: why` for each check, and `N passed, N failed` at the end.
import Conformance
import Glibc
import VNodeBalloon

/// Keeps descriptors for the life of this process: nothing here has to outlive it.
final class ProcessKeeper: DescriptorKeeper {
    private var kept: [String: FileDescriptor] = [:]

    func keep(_ name: String, _ descriptor: FileDescriptor) { kept[name] = descriptor }
    func drop(_ name: String) { kept[name] = nil }
}

/// The real Xen and the real huge pages, below a state directory of their own, whose lock the caller has.
func realSubject(_ path: String) throws(BalloonError) -> Subject {
    let hypervisor = try PrivcmdHypervisor()
    let mount = try HugePageMount(stateDirectory: path)
    let zones = try ZoneInfo.read()
    let keeper = ProcessKeeper()
    var vnodes = [
        VNode(
            number: 0, linuxNode: zones.node(within: [0..<UInt64.max]), sizeKiB: try hypervisor.currentReservation() * 4
        )
    ]
    if let topology = try hypervisor.vnumaTopology() {
        vnodes = (0..<topology.vnodeCount).map { number in
            let ranges = topology.ranges.filter { $0.vnode == number }.map(\.frames)
            return VNode(number: number, linuxNode: zones.node(within: ranges), sizeKiB: topology.sizeKiB(of: number))
        }
    }
    var reserves: [Int: any PageReserve] = [:]
    for vnode in vnodes {
        guard let node = vnode.linuxNode else { continue }
        reserves[vnode.number] = try HugePageReserve(vnode: vnode.number, node: node, mount: mount, keeper: keeper)
    }
    let backend = try PrivcmdBackend(
        vnodes: vnodes, hypervisor: hypervisor, reserves: reserves, intents: try IntentRecord(stateDirectory: path))
    // A run that was killed may have left a balloon.
    for vnode in reserves.keys {
        _ = try backend.recover(vnode: vnode)
        _ = try backend.deflate(vnode: vnode, extents: 512)
    }
    return Subject(hypervisor: hypervisor, reserves: reserves, backend: backend)
}

/// At once: a guest that dies must have said how far it came.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

let directory: StateDirectory
let subject: Subject
do throws(BalloonError) {
    directory = try StateDirectory(path: CommandLine.arguments.dropFirst().first ?? "/run/vnode-balloon-conformance")
    try directory.lock()
    subject = try realSubject(directory.path)
} catch {
    say("FAIL set-up: \(error)")
    say("0 passed, 1 failed")
    exit(1)
}
var (passed, failed) = (0, 0)
for check in Check.all {
    switch check.run(subject) {
    case .passed:
        passed += 1
        say("ok \(check.name)")
    case .failed(let why):
        failed += 1
        say("FAIL \(check.name): \(why)")
    case .skipped(let why): say("skip \(check.name): \(why)")
    }
}
say("\(passed) passed, \(failed) failed")
exit(failed == 0 && passed > 0 ? 0 : 1)
