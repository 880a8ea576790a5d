package import BalloonCore
package import BalloonHost
import Glibc
import Simulation

/// Xen, with domains that a test makes and moves.
package final class SimulatedHostXen: HostXen {
    package var facts: [DomainFacts] = [
        DomainFacts(id: 0, uuid: "00000000", kind: .pv, pages: 262_144, maxPages: 262_144)
    ]
    package var sizes: [UInt16: [KiB]] = [:]
    package var free: [KiB] = [.gib(2), .gib(2)]
    package var claimedPages: Frames = .zero
    package var maxima: [UInt16: KiB] = [:]
    /// Domains that end right after Xen has listed them.
    package var gone: Set<UInt16> = []

    /// Called once Xen has listed the domains.
    package var listed: () -> Void = {}

    package func domains() throws(BalloonError) -> [DomainFacts] {
        defer { listed() }
        return facts
    }
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
        guard !gone.contains(domain), facts.contains(where: { $0.id == domain }) else {
            throw BalloonError(.hypercall, "there is no domain \(domain)", errno: ESRCH)
        }
        maxima[domain] = kib
        for index in facts.indices where facts[index].id == domain { facts[index].maxPages = kib.wholeFrames }
    }
}

/// A host of two nodes with guests of two vnodes of 256 MiB, one on each.
package final class SimulatedHost {
    package let xen = SimulatedHostXen()
    package let store = SimulatedHostStore()
    package let engine: HostEngine
    package let saved = Saved()
    /// By UUID: what stands in files.
    package final class Saved { package var limits: [String: SavedLimits] = [:] }
    /// What each balloon is, whatever the guest says: by `id/vnode`.
    private var balloons: [String: KiB] = [:]
    package static let special: Frames = 17

    package init() { engine = Self.engine(xen, store, saved) }

    private static func engine(_ xen: SimulatedHostXen, _ store: SimulatedHostStore, _ saved: Saved) -> HostEngine {
        HostEngine(
            HostReader(
                xen: xen, store: store, pnodesOf: { id, _ in id == 9 ? nil : [0, 1] },
                savedLimits: { saved.limits[$0] ?? SavedLimits() }))
    }

    /// Another process's engine, as the daemon's: it remembers what it has read.
    package func daemon() -> HostEngine {
        let engine = Self.engine(xen, store, saved)
        engine.reader.remember()
        return engine
    }

    /// Built and introduced.
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

    /// The guest's daemon: says that it has this.
    package func say(
        _ id: UInt16, _ vnode: Int, size: KiB, target: String? = nil, state: String = "idle", reason: String = ""
    ) {
        let home = "/local/domain/\(id)/memory/vnode\(vnode)"
        // What is so already is not written again, and makes no event.
        func tell(_ name: String, _ value: String) {
            let path = home + name
            if store[path] != value { store[path] = value }
        }
        tell("/balloon-size", "\(size)")
        tell("/balloon-state", state)
        tell("/balloon-reason", reason)
        tell("/balloon-granularity", "2048")
        if let target = target ?? row(id, vnode, "target-balloon-size") { tell("/balloon-target", target) }
    }

    /// The guest's daemon starts: everything is told, and then the feature.
    package func start(_ id: UInt16) {
        for vnode in domain(id).vnodes { say(id, vnode.number, size: 0, target: "") }
        store["/local/domain/\(id)/control/feature-balloon-vnode"] = "1"
    }

    /// The guest goes where its targets are, as Xen sees it, too.
    package func follow(_ id: UInt16) {
        for vnode in domain(id).vnodes {
            guard let target = vnode.roundedTarget else { continue }
            move(id, vnode.number, to: target)
        }
    }

    /// One balloon, with its pages.
    package func move(_ id: UInt16, _ number: Int, to kib: KiB, state: String = "idle", reason: String = "") {
        guard let vnode = domain(id).vnodes.first(where: { $0.number == number }) else { return }
        let before = vnode.balloon ?? 0
        for index in xen.facts.indices where xen.facts[index].id == id {
            xen.facts[index].pages = xen.facts[index].pages + before.wholeFrames - kib.wholeFrames
        }
        if let pnode = vnode.pnode { xen.free[pnode] = xen.free[pnode] + kib - before }
        say(id, number, size: kib, state: state, reason: reason)
    }

    /// Prepared, started, adopted.
    package func bringUp(_ ids: UInt16...) throws {
        for id in ids {
            make(id)
            try engine.prepare(domain(id))
            start(id)
            try engine.adopt(domain(id))
            follow(id)
        }
    }

    // MARK: What is so, whatever anybody says. Not asked of the product.

    /// Domains that are there, but for dom0.
    package var ids: [UInt16] { xen.facts.map(\.id).filter { $0 != 0 } }

    package func feature(_ id: UInt16) -> String? { store["/local/domain/\(id)/control/feature-balloon-vnode"] }

    package func target(_ id: UInt16, _ vnode: Int) -> KiB? {
        row(id, vnode, "target-balloon-size").flatMap { UInt64($0) }.map { KiB($0) }
    }

    package func size(_ id: UInt16, _ vnode: Int) -> KiB { xen.sizes[id]?[vnode] ?? 0 }

    /// Memory that a domain has given of a vnode, by its pages.
    package func trueBalloon(_ id: UInt16, _ vnode: Int) -> KiB { balloons["\(id)/\(vnode)"] ?? 0 }

    /// A directory of a domain that is not there. It is looked for after each step, so by bytes.
    package var ghost: String? {
        let home = "/local/domain/"
        return store.values.keys.first { path in
            guard path.hasPrefix(home) else { return false }
            var id: UInt16 = 0
            for byte in path.utf8.dropFirst(home.utf8.count) {
                guard byte != UInt8(ascii: "/") else { break }
                id = id &* 10 &+ UInt16(byte &- UInt8(ascii: "0"))
            }
            return !xen.facts.contains { $0.id == id }
        }
    }

    /// One step of an honest guest towards a target, as far as there is memory. Vnode n lies on physical node n.
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

    /// Its pages go and come; nothing is told.
    package func shift(_ id: UInt16, _ vnode: Int, to kib: KiB) {
        let have = trueBalloon(id, vnode)
        balloons["\(id)/\(vnode)"] = kib
        xen.free[vnode] = xen.free[vnode] + kib - have
        for index in xen.facts.indices where xen.facts[index].id == id {
            xen.facts[index].pages = xen.facts[index].pages + have.wholeFrames - kib.wholeFrames
        }
    }
}
