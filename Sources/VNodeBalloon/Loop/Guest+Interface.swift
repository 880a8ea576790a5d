internal import Logging

extension Guest {
    /// The interface in xenstore of this guest's vnodes: see ``VNodeInterface``.
    /// - Throws: `.store`.
    func interface(
        _ store: any Store, isWatching: Bool = true, log: Logger
    ) throws(BalloonError) -> VNodeInterface {
        try VNodeInterface(
            store, vnodes: mover.domainVNodes, granularity: mover.granularity, isWatching: isWatching,
            log: log)
    }
}
