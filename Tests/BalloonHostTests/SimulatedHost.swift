import BalloonCore
import BalloonHost
import Glibc

/// Xenstore as dom0 sees it: absolute paths, owners, transactions that another writer may break.
final class SimulatedHostStore: ToolstackStore {
    private(set) var values: [String: String] = [:]
    private(set) var owners: [String: UInt16] = [:]
    private var draft: (values: [String: String], owners: [String: UInt16])?
    /// Called when a transaction is about to be committed: what somebody else does just then.
    var beforeCommit: (() -> Void)?
    var writes = 0

    var descriptor: Int32 { -1 }

    subscript(path: String) -> String? {
        get { values[path] }
        set { values[path] = newValue }
    }

    /// A domain is gone, with all that is below it.
    func drop(_ path: String) {
        values = values.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
        owners = owners.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
    }

    func paths(below path: String) -> [String] { values.keys.filter { $0.hasPrefix(path + "/") }.sorted() }

    func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]? {
        (transaction != nil ? draft?.values[path] : values[path]).map { Array($0.utf8) }
    }

    func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {
        if transaction != nil { draft?.values[path] = value } else { values[path] = value }
        writes += 1
    }

    func remove(_ path: String, in transaction: Transaction?) throws(BalloonError) {
        guard transaction != nil else { return drop(path) }
        let kept = draft?.values.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
        draft?.values = kept ?? [:]
    }

    func children(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [String]? {
        let all = transaction != nil ? draft?.values ?? [:] : values
        let below = all.keys.filter { $0.hasPrefix(path + "/") }.map { $0.dropFirst(path.count + 1) }
        return below.isEmpty ? nil : Set(below.compactMap { $0.split(separator: "/").first.map(String.init) }).sorted()
    }

    func give(_ path: String, to domain: UInt16, in transaction: Transaction?) throws(BalloonError) {
        if transaction != nil { draft?.owners[path] = domain } else { owners[path] = domain }
    }

    func watch(_ path: String, token: String) throws(BalloonError) {}
    func unwatch(_ path: String, token: String) throws(BalloonError) {}
    func nextEvent() throws(BalloonError) -> String? { nil }

    func transaction(_ body: (Transaction) throws(BalloonError) -> Void) throws(BalloonError) {
        for _ in 0..<8 {
            draft = (values, owners)
            defer { draft = nil }
            let before = values
            try body(Transaction(number: 1))
            beforeCommit?()
            // xenstored's way: whoever comes second tries again.
            guard values == before, let done = draft else { continue }
            (values, owners) = done
            return
        }
        throw BalloonError(.store, "too many conflicts", errno: EAGAIN)
    }
}

/// Xen, with domains that a test makes and moves.
final class SimulatedHostXen: HostXen {
    var facts: [DomainFacts] = [DomainFacts(id: 0, uuid: "00000000", kind: .pv, pages: 262_144, maxPages: 262_144)]
    var sizes: [UInt16: [UInt64]] = [:]
    var freeKiB: [UInt64] = [2 << 20, 2 << 20]
    var claimedPages: UInt64 = 0
    var maxima: [UInt16: UInt64] = [:]

    func domains() throws(BalloonError) -> [DomainFacts] { facts }
    func machine() throws(BalloonError) -> MachineFacts {
        MachineFacts(
            totalPages: 6 << 18, freePages: freeKiB.reduce(0, +) / 4, claimedPages: claimedPages)
    }
    func nodes() throws(BalloonError) -> [NodeFacts] { freeKiB.map { NodeFacts(sizeKiB: 3 << 20, freeKiB: $0) } }
    func vnodeSizesKiB(_ domain: UInt16) throws(BalloonError) -> [UInt64]? { sizes[domain] }
    func setMax(_ domain: UInt16, kib: UInt64) throws(BalloonError) {
        maxima[domain] = kib
        for index in facts.indices where facts[index].id == domain { facts[index].maxPages = kib / 4 }
    }
}

