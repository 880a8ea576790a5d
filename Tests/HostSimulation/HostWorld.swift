import BalloonCore
import BalloonHost
import Simulation

/// A schedule that is being played.
struct HostWorld {
    private let schedule: HostSchedule
    private let bug: HostBug?
    private let host = SimulatedHost()
    private var keeper = HostKeeper(HostKeeper.Policy())
    private var random: SeededGenerator
    /// The domain and the behaviour of each guest, by the schedule's number of the guest.
    private var guests: [(id: UInt16, behaviour: HostSchedule.Behaviour)] = []
    private var nextID: UInt16 = 1
    private var run: FreeRun?
    private var runBegan = 0
    private var step = 0
    /// The most steps that a plan may take: three rounds of the slowest guest, and the patience between them.
    private static let longestRun = 1500
    private static let end = 200

    private var now: Moment { .zero + HostSchedule.step * UInt64(step + 1) }

    init(_ schedule: HostSchedule, _ bug: HostBug?) {
        self.schedule = schedule
        self.bug = bug
        random = SeededGenerator(seed: schedule.seed ^ 0x5EED)
        keeper.policy.isBalancing = random.oneIn(3)
        host.xen.free = [.mib(UInt64(random.number(40...400))), .mib(UInt64(random.number(40...400)))]
        for _ in 0..<schedule.guests {
            let honest = HostSchedule.Behaviour.honest(.mib(2 * UInt64(random.number(4...64))))
            guests.append((0, random.oneIn(3) ? HostSchedule.behaviour(&random) : honest))
            make(guests.count - 1)
        }
    }

    private mutating func make(_ guest: Int, uuid: String? = nil) {
        host.make(nextID, uuid: uuid)
        guests[guest].id = nextID
        // The guest has given some memory before the toolstack first sees it, as after a restore.
        for vnode in 0...1 where random.oneIn(2) {
            host.shift(nextID, vnode, to: .mib(2 * UInt64(random.number(1...90))))
        }
        nextID += 1
    }

    mutating func play() throws(HostViolation) {
        var events = schedule.events[...]
        while step < Self.end || (run != nil && step < Self.end + Self.longestRun) {
            while let event = events.first, event.at <= step {
                events.removeFirst()
                try guarded { (world: inout HostWorld) throws(BalloonError) in try world.happen(event.kind) }
            }
            for guest in guests { act(guest.id, guest.behaviour) }
            if step % 5 == 0 { try guarded { (world: inout HostWorld) throws(BalloonError) in try world.keep() } }
            try guarded { (world: inout HostWorld) throws(BalloonError) in try world.free() }
            try check()
            step += 1
        }
        guard run == nil else { throw HostViolation(description: "H3: a plan does not come to its end") }
        try checkEnd()
    }

    // MARK: The toolstack

    private mutating func keep() throws(BalloonError) {
        let snapshot = try host.engine.read()
        for deed in keeper.deeds(snapshot, now: now) {
            if bug == .keepsLegacyTarget, case .yield = deed { continue }
            _ = try host.engine.perform(deed, snapshot)
        }
        if bug == .ghosts { host.store["/local/domain/\(guests[0].id)/memory/vnode0/size"] = "1" }
    }

    private mutating func free() throws(BalloonError) {
        guard var current = run else { return }
        switch current.state {
        case .planning: try current.write(host.engine, try host.engine.read(), now: now)
        case .moving: current.look(try host.engine.read(), now: now)
        case .done, .short:
            run = nil
            return
        }
        if bug == .belowMinimum { try spoilTargets(current) }
        run = current
    }

    private func spoilTargets(_ run: FreeRun) throws(BalloonError) {
        for (id, targets) in run.written {
            guard let domain = try host.engine.read().domains.first(where: { $0.id == id }) else { continue }
            try host.engine.setTargets(domain, targets.mapValues { $0 + .mib(200) })
        }
    }

    private mutating func happen(_ kind: HostSchedule.Event.Kind) throws(BalloonError) {
        switch kind {
        case .free(let pnode, let kib, let isMore, let even):
            guard run == nil else { return }
            var options = FreeTask.Options()
            options.spread = even ? .even : .fewest
            let wish = FreeTask.Wish(pnode: pnode, kib: kib, isMore: isMore)
            let stall: Interval = bug == .neverGivesUp ? .max / 4 : .seconds(5)
            run = FreeRun(FreeTask([wish], options, try host.engine.read()), stall: stall)
            runBegan = step
        case .grant(let guest, let vnode, let percent): try grant(guests[guest].id, vnode, percent)
        case .behave(let guest, let behaviour): guests[guest].behaviour = behaviour
        case .destroy(let guest): destroy(guests[guest].id)
        case .reboot(let guest):
            let uuid = host.xen.facts.first { $0.id == guests[guest].id }?.uuid
            destroy(guests[guest].id)
            let needed: KiB = .mib(260)
            if host.xen.free.allSatisfy({ $0 >= needed }) {
                for node in host.xen.free.indices { host.xen.free[node] -= needed }
                make(guest, uuid: uuid)
            }
        case .claim(let pages): host.xen.claimedPages = pages
        case .fill(let pnode, let kib): host.xen.free[pnode] = min(kib, host.xen.free[pnode])
        case .short(let guest, let vnode, let kib):
            let path = "/local/domain/\(guests[guest].id)/memory/vnode\(vnode)/balloon-short"
            if host.store[path] != nil { host.store[path] = "\(kib)" }
        case .killKeeper: keeper = HostKeeper(keeper.policy)
        case .feature(let guest, let word):
            let path = "/local/domain/\(guests[guest].id)/control/feature-balloon-vnode"
            if host.store[path] != nil { host.store[path] = word }
        }
    }

