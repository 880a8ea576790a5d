/// The report that `balloonctl host list` shows, for programs and for people.
public struct HostReport {
    public let snapshot: HostSnapshot
    /// Only these domains are shown; nil: all.
    let chosen: Set<UInt16>?
    /// The nodes on which memory lies; nil: Xen was not asked to count.
    let walk: NodeWalk?

    public init(_ snapshot: HostSnapshot, only chosen: Set<UInt16>? = nil, walk: NodeWalk? = nil) {
        self.walk = walk
        self.snapshot = snapshot
        self.chosen = chosen
    }

    var domains: [HostDomain] { snapshot.domains.filter { chosen?.contains($0.id) ?? true } }

    /// The size of a node's balloons, how much more they could give, and how many vnodes lie on the node.
    public func balloons(_ pnode: Int) -> (balloons: KiB, slack: KiB, vnodes: Int) {
        var (balloons, count) = (KiB.zero, 0)
        for domain in snapshot.domains {
            for vnode in domain.vnodes where vnode.pnode == pnode {
                count += 1
                balloons += vnode.balloon ?? .zero
            }
        }
        return (balloons, snapshot.seats(on: pnode).reduce(.zero) { $0 + $1.slack }, count)
    }

    public var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member("schema", 1)
            json.key("domains")
            json.array(domains) { json, domain in self.write(domain, &json) }
            json.member("measured_microseconds", walk.map(\.cost.wholeMicroseconds))
            json.key("pnodes")
            json.array(snapshot.nodes) { json, node in
                let (balloons, slack, vnodes) = self.balloons(node.number)
                json.object { json in
                    json.member("pnode", node.number)
                    json.member("span_kib", node.size)
                    json.member("free_kib", node.free)
                    json.member("reserved_kib", node.reserved)
                    json.member("balloons_kib", balloons)
                    json.member("can_be_freed_kib", slack)
                    json.member("usable_kib", self.snapshot.usable(node.number))
                    json.member("vnodes", vnodes)
                }
            }
            json.key("host")
            json.object { json in
                json.member("free_kib", self.snapshot.machine.freePages.kib)
                json.member("claimed_kib", self.snapshot.claimed)
            }
            json.key("reservations")
            json.array(snapshot.reservations) { json, reservation in Self.write(reservation, &json) }
        }
        return json.text
    }

    public static func write(_ reservation: Reservation, _ json: inout JSONWriter) {
        json.object { json in
            json.member("id", reservation.id)
            json.member("pnode", reservation.pnode)
            json.member("kib", reservation.kib)
            json.member("name", reservation.name)
            json.member("until", reservation.until)
        }
    }

    private func write(_ domain: HostDomain, _ json: inout JSONWriter) {
        json.object { json in
            json.member("id", domain.id)
            json.member("name", domain.name)
            json.member("uuid", domain.facts.uuid)
            json.member("type", domain.facts.kind.rawValue)
            json.member("vnuma", domain.hasVNUMA)
            json.member("feature", domain.feature.rawValue)
            json.member("pages", domain.facts.pages)
            json.member("max_pages", domain.facts.maxPages)
            json.member("static_max_kib", domain.staticMax)
            json.member("legacy_target_kib", domain.legacyTarget)
            json.member("legacy_target_kept", domain.keptTarget != nil)
            json.member("excluded", domain.exclusion?.rawValue)
            json.member("claims_kib", domain.claimed)
            json.member("xen_says_kib", domain.counted)
            json.member("contradiction", domain.contradiction != nil)
            json.key("vnodes")
            json.array(domain.vnodes) { json, vnode in Self.write(vnode, &json) }
            guard let pages = walk?.pages[domain.id] else { return }
            json.key("pages_by_pnode")
            json.array(snapshot.nodes.map { pages[$0.number] ?? .zero }) { json, count in json.value(count) }
        }
    }

    private static func write(_ vnode: HostVNode, _ json: inout JSONWriter) {
        json.object { json in
            json.member("vnode", vnode.number)
            json.member("pnode", vnode.pnode)
            json.member("size_kib", vnode.size)
            json.member("memory_kib", vnode.balloon.map { vnode.size - $0 })
            json.member("balloon_kib", vnode.balloon)
            json.member("target_kib", vnode.target)
            json.member("state", vnode.state?.rawValue)
            json.member("reason", vnode.reason?.rawValue)
            json.member("granularity_kib", vnode.grain)
            json.member("short_kib", vnode.short)
            json.member("min_kib", vnode.minimum)
            json.member("max_kib", vnode.maximum)
            json.member("excluded", vnode.exclusion?.rawValue)
        }
    }
}