/// A host of two nodes with guests of two vnodes of 256 MiB, one on each.
final class SimulatedHost {
    let xen = SimulatedHostXen()
    let store = SimulatedHostStore()
    let engine: HostEngine
    static let special: UInt64 = 17

    init() {
        engine = HostEngine(HostReader(xen: xen, store: store) { id, _ in id == 9 ? nil : [0, 1] })
    }

    /// Built and introduced.
    func make(
        _ id: UInt16, uuid: String? = nil, kind: DomainFacts.Kind = .pvh, sizes: [UInt64]? = [256 << 10, 256 << 10]
    ) {
        let all = sizes?.reduce(0, +) ?? 384 << 10
        xen.facts.append(
            DomainFacts(
                id: id, uuid: uuid ?? "uuid-\(id)", kind: kind, pages: all / 4 + Self.special, maxPages: all / 4 + 256))
        xen.sizes[id] = sizes
        let home = "/local/domain/\(id)"
        store[home + "/domid"] = "\(id)"
        store[home + "/name"] = "g\(id)"
        store[home + "/memory/static-max"] = "\(all)"
        store[home + "/memory/target"] = "\(all)"
    }

    func destroy(_ id: UInt16) {
        xen.facts.removeAll { $0.id == id }
        store.drop("/local/domain/\(id)")
    }

    func snapshot() -> HostSnapshot {
        do { return try engine.read() } catch { fatalError("\(error)") }
    }

    func domain(_ id: UInt16) -> HostDomain {
        guard let found = snapshot().domains.first(where: { $0.id == id }) else { fatalError("no domain \(id)") }
        return found
    }

    func row(_ id: UInt16, _ vnode: Int, _ name: String) -> String? {
        store["/local/domain/\(id)/memory/vnode\(vnode)/\(name)"]
    }

    /// The guest's daemon: says that it has this.
    func say(
        _ id: UInt16, _ vnode: Int, size: UInt64, target: String? = nil, state: String = "idle", reason: String = ""
    ) {
        let home = "/local/domain/\(id)/memory/vnode\(vnode)"
        store[home + "/balloon-size"] = "\(size)"
        store[home + "/balloon-state"] = state
        store[home + "/balloon-reason"] = reason
        store[home + "/balloon-granularity"] = "2048"
        if let target = target ?? row(id, vnode, "target-balloon-size") { store[home + "/balloon-target"] = target }
    }

    /// The guest's daemon starts: everything is told, and then the feature.
    func start(_ id: UInt16) {
        for vnode in domain(id).vnodes { say(id, vnode.number, size: 0, target: "") }
        store["/local/domain/\(id)/control/feature-balloon-vnode"] = "1"
    }

    /// The guest goes where its targets are, as Xen sees it, too.
    func follow(_ id: UInt16) {
        for vnode in domain(id).vnodes {
            guard let target = vnode.roundedTargetKiB else { continue }
            move(id, vnode.number, to: target)
        }
    }

    /// One balloon, with its pages.
    func move(_ id: UInt16, _ number: Int, to kib: UInt64, state: String = "idle", reason: String = "") {
        guard let vnode = domain(id).vnodes.first(where: { $0.number == number }) else { return }
        let before = vnode.balloonKiB ?? 0
        for index in xen.facts.indices where xen.facts[index].id == id {
            xen.facts[index].pages = xen.facts[index].pages + before / 4 - kib / 4
        }
        if let pnode = vnode.pnode { xen.freeKiB[pnode] = xen.freeKiB[pnode] + kib - before }
        say(id, number, size: kib, state: state, reason: reason)
    }

    /// Prepared, started, adopted.
    func bringUp(_ ids: UInt16...) throws {
        for id in ids {
            make(id)
            try engine.prepare(domain(id))
            start(id)
            try engine.adopt(domain(id))
            follow(id)
        }
    }
}
