import ArgumentParser
import BalloonCore
import BalloonHost

struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "In dom0: manage the memory of physical nodes over all guests.",
        subcommands: [
            HostWatchCommand.self, HostListCommand.self, HostTopCommand.self, HostRecordCommand.self,
            HostMetricsCommand.self,
            HostFreeCommand.self, HostSetCommand.self,
            HostLimitsCommand.self,
            HostWaitCommand.self, HostReserveCommand.self, HostUnreserveCommand.self, HostRunCommand.self,
            HostBalanceCommand.self,
            HostYieldCommand.self, HostTakeCommand.self, HostReleaseCommand.self, HostPrepareCommand.self,
            HostDoctorCommand.self,
        ])

    func run() throws { throw ValidationError("a command of `balloonctl host` is missing") }
}

/// Xen and xenstore as dom0 sees them.
struct HostSession {
    let engine: HostEngine
    let xen: PrivcmdHost
    let silence: HostSilence

    /// - Parameters:
    ///   - waiting: the options of a command that waits for guests.
    ///   - patience: how long a question to xenstore waits for its answer.
    /// - Throws: `.notRoot`, `.noXen`, `.environment` outside of dom0.
    init(
        _ waiting: HostWaitOptions? = nil, patience: Interval = HostSilence.patience
    ) throws(BalloonError) {
        silence = HostSilence(waiting)
        try Exit.requireRoot()
        xen = try PrivcmdHost()
        let store = try Xenstore(patience: patience)
        engine = HostEngine(HostReader(xen: xen, store: store))
        store.whileWaiting = { [silence] in silence.wait($0) }
    }

    static var now: Moment { .now }

    /// The named domains. All of them must exist.
    func domains(_ names: [String], _ snapshot: HostSnapshot) throws(BalloonError) -> [HostDomain] {
        var found: [HostDomain] = []
        for name in names {
            let domain = try snapshot.domain(name)
            guard !domain.isToolstack else { throw BalloonError(.usage, "Domain-0 has no balloon that is managed") }
            if !found.contains(domain) { found.append(domain) }
        }
        return found
    }

    /// Runs `body`, which writes, in a turn of its own. Reservations that are over do not count in it.
    @discardableResult
    func turn<T>(_ body: () throws(BalloonError) -> T) throws(BalloonError) -> T {
        let lock = try HostLock.turn(patience: HostSilence.patience + HostLock.patience) {
            silence.check("another `balloonctl host` is writing")
        }
        defer { withExtendedLifetime(lock) {} }
        try engine.ledger.expire(now: WallClock.seconds) { HostLock.isKept($0) }
        return try body()
    }

    /// Reads, and says for how long xenstore was silent meanwhile.
    func read(rowsOf chosen: Set<UInt16>) throws(BalloonError) -> (snapshot: HostSnapshot, silence: Interval) {
        let begin = Self.now
        let snapshot = try engine.reader.read(rowsOf: chosen)
        let taken = Self.now - begin
        return (snapshot, taken >= HostSilence.least ? taken : .zero)
    }
}

/// What a command does while xenstored does not answer: it says so, and waits for a minute. A command that has asked
/// guests for memory would otherwise leave them to themselves because of a xenstored that is only slow.
final class HostSilence {
    static let patience: Interval = .seconds(60)
    /// A reading that took less had its answers.
    static let least: Interval = .seconds(1)
    private static let untold: Interval = .seconds(2)

    /// Whether to go on waiting for guests: throws on Ctrl-C, and at the end of `--timeout`.
    var isOver: (() throws -> Void)?
    private var isTold = false
    private let begin = HostSession.now
    private let timeout: UInt64

    init(_ waiting: HostWaitOptions?) { timeout = waiting?.timeout ?? 0 }

    func wait(_ waited: Interval) {
        if waited >= Self.untold && !isTold {
            isTold = true
            Terminal.endProgress()
            Terminal.remark("xenstore does not answer; waiting for it")
        }
        check("xenstore does not answer")
    }

    /// Ends the program on Ctrl-C, and at the end of `--timeout`.
    func check(_ why: String) {
        do { try isOver?() } catch { Balloonctl.exit(withError: error) }
        // Before there is anything to wait for.
        if timeout > 0 && HostSession.now >= begin + .seconds(timeout) {
            Terminal.complain("not done after \(timeout) s: \(why)")
            Balloonctl.exit(withError: Exit.temporary)
        }
    }
}

/// A size with its unit, as an argument.
struct SizeArgument: ExpressibleByArgument, Equatable {
    let kib: KiB

    init?(argument: String) {
        guard let size = Size(argument)?.kib, size <= Seat.largest else { return nil }
        kib = size
    }
}

/// "2=64m": a number and a size.
struct NumberedSize: ExpressibleByArgument, Equatable {
    let number: Int
    let kib: KiB

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, let number = decimalNumber(Array(parts[0].utf8)), number < 4096,
            let size = SizeArgument(argument: parts[1])
        else { return nil }
        self.number = Int(number)
        kib = size.kib
    }
}
