import BalloonCore
import BalloonHost
import Simulation

/// A schedule while it runs.
struct HostWorld {
    private let schedule: HostSchedule
    private let bug: HostBug?
    private let host = SimulatedHost()
    private var keeper = HostKeeper(HostKeeper.Policy())
    /// The daemon's own way to the host: it reads what events tell of.
    private var daemon: HostEngine
    private var watches = DomainWatches()
    private var random: SeededGenerator
    /// By the schedule's number of a guest: its domain and how it behaves.
    private var guests: [(id: UInt16, behaviour: HostSchedule.Behaviour)] = []
    private var nextID: UInt16 = 1
    private var run: FreeRun?
    private var runBegan = 0
    private var step = 0
    /// Whether the daemon's last reading was the same as one of all rows.
    private var isRemembered = true
    /// A run has to end in so many steps: three rounds of the slowest guest, and the patience between them.
    private static let longestRun = 1500
    private static let end = 200

    private var now: Moment { .zero + HostSchedule.step * UInt64(step + 1) }

    init(_ schedule: HostSchedule, _ bug: HostBug?) {
        self.schedule = schedule
        self.bug = bug
        random = SeededGenerator(seed: schedule.seed ^ 0x5EED)
        daemon = host.daemon()
        host.store.losesEvents = bug == .losesEvents
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
        // It has given some before anybody looked, as after a restore.
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
        let snapshot = try daemon.read()
        if step % 20 == 0 { isRemembered = try snapshot == host.engine.read() }
        try watches.follow(Set(snapshot.domains.filter { $0.isIntroduced && $0.id != 0 }.map(\.id)), host.store)
        for deed in keeper.deeds(snapshot, now: now) {
            if bug == .keepsLegacyTarget, case .yield = deed { continue }
            _ = try daemon.perform(deed, snapshot)
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
        case .killKeeper:
            keeper = HostKeeper(keeper.policy)
            daemon = host.daemon()
            watches = DomainWatches()
        case .feature(let guest, let word):
            let path = "/local/domain/\(guests[guest].id)/control/feature-balloon-vnode"
            if host.store[path] != nil { host.store[path] = word }
        }
    }

    /// `host set`: what a vnode keeps is never below its minimum, and what it takes is there.
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
        // It says that it follows once it has told its sizes.
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

    /// Runs a part of the toolstack, and looks at what it wrote.
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

    /// What guests may still take of each node, as it is, and not as they say. But who says of one vnode what is so of the other,
    /// and the sum is right, cannot be found by Xen's count of all its pages: of these only what they say is known.
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
        guard isRemembered else { throw HostViolation(description: "H6: the daemon does not see what there is") }
        for id in host.ids {
            for vnode in 0...1 {
                guard let target = host.target(id, vnode), target > host.trueBalloon(id, vnode) else { continue }
                // A quarter, and 64 MiB at least: nobody says otherwise here.
                guard target <= host.size(id, vnode) - .mib(64) else {
                    throw HostViolation(description: "H2: domain \(id), vnode \(vnode) shall give \(target) KiB")
                }
            }
        }
    }

    /// In the end everybody who does not follow has memory/target.
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
