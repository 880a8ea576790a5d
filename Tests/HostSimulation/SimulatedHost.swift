package import BalloonCore
package import BalloonHost
import Glibc
import Simulation

/// Xenstore as dom0 sees it: absolute paths, owners, and transactions that another writer may break.
package final class SimulatedHostStore: ToolstackStore {
    package private(set) var values: [String: String] = [:]
    package private(set) var owners: [String: UInt16] = [:]
    private var draft: (values: [String: String], owners: [String: UInt16])?
    /// Called when a transaction is about to be committed: what somebody else does just then.
    package var beforeCommit: (() -> Void)?
    package var writes = 0

    package var descriptor: Int32 { -1 }

    package subscript(path: String) -> String? {
        get { values[path] }
        set { values[path] = newValue }
    }

    /// Removes a path and all paths below it, as when a domain is destroyed.
    package func drop(_ path: String) {
        values = values.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
        owners = owners.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
    }

    package func paths(below path: String) -> [String] { values.keys.filter { $0.hasPrefix(path + "/") }.sorted() }

    package func read(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [UInt8]? {
        (transaction != nil ? draft?.values[path] : values[path]).map { Array($0.utf8) }
    }

    package func write(_ path: String, _ value: String, in transaction: Transaction?) throws(BalloonError) {
        if transaction != nil { draft?.values[path] = value } else { values[path] = value }
        writes += 1
    }

    package func remove(_ path: String, in transaction: Transaction?) throws(BalloonError) {
        guard transaction != nil else { return drop(path) }
        let kept = draft?.values.filter { $0.key != path && !$0.key.hasPrefix(path + "/") }
        draft?.values = kept ?? [:]
    }

    package func children(_ path: String, in transaction: Transaction?) throws(BalloonError) -> [String]? {
        let all = transaction != nil ? draft?.values ?? [:] : values
        let below = all.keys.filter { $0.hasPrefix(path + "/") }.map { $0.dropFirst(path.count + 1) }
        return below.isEmpty ? nil : Set(below.compactMap { $0.split(separator: "/").first.map(String.init) }).sorted()
    }

    package func give(_ path: String, to domain: UInt16, in transaction: Transaction?) throws(BalloonError) {
        if transaction != nil { draft?.owners[path] = domain } else { owners[path] = domain }
    }

    package func watch(_ path: String, token: String) throws(BalloonError) {}
    package func unwatch(_ path: String, token: String) throws(BalloonError) {}
    package func nextEvent() throws(BalloonError) -> String? { nil }

    package func transaction(_ body: (Transaction) throws(BalloonError) -> Void) throws(BalloonError) {
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

/// Xen with domains that a test creates and moves.
package final class SimulatedHostXen: HostXen {
    package var facts: [DomainFacts] = [
        DomainFacts(id: 0, uuid: "00000000", kind: .pv, pages: 262_144, maxPages: 262_144)
    ]
    package var sizes: [UInt16: [KiB]] = [:]
    package var free: [KiB] = [.gib(2), .gib(2)]
    package var claimedPages: Frames = .zero
    package var maxima: [UInt16: KiB] = [:]

    package func domains() throws(BalloonError) -> [DomainFacts] { facts }
    package func machine() throws(BalloonError) -> MachineFacts {
        MachineFacts(
            totalPages: KiB.gib(6).wholeFrames, freePages: free.reduce(.zero, +).wholeFrames, claimedPages: claimedPages
        )
    }
    package func nodes() throws(BalloonError) -> [NodeFacts] {
        free.map { NodeFacts(size: .gib(3), free: $0) }
    }
    package func vnodeSizes(_ domain: UInt16) throws(BalloonError) -> [KiB]? { sizes[domain] }
    package func setMax(_ domain: UInt16, kib: KiB) throws(BalloonError) {
        maxima[domain] = kib
        for index in facts.indices where facts[index].id == domain { facts[index].maxPages = kib.wholeFrames }
    }
}

/// A host of two physical nodes. Its guests have two vnodes of 256 MiB, one on each node.
package final class SimulatedHost {
    package let xen = SimulatedHostXen()
    package let store = SimulatedHostStore()
    package let engine: HostEngine
    package let saved = Saved()
    /// The saved limits, by UUID: what the product keeps in files.
    package final class Saved { package var limits: [String: SavedLimits] = [:] }
    /// The true size of each balloon, whatever the guest reports; the key is `id/vnode`.
    private var balloons: [String: KiB] = [:]
    package static let special: Frames = 17

    package init() {
        let saved = self.saved
        engine = HostEngine(
            HostReader(
                xen: xen, store: store, pnodesOf: { id, _ in id == 9 ? nil : [0, 1] },
                savedLimits: { saved.limits[$0] ?? SavedLimits() }))
    }

    /// A domain is built and introduced to xenstored.
    package func make(
        _ id: UInt16, uuid: String? = nil, kind: DomainFacts.Kind = .pvh, sizes: [KiB]? = [.mib(256), .mib(256)]
    ) {
        let all = sizes?.reduce(0, +) ?? .mib(384)
        xen.facts.append(
            DomainFacts(
                id: id, uuid: uuid ?? "uuid-\(id)", kind: kind, pages: all.wholeFrames + Self.special,
                maxPages: all.wholeFrames + 256))
        xen.sizes[id] = sizes
        let home = "/local/domain/\(id)"
        store[home + "/domid"] = "\(id)"
        store[home + "/name"] = "g\(id)"
        store[home + "/memory/static-max"] = "\(all)"
        store[home + "/memory/target"] = "\(all)"
    }

    package func destroy(_ id: UInt16) {
        xen.facts.removeAll { $0.id == id }
        store.drop("/local/domain/\(id)")
    }

    package func snapshot() -> HostSnapshot {
        do { return try engine.read() } catch { fatalError("\(error)") }
    }

    package func domain(_ id: UInt16) -> HostDomain {
        guard let found = snapshot().domains.first(where: { $0.id == id }) else { fatalError("no domain \(id)") }
        return found
    }

    package func row(_ id: UInt16, _ vnode: Int, _ name: String) -> String? {
        store["/local/domain/\(id)/memory/vnode\(vnode)/\(name)"]
    }

    /// The guest's daemon reports this size of a vnode's balloon.
    package func say(
        _ id: UInt16, _ vnode: Int, size: KiB, target: String? = nil, state: String = "idle", reason: String = ""
    ) {
        let home = "/local/domain/\(id)/memory/vnode\(vnode)"
        store[home + "/balloon-size"] = "\(size)"
        store[home + "/balloon-state"] = state
        store[home + "/balloon-reason"] = reason
        store[home + "/balloon-granularity"] = "2048"
        if let target = target ?? row(id, vnode, "target-balloon-size") { store[home + "/balloon-target"] = target }
    }

    /// The guest's daemon starts: it reports all its vnodes and then writes the feature.
    package func start(_ id: UInt16) {
        for vnode in domain(id).vnodes { say(id, vnode.number, size: 0, target: "") }
        store["/local/domain/\(id)/control/feature-balloon-vnode"] = "1"
    }

    /// The guest reaches all its targets; Xen's count follows.
    package func follow(_ id: UInt16) {
        for vnode in domain(id).vnodes {
            guard let target = vnode.roundedTarget else { continue }
            move(id, vnode.number, to: target)
        }
    }

    /// One balloon reaches this size: its pages move and the guest reports it.
    package func move(_ id: UInt16, _ number: Int, to kib: KiB, state: String = "idle", reason: String = "") {
        guard let vnode = domain(id).vnodes.first(where: { $0.number == number }) else { return }
        let before = vnode.balloon ?? 0
        for index in xen.facts.indices where xen.facts[index].id == id {
            xen.facts[index].pages = xen.facts[index].pages + before.wholeFrames - kib.wholeFrames
        }
        if let pnode = vnode.pnode { xen.free[pnode] = xen.free[pnode] + kib - before }
        say(id, number, size: kib, state: state, reason: reason)
    }

    /// Prepares, starts and adopts each domain.
    package func bringUp(_ ids: UInt16...) throws {
        for id in ids {
            make(id)
            try engine.prepare(domain(id))
            start(id)
            try engine.adopt(domain(id))
            follow(id)
        }
    }

    // MARK: The truth, whatever guests report. The product is not asked.

    /// The numbers of all domains except dom0.
    package var ids: [UInt16] { xen.facts.map(\.id).filter { $0 != 0 } }

    package func feature(_ id: UInt16) -> String? { store["/local/domain/\(id)/control/feature-balloon-vnode"] }

    package func target(_ id: UInt16, _ vnode: Int) -> KiB? {
        row(id, vnode, "target-balloon-size").flatMap { UInt64($0) }.map { KiB($0) }
    }

    package func size(_ id: UInt16, _ vnode: Int) -> KiB { xen.sizes[id]?[vnode] ?? 0 }

    /// How much memory of a vnode the domain has given, by its pages.
    package func trueBalloon(_ id: UInt16, _ vnode: Int) -> KiB { balloons["\(id)/\(vnode)"] ?? 0 }

    /// A path below the directory of a domain that does not exist.
    package var ghost: String? {
        store.values.keys.first { path in
            guard path.hasPrefix("/local/domain/") else { return false }
            let id = path.dropFirst(14).prefix { $0 != "/" }
            return !xen.facts.contains { "\($0.id)" == id }
        }
    }

    /// An honest guest moves towards a target for one step, as far as there is free memory. Vnode n lies on
    /// physical node n.
    package func approach(_ id: UInt16, _ vnode: Int, _ target: KiB, by rate: KiB) {
        let have = trueBalloon(id, vnode)
        if target >= have {
            let more = min(target - have, rate)
            shift(id, vnode, to: have + more)
            return say(id, vnode, size: have + more, state: have + more == target ? "idle" : "inflating")
        }
        let less = min(have - target, rate, xen.free[vnode].roundedDown(to: .mib(2)))
        shift(id, vnode, to: have - less)
        let isHeld = less == 0
        let state = have - less == target ? "idle" : isHeld ? "held" : "deflating"
        say(id, vnode, size: have - less, state: state, reason: isHeld ? "pnode-full" : "")
    }

    /// A balloon's pages move and the guest reports nothing.
    package func shift(_ id: UInt16, _ vnode: Int, to kib: KiB) {
        let have = trueBalloon(id, vnode)
        balloons["\(id)/\(vnode)"] = kib
        xen.free[vnode] = xen.free[vnode] + kib - have
        for index in xen.facts.indices where xen.facts[index].id == id {
            xen.facts[index].pages = xen.facts[index].pages + have.wholeFrames - kib.wholeFrames
        }
    }
}
