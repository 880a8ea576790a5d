// The conformance checks on a real Xen: `conformance [STATE-DIRECTORY]`, as root in a guest, with no daemon running.
//
// Prints `ok NAME`, `FAIL NAME: why` or `skip NAME: why` for each check, and `N passed, N failed` at the end.
import Conformance
import Glibc
import LibraryStore
import VNodeBalloon

/// Keeps descriptors in this process only: none of them has to outlive it.
final class ProcessKeeper: DescriptorKeeper {
    private var kept: [String: FileDescriptor] = [:]

    func keep(_ name: String, _ descriptor: FileDescriptor) { kept[name] = descriptor }
    func drop(_ name: String) { kept[name] = nil }
    func kept(_ name: String) -> FileDescriptor? { kept[name] }
    func keptNames(prefix: String) -> [String] { kept.keys.filter { $0.hasPrefix(prefix) }.sorted() }
    func restoreIfLost() {}
}

/// The real Xen, and real huge pages in a state directory of the runner's own. The caller holds that directory's lock.
func realSubject(_ path: String) throws(BalloonError) -> Subject {
    let hypervisor = try PrivcmdHypervisor()
    let mount = try HugePageMount(stateDirectory: path)
    let zones = try ZoneInfo.read()
    let keeper = ProcessKeeper()
    var vnodes = [
        VNode(
            number: 0, linuxNode: zones.node(within: [0..<UInt64.max]),
            size: try hypervisor.currentReservation().kib
        )
    ]
    if let topology = try hypervisor.vnumaTopology() {
        let memory = topology.ranges.map(\.frames)
        vnodes = (0..<topology.vnodeCount).map { number in
            let ranges = topology.ranges.filter { $0.vnode == number }.map(\.frames)
            let node = zones.node(within: ranges, of: memory)
            return VNode(number: number, linuxNode: node, size: topology.size(of: number))
        }
    }
    var reserves: [Int: any PageReserve] = [:]
    for vnode in vnodes {
        guard let node = vnode.linuxNode else { continue }
        reserves[vnode.number] = try PinnedPages(vnode: vnode.number, node: node, mount: mount, keeper: keeper)
    }
    let backend = try PrivcmdMover(
        vnodes: vnodes, hypervisor: hypervisor, reserves: reserves, intents: try IntentRecord(stateDirectory: path))
    // An earlier run that was killed may have left a balloon.
    for vnode in reserves.keys {
        _ = try backend.recover(vnode: vnode)
        _ = try backend.deflate(vnode: vnode, extents: 512)
    }
    var subject = Subject(hypervisor: hypervisor, reserves: reserves, mover: backend)
    subject.meddle = { vnode, what in try meddle("\(path)/pages/vnode\(vnode)", what) }
    return subject
}

/// Does what a program could do that knows nothing of balloons.
func meddle(_ path: String, _ what: Meddling) throws(BalloonError) {
    let slotBytes = off_t(2 << 20)
    var result: Int32 = 0
    // Unsafe, here and below: C reads a path that Swift lends it for the call.
    switch what {
    case .cut(let slots): result = unsafe truncate(path, off_t(slots) * slotBytes)
    case .lengthen(let slots):
        let file = unsafe open(path, O_RDWR)
        result = ftruncate(file, lseek(file, 0, SEEK_END) + off_t(slots) * slotBytes)
        close(file)
    case .punch(let slot):
        let file = unsafe open(path, O_RDWR)
        let flags = MAP_SHARED | MAP_NORESERVE
        let page = unsafe mmap(nil, Int(slotBytes), PROT_READ | PROT_WRITE, flags, file, off_t(slot) * slotBytes)
        result = unsafe madvise(page, Int(slotBytes), MADV_REMOVE)
        _ = unsafe munmap(page, Int(slotBytes))
        close(file)
    case .remove: result = unsafe unlink(path)
    case .replace:
        _ = unsafe unlink(path)
        let file = unsafe open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        result = file
        close(file)
    }
    if result < 0 { throw BalloonError(.system, "cannot meddle with \(path)", errno: errno) }
}

/// Prints a line at once: if the guest dies, its output must show how far it came.
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
/// Our own xenstore client and libxenstore's: both must pass the same checks.
let stores: [(name: String, open: () throws -> any Store)] = [
    ("ours", { try Xenstore() }), ("libxenstore", { try LibraryStore() }),
]
for (name, open) in stores {
    for check in StoreCheck.all {
        if let why = check.run(open) {
            failed += 1
            say("FAIL xenstore by \(name): \(check.name): \(why)")
        } else {
            passed += 1
            say("ok xenstore by \(name): \(check.name)")
        }
    }
}
say("\(passed) passed, \(failed) failed")
exit(failed == 0 && passed > 0 ? 0 : 1)
