import ArgumentParser
import BalloonCore
import BalloonHost

struct HostSetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set the balloons of one domain, or the memory that the domain keeps.")

    @Argument(help: "The domain, by name, number or UUID.")
    var domain: String

    @Option(help: ArgumentHelp("The balloon of one vnode. Repeat it for several vnodes.", valueName: "vnode=size"))
    var vnode: [NumberedSize] = []

    @Option(help: "The balloons of all vnodes together.")
    var total: SizeArgument?

    @Option(help: "With --total: split it in proportion to the vnodes' sizes (proportional), or evenly (even).")
    var split = "proportional"

    @Option(help: "The memory that the domain keeps. This works for guests without our daemon, too.")
    var memory: SizeArgument?

    @Flag(help: "Wait until the targets are reached.")
    var wait = false

    @OptionGroup var waiting: HostWaitOptions

    @Flag(help: "Print JSON.")
    var json = false

    mutating func validate() throws {
        let ways = [!vnode.isEmpty, total != nil, memory != nil].filter { $0 }.count
        guard ways == 1 else { throw ValidationError("either --vnode N=SIZE, or --total SIZE, or --memory SIZE") }
        guard ["proportional", "even"].contains(split) else { throw ValidationError("--split is proportional or even") }
        guard Set(vnode.map(\.number)).count == vnode.count else { throw ValidationError("a vnode is named twice") }
    }

    func run() throws {
        try Exit.onError {
            let session = try HostSession(waiting)
            let found = try session.domains([domain], try session.engine.read())[0]
            if let memory, !found.isManaged { return try setOld(session, memory.kib) }
            let (domain, goals) = try session.turn { () throws(BalloonError) in try write(session) }
            try show(session, domain, goals)
        }
    }

    private func write(_ session: HostSession) throws(BalloonError) -> (HostDomain, [Int: KiB]) {
        let snapshot = try session.engine.read()
        let domain = try session.domains([self.domain], snapshot)[0]
        guard domain.isManaged else {
            throw BalloonError(
                .busy, "domain \(domain.id) (\(domain.name)) does not follow the interface: \(Self.why(domain))")
        }
        let goals = try targets(domain)
        try session.engine.checkGrant(domain, goals, snapshot)
        try session.engine.setTargets(domain, goals)
        return (domain, goals)
    }

    /// Sets the memory of a guest without our daemon, whose progress only Xen's count shows.
    private func setOld(_ session: HostSession, _ kib: KiB) throws {
        let (before, goal) = try session.turn { () throws(BalloonError) in
            let snapshot = try session.engine.read()
            let domain = try session.domains([self.domain], snapshot)[0]
            let fewer = try session.engine.setOldMemory(domain, kib: kib, snapshot)
            return (domain, Int64(domain.facts.pages.count) - fewer)
        }
        if wait {
            try waitForOld(session, before, goal: goal)
            try session.turn { () throws(BalloonError) in
                let now = try session.engine.read().domains.first { $0.facts.uuid == before.facts.uuid }
                if let now, now.legacyTarget == kib { try session.engine.lowerMax(now) }
            }
        }
        if json {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("schema", 1)
                writer.member("id", before.id)
                writer.member("legacy_target_kib", kib)
            }
            Terminal.show(writer.text)
        }
    }

    private func waitForOld(_ session: HostSession, _ domain: HostDomain, goal: Int64) throws {
        let begin = HostSession.now
        var (last, progress) = (Int64(domain.facts.pages.count), begin)
        while true {
            let (snapshot, silence) = try session.read(rowsOf: [domain.id])
            let facts = snapshot.domains.first
            progress = progress + silence
            guard let pages = facts.map({ Int64($0.facts.pages.count) }) else {
                throw BalloonError(.busy, "domain \(domain.id) (\(domain.name)) is gone")
            }
            if pages == goal { return }
            let now = HostSession.now
            if pages != last { (last, progress) = (pages, now) }
            let isOver = waiting.timeout > 0 && now >= begin + .seconds(waiting.timeout)
            if isOver || now >= progress + .seconds(waiting.stall) {
                throw BalloonError(
                    .busy,
                    "domain \(domain.id) (\(domain.name)) makes no progress by Xen's count: \(pages) pages, \(goal) wanted"
                )
            }
            sleep(for: .milliseconds(100))
        }
    }

    private func show(_ session: HostSession, _ domain: HostDomain, _ goals: [Int: KiB]) throws {
        var (verdicts, last): ([UInt16: MoveJudge.Verdict], HostSnapshot) = ([:], try session.engine.read())
        if wait && !goals.isEmpty {
            (verdicts, last) = try HostWaiting(session: session, options: waiting).run([domain.id: goals])
        }
        if json {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("schema", 1)
                let ends = verdicts.isEmpty ? [domain.id: MoveJudge.Verdict.moving] : verdicts
                HostWaiting.write(ends, [domain.id: goals], last, &writer)
            }
            Terminal.show(writer.text)
        }
        if !HostWaiting.explain(verdicts, last) { throw Exit.temporary }
    }

    private func targets(_ domain: HostDomain) throws(BalloonError) -> [Int: KiB] {
        var targets: [Int: KiB] = [:]
        if vnode.isEmpty {
            let size = domain.vnodes.reduce(KiB.zero) { $0 + $1.size }
            let balloon = total?.kib ?? (memory.map { size.less($0.kib) } ?? .zero)
            return try BalloonSplit.targets(domain, total: balloon, isEven: split == "even")
        }
        for wanted in vnode {
            guard let there = domain.vnodes.first(where: { $0.number == wanted.number }) else {
                throw BalloonError(.usage, "domain \(domain.id) (\(domain.name)) has no vnode \(wanted.number)")
            }
            guard wanted.kib <= there.size else {
                throw BalloonError(
                    .usage,
                    "vnode \(wanted.number) has \(Size.text(there.size)), and cannot give \(Size.text(wanted.kib))"
                )
            }
            targets[wanted.number] = wanted.kib
        }
        return targets
    }

    /// Why a domain has no targets.
    static func why(_ domain: HostDomain) -> String {
        switch domain.feature {
        case .absent: "no toolstack prepared it (`balloonctl host prepare`)"
        case .silent: "its daemon has not said anything yet"
        case .off: "its daemon says that it does not follow it any more"
        case .odd: "what it wrote makes no sense"
        case .on: domain.exclusion?.rawValue ?? "it has no target yet"
        }
    }
}

