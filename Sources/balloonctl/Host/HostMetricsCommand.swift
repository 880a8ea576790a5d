import ArgumentParser
import BalloonCore
import BalloonHost

/// Only reads: it takes no lock, and needs no daemon.
struct HostMetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Print figures for Prometheus.",
        discussion: """
            The format is that of node_exporter's textfile collector. Without the daemon the figures say so \
            (vnode_balloon_host_daemon_up 0). While xenstore does not answer they are those of Xen alone \
            (vnode_balloon_host_xenstore_up 0). The command does not fail then.

            \(Exit.codes((Exit.inputOutput, "the output cannot be written"), (Exit.unavailable, "this is not dom0")))
            """)

    @OptionGroup var destination: MetricsDestination

    func run() throws {
        try Exit.onError {
            try Exit.requireRoot()
            let xen = try PrivcmdHost()
            let rows = try Self.read(xen)
            let metrics = HostMetrics(
                version: Balloonctl.configuration.version, isWatched: HostLock.hasDaemon(),
                try rows ?? HostSnapshot(withoutRows: xen), hasRows: rows != nil)
            try destination.write(metrics.text)
        }
    }

    /// nil: xenstore does not answer.
    private static func read(_ xen: PrivcmdHost) throws(BalloonError) -> HostSnapshot? {
        guard let store = try? Xenstore() else { return nil }
        do throws(BalloonError) { return try HostReader(xen: xen, store: store).read() } catch {
            guard error.code == .store else { throw error }
            return nil
        }
    }
}
