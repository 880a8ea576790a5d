import ArgumentParser
import BalloonCore
import BalloonHost

struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "In dom0: manage the memory of physical nodes over all guests.",
        subcommands: [
            HostWatchCommand.self, HostListCommand.self, HostTopCommand.self, HostRecordCommand.self,
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

    /// - Throws: `.notRoot`, `.noXen`, `.environment` outside of dom0.
    init() throws(BalloonError) {
        try Exit.requireRoot()
        xen = try PrivcmdHost()
        engine = HostEngine(HostReader(xen: xen, store: try Xenstore()))
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

    /// Runs `body`, which writes, in a turn of its own.
    @discardableResult
    func turn<T>(_ body: () throws(BalloonError) -> T) throws(BalloonError) -> T {
        let lock = try HostLock.turn()
        defer { withExtendedLifetime(lock) {} }
        return try body()
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
