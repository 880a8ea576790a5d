/// The rows of one domain, read together with those of all others: first those that say what there is, then the rest.
struct DomainRows {
    let facts: DomainFacts
    private let name: RowBatch.Row
    private let domid: RowBatch.Row
    private let feature: RowBatch.Row
    private var rest: [String: RowBatch.Row] = [:]
    private var kept: [String: RowBatch.Row] = [:]
    private var vnodes: [VNode] = []

    private struct VNode {
        var target: RowBatch.Row
        var reports: [RowBatch.Row]
        var least: RowBatch.Row?
        var most: RowBatch.Row?
    }

    /// Below memory/, where the names do not say themselves.
    private static let memory = ["static-max", "target", "videoram", "dynamic-min", "dynamic-max"]
    private static let keptNames = ["uuid", "target", "yielded", "foreign", "constant", "min", "max"]

    init(_ facts: DomainFacts, _ batch: inout RowBatch) {
        self.facts = facts
        name = batch.want(HostRows.domain(facts.id) + "/name")
        domid = batch.want(HostRows.domid(facts.id))
        feature = batch.want(HostRows.feature(facts.id))
    }

    /// The directories whose names are needed to ask for the rest.
    var directories: [String] { [HostRows.domain(facts.id) + "/memory", HostRows.kept(facts.id)] }

    func isIntroduced(_ batch: RowBatch) -> Bool { facts.id == 0 || batch[domid] != nil }
    private func feature(_ batch: RowBatch) -> HostDomain.Feature { GuestText.feature(batch[feature]) }

    /// Wants the rest of an introduced domain.
    /// - Parameters:
    ///   - names: what is there, in the order of ``directories``.
    ///   - count: how many vnodes the domain has.
    mutating func wantRest(_ names: [[String]], count: Int, _ batch: inout RowBatch) {
        let home = HostRows.domain(facts.id)
        for name in Self.memory where names[0].contains(name) { rest[name] = batch.want("\(home)/memory/\(name)") }
        for name in Self.keptNames where names[1].contains(name) {
            kept[name] = batch.want(HostRows.kept(facts.id, name))
        }
        // Only guests that do not follow the interface are asked about Linux's own balloon.
        let feature = feature(batch)
        if feature != .on { rest["feature-balloon"] = batch.want(home + "/control/feature-balloon") }
        for number in 0..<count where feature != .absent {
            let directory = HostRows.vnode(facts.id, number)
            var vnode = VNode(
                target: batch.want(HostRows.target(facts.id, number)),
                reports: HostRows.reports.map { batch.want("\(directory)/\($0)") })
            if names[1].contains("vnode") {
                vnode.least = batch.want(HostRows.keptVNode(facts.id, number, "min"))
                vnode.most = batch.want(HostRows.keptVNode(facts.id, number, "max"))
            }
            vnodes.append(vnode)
        }
    }

    // MARK: What they say

    /// The domain without its vnodes.
    func domain(_ batch: RowBatch) -> HostDomain {
        var domain = HostDomain(facts: facts, name: GuestText.name(batch[name]))
        if domain.name == "?" && facts.id == 0 { domain.name = "Domain-0" }
        domain.isIntroduced = isIntroduced(batch)
        guard domain.isIntroduced && facts.id != 0 else { return domain }
        domain.staticMax = GuestText.kib(batch[rest["static-max"]])
        domain.video = GuestText.kib(batch[rest["videoram"]]).flatMap { $0 < .gib(1 << 10) ? $0 : nil } ?? .zero
        domain.legacyTarget = GuestText.kib(batch[rest["target"]])
        domain.feature = feature(batch)
        domain.hasOldBalloon = batch[rest["feature-balloon"]] == Array("1".utf8)
        // Rows of an earlier domain with the same number do not count.
        guard isOwn(batch) else { return domain }
        domain.keptTarget = batch[kept["target"]].map { String(decoding: $0, as: UTF8.self) }
        domain.isYielded = batch[kept["yielded"]] != nil
        domain.foreignTarget = GuestText.kib(batch[kept["foreign"]])
        domain.constant = GuestText.kib(batch[kept["constant"]])
        return domain
    }

    private func isOwn(_ batch: RowBatch) -> Bool { batch[kept["uuid"]] == Array(facts.uuid.utf8) }

    /// The reports of one vnode.
    func read(_ vnode: inout HostVNode, _ batch: RowBatch) {
        guard vnodes.indices.contains(vnode.number) else { return }
        let rows = vnodes[vnode.number]
        let reports = rows.reports.map { batch[$0] }
        vnode.missingRows = zip(HostRows.reports, reports).filter { $1 == nil }.map(\.0)
        vnode.target = GuestText.kib(batch[rows.target])
        vnode.acknowledged = GuestText.kib(reports[0])
        // A size above the vnode's is not believed.
        vnode.balloon = GuestText.kib(reports[1]).flatMap { $0 <= vnode.size ? $0 : nil }
        vnode.state = GuestText.word(reports[2], as: HostVNode.State.self)
        vnode.reason = GuestText.word(reports[3], as: HeldReason.self)
        vnode.grain = GuestText.grain(reports[4])
        vnode.short = min(GuestText.kib(reports[5]) ?? .zero, vnode.size)
    }

    /// The limits that an administrator set for this very domain.
    func ownLimits(_ batch: RowBatch) -> HostLimits {
        guard isOwn(batch) else { return HostLimits() }
        var limits = HostLimits(bounds(kept["min"], kept["max"], batch))
        for (number, vnode) in vnodes.enumerated() {
            let bounds = bounds(vnode.least, vnode.most, batch)
            if bounds != HostLimits.Bounds() { limits.vnodes[number] = bounds }
        }
        return limits
    }

    /// memory/dynamic-min and dynamic-max.
    func dynamicLimits(_ batch: RowBatch) -> HostLimits {
        HostLimits(bounds(rest["dynamic-min"], rest["dynamic-max"], batch))
    }

    private func bounds(_ least: RowBatch.Row?, _ most: RowBatch.Row?, _ batch: RowBatch) -> HostLimits.Bounds {
        HostLimits.Bounds(minimum: GuestText.kib(batch[least]), maximum: GuestText.kib(batch[most]))
    }
}
