import ArgumentParser
import BalloonCore
import BalloonHost

struct HostReserveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reserve", abstract: "Free memory of a physical node, and keep it free.")

    @Argument(help: "How much memory; with LEAST..MOST as much of it as there is.")
    var size: String

    @Option(help: "The physical node.")
    var pnode: Int

    @Option(name: .customLong("for"), help: "Who the memory is for: a name for the list.")
    var name: String = ""

    @Option(help: "Seconds until the reservation expires.")
    var ttl: UInt64?

    @OptionGroup var waiting: HostWaitOptions

    @Flag(help: "Print JSON.")
    var json = false

    mutating func validate() throws {
        guard Self.range(size) != nil else { throw ValidationError("not a size, or LEAST..MOST: \(size)") }
        guard (0..<4096).contains(pnode) else { throw ValidationError("not a physical node: \(pnode)") }
        guard name.utf8.count <= 64, name.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw ValidationError("--for takes 64 plain characters without spaces at most")
        }
        if let ttl, !(1...86400 * 365).contains(ttl) { throw ValidationError("--ttl is 1 second to a year") }
    }

    private static func range(_ text: String) -> ClosedRange<KiB>? {
        guard let dots = text.firstRange(of: "..") else {
            return SizeArgument(argument: text).map { $0.kib...$0.kib }
        }
        guard let least = SizeArgument(argument: String(text[..<dots.lowerBound])),
            let most = SizeArgument(argument: String(text[dots.upperBound...])), least.kib <= most.kib
        else { return nil }
        return least.kib...most.kib
    }

    func run() throws {
        try Exit.onError {
            guard let range = Self.range(size) else { return }
            let session = try HostSession(waiting)
            let reserving = HostReserving(session, waiting)
            let (reservation, bond) = try reserving.reserve(pnode, range, name: name, ttl: ttl)
            try reserving.keep(reservation, bond)
            if json {
                var writer = JSONWriter()
                HostReport.write(reservation, &writer)
                Terminal.show(writer.text)
            } else {
                Terminal.show(
                    "reservation \(reservation.id): \(Size.text(reservation.kib)) of physical node \(pnode)")
            }
        }
    }
}

/// Reserves memory. The reservation is written before the memory is freed, so that no other plan takes it. Until then it
/// ends with this process, whatever ends that: nobody else knows its number.
struct HostReserving {
    let session: HostSession
    let waiting: HostWaitOptions

    init(_ session: HostSession, _ waiting: HostWaitOptions) {
        self.session = session
        self.waiting = waiting
    }

    func reserve(
        _ pnode: Int, _ range: ClosedRange<KiB>, name: String, ttl: UInt64?
    ) throws -> (Reservation, HostLock) {
        let engine = session.engine
        let (reservation, bond) = try session.turn { () throws(BalloonError) in
            let snapshot = try engine.read()
            let wish = FreeTask.Wish(pnode: pnode, kib: range.upperBound, isMore: false)
            guard pnode < snapshot.nodes.count else {
                throw BalloonError(.usage, "there is no physical node \(pnode): this host has \(snapshot.nodes.count)")
            }
            let missing = FreeTask([wish], FreeTask.Options(), snapshot).plan(snapshot).short[0]
            guard range.upperBound - min(missing, range.upperBound) >= range.lowerBound else {
                throw BalloonError(
                    .busy,
                    "physical node \(pnode): \(Size.text(range.upperBound)) wanted, \(Size.text(missing)) of that"
                        + " are neither free nor can be freed")
            }
            let until = ttl.map { WallClock.seconds + $0 }
            return try engine.ledger.bind(
                pnode: pnode, kib: range.upperBound - missing, name: name, until: until)
        }
        do { try free(pnode) } catch {
            try? giveUp(reservation, bond)
            throw error
        }
        return (reservation, bond)
    }

    /// It stays when this process has ended.
    /// - Throws: `.busy` when somebody removed it meanwhile: others may have the memory.
    func keep(_ reservation: Reservation, _ bond: HostLock) throws {
        let engine = session.engine
        let isThere = try session.turn { () throws(BalloonError) in try engine.ledger.unbind(reservation.id) }
        withExtendedLifetime(bond) { HostLock.forget(reservation.id) }
        guard isThere else {
            throw BalloonError(.busy, "reservation \(reservation.id) was ended while its memory was being freed")
        }
    }

    /// Frees just the reserved memory.
    private func free(_ pnode: Int) throws {
        let wish = FreeTask.Wish(pnode: pnode, kib: .zero, isMore: false)
        try HostFreeing(session, try HostFreeOptions.parse([]), waiting, [wish], isJSON: false).runQuietly()
    }

    func giveUp(_ reservation: Reservation, _ bond: HostLock) throws {
        let engine = session.engine
        _ = try session.turn { () throws(BalloonError) in try engine.ledger.remove(reservation.id) }
        withExtendedLifetime(bond) { HostLock.forget(reservation.id) }
    }
}

struct HostUnreserveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unreserve", abstract: "End a reservation.")

    @Argument(help: "The reservation's number, which `host reserve` and `host list --json` show.")
    var id: String

    func run() throws {
        try Exit.onError {
            let session = try HostSession()
            let found = try session.turn { () throws(BalloonError) in try session.engine.ledger.remove(id) }
            if !found {
                throw BalloonError(.usage, "there is no reservation \(TargetText(untrusted: Array(id.utf8)).printable)")
            }
        }
    }
}

struct HostRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Free memory, and keep it free for one command.",
        discussion: "balloonctl host run --pnode 1=4g -- xl create guest.cfg")

    @Option(
        help: ArgumentHelp("A physical node and how much of it. Repeat it for several nodes.", valueName: "pnode=size")
    )
    var pnode: [NumberedSize]

    @OptionGroup var waiting: HostWaitOptions

    @Argument(parsing: .captureForPassthrough, help: "The command to run.")
    var command: [String]

    mutating func validate() throws {
        if command.first == "--" { command.removeFirst() }
        guard !pnode.isEmpty else { throw ValidationError("of which physical node? --pnode P=SIZE") }
        guard !command.isEmpty else { throw ValidationError("which command? `-- COMMAND`") }
    }

    func run() throws {
        var code: Int32 = 0
        try Exit.onError {
            let reserving = HostReserving(try HostSession(waiting), waiting)
            var reservations: [(Reservation, HostLock)] = []
            defer { for (reservation, bond) in reservations { try? reserving.giveUp(reservation, bond) } }
            for wanted in pnode {
                reservations.append(
                    try reserving.reserve(wanted.number, wanted.kib...wanted.kib, name: "run", ttl: nil))
            }
            code = try ThisProcess.run(command)
        }
        if code != 0 { throw ExitCode(code) }
    }
}
