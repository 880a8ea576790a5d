import ArgumentParser
import BalloonCore
import BalloonHost

/// The options of all commands that wait for guests.
struct HostWaitOptions: ParsableArguments {
    @Option(help: "Wait at most this many seconds in all; 0: no limit.")
    var timeout: UInt64 = 0

    @Option(help: "Give up after this many seconds without progress by Xen's count.")
    var stall: UInt64 = 5

    mutating func validate() throws {
        guard timeout <= 86400 * 30, (1...86400).contains(stall) else {
            throw ValidationError("--timeout is at most 2592000 seconds, --stall 1 to 86400")
        }
    }
}

/// Waits, with progress, until domains have reached their targets.
struct HostWaiting {
    let session: HostSession
    let options: HostWaitOptions

    /// - Parameter follows: targets that another program writes meanwhile are waited for instead.
    /// - Returns: the verdict for each domain, and the last snapshot.
    /// - Throws: 130 on Ctrl-C, 75 at the end of `--timeout`.
    func run(
        _ goals: [UInt16: [Int: KiB]], follows: Bool = false
    ) throws -> ([UInt16: MoveJudge.Verdict], HostSnapshot) {
        let progress = Progress(options, session.silence)
        defer { progress.end() }
        let ids = Set(goals.keys)
        var (snapshot, silence) = try session.read(rowsOf: ids)
        var judge = MoveJudge(
            goals, snapshot, now: HostSession.now, stall: .seconds(options.stall), follows: follows)
        while true {
            judge.look(snapshot, now: HostSession.now, silence: silence)
            if judge.isOver { return (judge.verdicts, snapshot) }
            try progress.show(snapshot, judge.goals, judge.verdicts)
            progress.pause()
            (snapshot, silence) = try session.read(rowsOf: ids)
        }
    }

    /// Shows progress, and ends the waiting on Ctrl-C or a timeout.
    final class Progress {
        private let options: HostWaitOptions
        private let signals = try? SignalSource()
        private let begin = HostSession.now
        private var told = HostSession.now
        private var pauseTime: Interval = .milliseconds(20)
        /// What is being done, as it was shown last.
        private var text = "xenstore does not answer"
        private let silence: HostSilence

        init(_ options: HostWaitOptions, _ silence: HostSilence) {
            self.options = options
            self.silence = silence
            silence.isOver = { [weak self] in try self?.check() }
        }

        /// - Throws: 130 on Ctrl-C, 75 at the end of `--timeout`.
        func show(
            _ snapshot: HostSnapshot, _ goals: [UInt16: [Int: KiB]], _ verdicts: [UInt16: MoveJudge.Verdict]
        ) throws {
            text = Self.text(snapshot, goals, verdicts)
            try check()
            let now = HostSession.now
            if StandardStream.error.isTerminal {
                Terminal.progress(text)
            } else if now >= told + .seconds(1) {
                told = now
                Terminal.remark(text)
            }
        }

        private func check() throws {
            if signals?.next() != nil { throw Exit.interrupted }
            guard options.timeout > 0, HostSession.now >= begin + .seconds(options.timeout) else { return }
            Terminal.endProgress()
            Terminal.complain("not done after \(options.timeout) s: \(text)")
            throw Exit.temporary
        }

        func end() {
            silence.isOver = nil
            Terminal.endProgress()
        }

        /// Each reading costs dom0 time that the guests may need, so the pauses grow: a short move ends soon, and a long
        /// one is read five times a second.
        func pause() {
            sleep(for: pauseTime)
            pauseTime = min(pauseTime * 3 / 2, .milliseconds(200))
        }

        private static func text(
            _ snapshot: HostSnapshot, _ goals: [UInt16: [Int: KiB]], _ verdicts: [UInt16: MoveJudge.Verdict]
        ) -> String {
            snapshot.domains.filter { verdicts[$0.id] == .moving }.flatMap { domain -> [String] in
                if let goal = goals[domain.id]?[HostDomain.whole] {
                    let target = domain.wholeTarget(goal).wholeMiB
                    return ["\(domain.name): has \(domain.memory.wholeMiB), is to have \(target) MiB"]
                }
                return domain.vnodes.compactMap { vnode -> String? in
                    guard let goal = goals[domain.id]?[vnode.number], !vnode.isReached else { return nil }
                    let now = vnode.balloon.map { "\($0.wholeMiB)" } ?? "?"
                    let name = "\(domain.name) vnode \(vnode.number)"
                    return StandardStream.error.isTerminal
                        ? bar(name, vnode, goal) : "\(name): \(now) of \(goal.wholeMiB) MiB"
                }
            }.joined(separator: ", ")
        }

