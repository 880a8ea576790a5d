internal import Glibc
internal import Logging

// What is published for the toolstack.
extension VNodeInterface {
    /// Writes what is due. Returns when more will be, nil when nothing is left.
    public func publish(_ states: [VNodeState], now: Moment) throws(BalloonError) -> Moment? {
        let rows = rows(states)
        let due = schedule.due(rows, now: now)
        if !due.isEmpty {
            do throws(BalloonError) { try write(due) } catch {
                // The row may have been written all the same, if only the answer came too late.
                for vnode in due.keys { schedule.forget(vnode) }
                throw error
            }
            schedule.wrote(due, now: now)
        }
        let next = schedule.nextDue(rows, now: now)
        // The feature means that every vnode is published: its size, or why it is not known.
        let isBeingAudited = states.contains(where: \.isBeingAudited)
        if publishedFeature == nil && next == nil && !isBeingAudited { try writeFeature("1") }
        return next
    }

    /// Publishes the end of the daemon. The balloons stay as they are.
    /// - Parameter isEmpty: whether nothing at all is given; nil: not known.
    public func publishStopped(_ states: [VNodeState], isEmpty: Bool?, now: Moment) throws(BalloonError) {
        var rows = rows(states)
        for vnode in rows.keys {
            rows[vnode]?.activity = .stopped
            // If the size is not known the row keeps an old one, and the reason says so.
            let isKnown = rows[vnode]?.balloon != nil
            rows[vnode]?.reason = isKnown ? nil : .looking
        }
        try write(rows)
        // A toolstack must not go back to memory/target while memory is given, or may be.
        try writeFeature(isEmpty == true ? "0" : "1")
        try publishNothingShort()
    }

    /// Publishes everything again: after a resume, other nodes may be all that is left.
    public func forgetPublished() {
        schedule.forget()
        short.forget()
        publishedDrift = .zero
        publishedElsewhere = [:]
        publishedFeature = nil
    }

    /// Says how much memory Linux's own balloon took back beside ours, in the guest's own part of xenstore.
    /// - Throws: `.store`.
    public func publish(drifted: KiB) throws(BalloonError) {
        guard drifted != publishedDrift else { return }
        try writeRow(Self.drifted, "\(drifted)", nil)
        publishedDrift = drifted
    }

    /// Says how much of the vnodes' memory came from other physical nodes, in the guest's own part of xenstore. A vnode
    /// that never had any has no row; one of an earlier process is brought up to date.
    /// - Parameter frames: by vnode; what is not known is left as it is.
    /// - Throws: `.store`.
    public func publish(elsewhere frames: [Int: Frames]) throws(BalloonError) {
        for (vnode, frames) in frames.sorted(by: { $0.key < $1.key }) where frames != publishedElsewhere[vnode] {
            let row = "data/balloon-vnode/vnode\(vnode)/other-pnode"
            var isTold = frames > .zero || publishedElsewhere[vnode] != nil
            if !isTold { isTold = try value(row) != nil }
            if isTold { try writeRow(row, "\(frames.kib)", nil) }
            publishedElsewhere[vnode] = frames
        }
    }

    private func rows(_ states: [VNodeState]) -> [Int: VNodeRows] {
        var rows: [Int: VNodeRows] = [:]
        for state in states where !absent.contains(state.vnode.number) {
            rows[state.vnode.number] = VNodeRows(
                acknowledged: acknowledged[state.vnode.number] ?? "", balloon: state.balloon,
                activity: state.activity, reason: state.reason, granularity: granularity)
        }
        return rows
    }

    /// In one transaction, so that the toolstack never sees an old size beside a new state. One row alone needs none. A
    /// transaction costs two more messages, each of which takes as long as moving 2 MiB.
    private func write(_ rows: [Int: VNodeRows]) throws(BalloonError) {
        let changes = rows.sorted { $0.key < $1.key }.flatMap { (vnode, row) in
            row.values(after: schedule.written(vnode)).map {
                (path: "\(place.directory(vnode: vnode))/\($0.name)", value: $0.value)
            }
        }
        if changes.isEmpty { return }
        if changes.count == 1 { return try writeRow(changes[0].path, changes[0].value, nil) }
        try store.transaction { (transaction) throws(BalloonError) in
            for (path, value) in changes { try self.writeRow(path, value, transaction) }
        }
    }

    /// A row that the toolstack did not give us is passed over; so is one that went while we wrote.
    func writeRow(_ path: String, _ value: String, _ transaction: Transaction?) throws(BalloonError) {
        do throws(BalloonError) {
            try store.write(path, value, in: transaction)
        } catch {
            guard error.errno == EACCES || error.errno == ENOENT else { throw error }
            log.debug("not writable in xenstore", metadata: ["path": "\(path)"])
        }
    }

    private func writeFeature(_ value: String) throws(BalloonError) {
        publishedFeature = nil
        try writeRow(place.feature, value, nil)
        publishedFeature = value
    }
}