    /// Does what `host set` does: a vnode keeps its minimum at least, and may take only memory that is free.
    private func grant(_ id: UInt16, _ vnode: Int, _ percent: UInt64) throws(BalloonError) {
        let snapshot = try host.engine.read()
        guard let domain = snapshot.domains.first(where: { $0.id == id }), domain.isManaged else { return }
        let size = domain.vnodes[vnode].size - domain.vnodes[vnode].minimum
        let targets = [vnode: (size * percent / 100).roundedDown(to: HostSchedule.extent)]
        do throws(BalloonError) {
            if bug != .grantsUnchecked { try host.engine.checkGrant(domain, targets, snapshot) }
            try host.engine.setTargets(domain, targets)
        } catch { if error.code != .busy && error.code != .usage { throw error } }
    }

    private func destroy(_ id: UInt16) {
        guard host.ids.contains(id) else { return }
        for vnode in 0...1 { host.xen.free[vnode] += host.size(id, vnode) - host.trueBalloon(id, vnode) }
        host.destroy(id)
    }

    // MARK: The guests

    private func act(_ id: UInt16, _ behaviour: HostSchedule.Behaviour) {
        guard host.ids.contains(id), let feature = host.feature(id), behaviour != .deaf else { return }
        for vnode in 0...1 { act(id, vnode, behaviour) }
        // The guest writes the feature only after its sizes.
        if feature.isEmpty && step % 7 == 0 { host.store["/local/domain/\(id)/control/feature-balloon-vnode"] = "1" }
    }

    private func act(_ id: UInt16, _ vnode: Int, _ behaviour: HostSchedule.Behaviour) {
        let have = host.trueBalloon(id, vnode)
        let target = host.target(id, vnode).map { $0.roundedDown(to: HostSchedule.extent) } ?? have
        switch behaviour {
        case .deaf: return
        case .stuck: host.say(id, vnode, size: have, state: target == have ? "idle" : "inflating")
        case .lying: host.say(id, vnode, size: target)
        case .held(let most) where target > max(have, most):
            host.say(id, vnode, size: have, state: "held", reason: "guard")
        case .held: host.approach(id, vnode, target, by: .mib(128))
        case .honest(let rate): host.approach(id, vnode, target, by: rate)
        }
    }

    // MARK: What must hold

    /// Runs a part of the toolstack, and checks what it wrote.
    private mutating func guarded(
        _ body: (inout HostWorld) throws(BalloonError) -> Void
    ) throws(HostViolation) {
        let before = taking()
        do throws(BalloonError) { try body(&self) } catch { throw HostViolation(description: "\(error)") }
        let after = taking()
        for pnode in host.xen.free.indices where after[pnode] > before[pnode] {
            let free = host.xen.free[pnode]
            guard after[pnode] + PhysicalNode.floor <= free else {
                throw HostViolation(
                    description: "H1: pnode \(pnode): \(after[pnode]) KiB are granted, \(free) are free")
            }
            let all = host.xen.free.reduce(.zero, +)
            guard after.reduce(PhysicalNode.hostFloor + host.xen.claimedPages.kib, +) <= all else {
                throw HostViolation(
                    description: "H1: the host: \(after) KiB are granted, \(all) are free, less the claims")
            }
        }
        if let ghost = host.ghost { throw HostViolation(description: "H4: a ghost: \(ghost)") }
    }

    /// How much guests may still take of each node: by their true sizes, not by those they report. One kind of lie
    /// cannot be found: a guest that reports more of one vnode and less of the other, with the right sum, agrees with
    /// Xen's count of all its pages. For such a guest the smaller of the two sizes counts.
    private func taking() -> [KiB] {
        var sums: [KiB] = [0, 0]
        for id in host.ids where host.feature(id) == "1" {
            let have = (0...1).map { host.trueBalloon(id, $0) }
            let said = (0...1).map {
                host.row(id, $0, "balloon-size").flatMap { UInt64($0) }.map { KiB($0) } ?? have[$0]
            }
            let (all, told) = (have.reduce(.zero, +), said.reduce(.zero, +))
            let isHidden = all.difference(from: told) <= HostDomain.tolerance
            for vnode in 0...1 {
                guard let target = host.target(id, vnode) else { continue }
                let kib = isHidden ? min(have[vnode], said[vnode]) : have[vnode]
                if target < kib { sums[vnode] += kib - target }
            }
        }
        return sums
    }

    private func check() throws(HostViolation) {
        for id in host.ids {
            for vnode in 0...1 {
                guard let target = host.target(id, vnode), target > host.trueBalloon(id, vnode) else { continue }
                // The default minimum: a quarter of the vnode, and at least 64 MiB. No event sets another one.
                guard target <= host.size(id, vnode) - .mib(64) else {
                    throw HostViolation(description: "H2: domain \(id), vnode \(vnode) shall give \(target) KiB")
                }
            }
        }
    }

    /// Checks that in the end every domain that does not follow the vnode targets has memory/target.
    private mutating func checkEnd() throws(HostViolation) {
        for _ in 0..<3 {
            step += 100
            try guarded { (world: inout HostWorld) throws(BalloonError) in try world.keep() }
        }
        for id in host.ids where ["0", ""].contains(host.feature(id) ?? "") {
            guard host.store["/local/domain/\(id)/memory/target"] != nil else {
                throw HostViolation(description: "H5: domain \(id) follows nothing")
            }
        }
    }
}
