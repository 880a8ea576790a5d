/// A line of the toolstack's daemon, and what programs look for in it.
public struct HostMessage: Equatable, Sendable {
    public let text: String
    /// The fields for the journal, which the text tells already. A field may have several values: a domain lies on more
    /// than one physical node.
    public private(set) var fields: [String: [String]]

    /// - Parameter domains: with these, the text begins behind their names.
    init(_ text: String, _ event: JournalEvent?, of domains: [HostDomain] = []) {
        self.text = text
        fields = [:]
        if let event { add(JournalEvent.field, [event.rawValue]) }
        add("DOMAIN", domains.map { "\($0.id)" })
        add("DOMAIN_NAME", domains.map(\.name))
        add("DOMAIN_UUID", domains.map(\.facts.uuid))
        add("PNODE", Set(domains.flatMap { $0.vnodes.compactMap(\.pnode) }).sorted().map { "\($0)" })
    }

    /// A line about one domain, with its name in front.
    init(_ domain: HostDomain, _ text: String, _ event: JournalEvent) {
        self.init("domain \(domain.id) (\(domain.name)): \(text)", event, of: [domain])
    }

    /// Domains that are gone have only their numbers.
    init(gone: [UInt16]) {
        let numbers = gone.map { "\($0)" }
        self.init("gone: domain \(numbers.joined(separator: ", "))", .gone)
        add("DOMAIN", numbers)
    }

    /// What failed, and the domain that it was about.
    init(_ error: BalloonError, _ text: String? = nil, of domain: HostDomain? = nil) {
        self.init(text ?? error.description, error.code == .store ? .store : nil, of: domain.map { [$0] } ?? [])
        add("CODE", ["\(error.code)"])
    }

    private mutating func add(_ name: String, _ values: [String]) {
        if !values.isEmpty { fields[name] = values }
    }
}
