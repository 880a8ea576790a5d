/// The daemon's watches in xenstore: domains that come and go, and two paths of each domain. What xenstore did not answer
/// is asked again at the next turn: without its watch a domain would be looked at only now and then.
package struct DomainWatches {
    private static let always = ["@introduceDomain", "@releaseDomain", HostRows.domains]

    private var watched: Set<UInt16> = []
    private var missing = Self.always

    private static func paths(_ id: UInt16) -> [String] {
        ["memory", "control"].map { HostRows.domain(id) + "/" + $0 }
    }

    package init() {}

    /// Sets the watches that are missing, and removes those of domains that are gone.
    /// - Throws: `.store`: some are missing still.
    package mutating func follow(_ ids: Set<UInt16>, _ store: any ToolstackStore) throws(BalloonError) {
        for id in watched.subtracting(ids) {
            for path in Self.paths(id) { try? store.unwatch(path, token: "d\(id)") }
        }
        watched.formIntersection(ids)
        while let path = missing.last {
            try store.watch(path, token: path)
            missing.removeLast()
        }
        for id in ids.subtracting(watched) {
            for path in Self.paths(id) { try store.watch(path, token: "d\(id)") }
            watched.insert(id)
        }
    }
}