        /// "g1 vnode 1 [####......] 64 of 128 MiB"
        private static func bar(_ name: String, _ vnode: HostVNode, _ goal: KiB) -> String {
            let (now, all) = (vnode.balloon ?? .zero, max(goal, vnode.balloon ?? .zero, KiB(1)))
            let filled = Int(now * 10 / all)
            return "\(name) [" + String(repeating: "#", count: filled) + String(repeating: ".", count: 10 - filled)
                + "] \(now.wholeMiB) of \(goal.wholeMiB) MiB"
        }
    }

    /// Prints what did not work. Returns whether all domains reached their targets.
    static func explain(_ verdicts: [UInt16: MoveJudge.Verdict], _ snapshot: HostSnapshot) -> Bool {
        for (id, verdict) in verdicts.sorted(by: { $0.key < $1.key }) where verdict != .reached {
            let name = snapshot.domains.first { $0.id == id }.map { "domain \(id) (\($0.name))" } ?? "domain \(id)"
            Terminal.complain(verdict.sentence(name))
        }
        return verdicts.values.allSatisfy { $0 == .reached }
    }

    /// Writes the verdicts as JSON.
    static func write(
        _ verdicts: [UInt16: MoveJudge.Verdict], _ goals: [UInt16: [Int: KiB]], _ snapshot: HostSnapshot,
        _ json: inout JSONWriter
    ) {
        json.key("guests")
        json.array(verdicts.sorted { $0.key < $1.key }.map(\.key)) { json, id in
            let domain = snapshot.domains.first { $0.id == id }
            json.object { json in
                json.member("id", id)
                json.member("name", domain?.name)
                json.member("verdict", verdicts[id]?.word)
                json.key("vnodes")
                json.array((goals[id] ?? [:]).sorted { $0.key < $1.key }.map(\.key)) { json, number in
                    let vnode = domain?.vnodes.first { $0.number == number }
                    json.object { json in
                        // A whole domain has no vnode number.
                        json.member("vnode", number == HostDomain.whole ? nil : number)
                        json.member("target_kib", goals[id]?[number])
                        json.member("balloon_kib", vnode?.balloon)
                        json.member("state", vnode?.state?.rawValue)
                        json.member("reason", vnode?.reason?.rawValue)
                    }
                }
            }
        }
    }
}

struct HostWaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Wait until domains have reached their targets.")

    @Argument(help: "Domains, by name, number or UUID.")
    var domains: [String]

    @OptionGroup var waiting: HostWaitOptions

    @Flag(help: "Print JSON.")
    var json = false

    mutating func validate() throws {
        if domains.isEmpty { throw ValidationError("no domain is named") }
    }

    func run() throws {
        try Exit.onError {
            let session = try HostSession(waiting)
            let snapshot = try session.engine.read()
            var goals: [UInt16: [Int: KiB]] = [:]
            for domain in try session.domains(domains, snapshot) {
                goals[domain.id] = Self.targets(domain)
                guard domain.isManaged, goals[domain.id]?.isEmpty == false else {
                    throw BalloonError(
                        .busy, "domain \(domain.id) (\(domain.name)) has no targets: \(HostSetCommand.why(domain))")
                }
            }
            let waiting = HostWaiting(session: session, options: waiting)
            let (verdicts, last) = try waiting.run(goals, follows: true)
            if json {
                for domain in last.domains where goals[domain.id] != nil { goals[domain.id] = Self.targets(domain) }
                var writer = JSONWriter()
                writer.object { writer in
                    writer.member("schema", 1)
                    HostWaiting.write(verdicts, goals, last, &writer)
                }
                Terminal.show(writer.text)
            }
            if !HostWaiting.explain(verdicts, last) { throw Exit.temporary }
        }
    }

    private static func targets(_ domain: HostDomain) -> [Int: KiB] {
        Dictionary(uniqueKeysWithValues: domain.vnodes.compactMap { vnode in vnode.target.map { (vnode.number, $0) } })
    }
}