struct HostLimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "Show or set the least and the most memory of a domain or a vnode.")

    @Argument(help: "The domain, by name, number or UUID.")
    var domain: String

    @Option(help: "The vnode; default: the whole domain.")
    var vnode: Int?

    @Option(help: "The least memory, which no plan takes.")
    var min: SizeArgument?

    @Option(help: "The most memory.")
    var max: SizeArgument?

    @Flag(help: "Save the limits in a file, for later domains with the same UUID, too.")
    var save = false

    @Flag(help: "Print JSON.")
    var json = false

    mutating func validate() throws {
        if let min, let max, min.kib > max.kib { throw ValidationError("--min is above --max") }
    }

    func run() throws {
        try Exit.onError {
            let session = try HostSession()
            let engine = session.engine
            var found = try session.domains([domain], try engine.read())[0]
            if let vnode, !found.vnodes.contains(where: { $0.number == vnode }) {
                throw BalloonError(.usage, "domain \(found.id) (\(found.name)) has no vnode \(vnode)")
            }
            if min != nil || max != nil {
                let size = vnode.map { found.vnodes[$0].size } ?? found.staticMax ?? .max
                for kib in [min?.kib, max?.kib].compactMap({ $0 }) where kib > size {
                    throw BalloonError(.usage, "\(Size.text(kib)) is more than there is: \(Size.text(size))")
                }
                let (before, least, most, number) = (found, min?.kib, max?.kib, vnode)
                try session.turn { () throws(BalloonError) in
                    try engine.setLimits(before, vnode: number, minimum: least, maximum: most)
                }
                found = try session.domains([domain], try engine.read())[0]
            }
            // Saved in a turn, because another command may write the same file.
            if save { try session.turn { () throws(BalloonError) in try HostEngine.saveLimits(found) } }
            show(found)
        }
    }

    private func show(_ domain: HostDomain) {
        let vnodes = domain.vnodes.filter { vnode == nil || $0.number == vnode }
        if json {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("schema", 1)
                writer.member("id", domain.id)
                writer.key("vnodes")
                writer.array(vnodes) { writer, vnode in
                    writer.object { writer in
                        writer.member("vnode", vnode.number)
                        writer.member("min_kib", vnode.minimum)
                        writer.member("max_kib", vnode.maximum)
                        writer.member("size_kib", vnode.size)
                    }
                }
            }
            return Terminal.show(writer.text)
        }
        for vnode in vnodes {
            Terminal.show(
                "vnode \(vnode.number): keeps \(Size.text(vnode.minimum)), may have \(Size.text(vnode.maximum))"
                    + " of \(Size.text(vnode.size))")
        }
    }
}
