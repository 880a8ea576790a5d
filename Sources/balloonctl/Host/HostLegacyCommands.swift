import ArgumentParser
import BalloonCore
import BalloonHost

/// Domains by name, or all domains that have a balloon.
struct HostDomainsArgument: ParsableArguments {
    @Argument(help: "Domains, by name, number or UUID.")
    var domains: [String] = []

    @Flag(help: "All domains.")
    var all = false

    mutating func validate() throws {
        guard domains.isEmpty == all else { throw ValidationError("either domains or --all") }
    }

    func found(_ session: HostSession, _ snapshot: HostSnapshot) throws(BalloonError) -> [HostDomain] {
        if !all { return try session.domains(domains, snapshot) }
        return snapshot.domains.filter { !$0.isToolstack && $0.isIntroduced && !$0.facts.isDying }
    }
}

struct HostYieldCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "yield", abstract: "Write memory/target back, so that xl can save, migrate and list domains.")

    @OptionGroup var which: HostDomainsArgument

    func run() throws {
        try Exit.onError {
            let session = try HostSession()
            try session.turn { () throws(BalloonError) in
                // Only a daemon would remove it again.
                let stays = try HostLock.daemon() == nil
                for domain in try which.found(session, try session.engine.read()) {
                    let isBack = try session.engine.yield(domain, stays: stays)
                    if isBack { Terminal.show("\(domain.name): memory/target is back") }
                }
            }
        }
    }
}

struct HostTakeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "take", abstract: "Remove memory/target again, so that Linux's own balloon rests.")

    @Argument(help: "The domain, by name, number or UUID.")
    var domain: String

    func run() throws {
        try Exit.onError {
            let session = try HostSession()
            try session.turn { () throws(BalloonError) in
                let domain = try session.domains([self.domain], try session.engine.read())[0]
                guard domain.isManaged else {
                    throw BalloonError(
                        .busy, "domain \(domain.id) (\(domain.name)) keeps memory/target: \(HostSetCommand.why(domain))"
                    )
                }
                if try session.engine.take(domain) { Terminal.show("\(domain.name): memory/target is away") }
            }
        }
    }
}

struct HostReleaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "Give a domain all its memory back, and leave its memory to xl.")

    @Argument(help: "The domain, by name, number or UUID.")
    var domain: String

    @OptionGroup var waiting: HostWaitOptions

    func run() throws {
        try Exit.onError {
            let session = try HostSession(waiting)
            let engine = session.engine
            var goals: [Int: KiB] = [:]
            let found = try session.turn { () throws(BalloonError) in
                let snapshot = try engine.read()
                let domain = try session.domains([self.domain], snapshot)[0]
                guard domain.isManaged else { return domain }
                goals = Dictionary(uniqueKeysWithValues: domain.vnodes.map { ($0.number, .zero) })
                try engine.checkGrant(domain, goals, snapshot)
                try engine.setTargets(domain, goals)
                return domain
            }
            if found.isManaged {
                let (verdicts, last) = try HostWaiting(session: session, options: waiting).run([found.id: goals])
                if !HostWaiting.explain(verdicts, last) { throw Exit.temporary }
            }
            try session.turn { () throws(BalloonError) in
                try engine.yield(found, stays: true)
                try engine.empty(feature: found)
            }
            Terminal.show("\(found.name): all memory is back, and xl can do with it what it likes")
        }
    }
}

struct HostPrepareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prepare", abstract: "Create the rows of the interface that a domain lacks.")

    @OptionGroup var which: HostDomainsArgument

    func run() throws {
        try Exit.onError {
            let session = try HostSession()
            try session.turn { () throws(BalloonError) in
                let snapshot = try session.engine.read()
                for domain in try which.found(session, snapshot) {
                    let rows = try session.engine.prepare(domain)
                    let adopted = try session.engine.adopt(domain, snapshot)
                    if rows > 0 { Terminal.show("\(domain.name): \(rows) rows made") }
                    for vnode in adopted {
                        Terminal.show("\(domain.name): vnode \(vnode) has a target")
                    }
                }
            }
        }
    }
}
