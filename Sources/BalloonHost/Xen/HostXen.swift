public import BalloonCore

/// What the toolstack asks Xen, of all domains and of the machine.
public protocol HostXen: AnyObject {
    /// All domains, by number.
    func domains() throws(BalloonError) -> [DomainFacts]
    func machine() throws(BalloonError) -> MachineFacts
    /// Free memory of each physical node.
    func nodes() throws(BalloonError) -> [NodeFacts]
    /// The sizes of a domain's vnodes in KiB, by number; nil where it has no virtual NUMA.
    func vnodeSizesKiB(_ domain: UInt16) throws(BalloonError) -> [UInt64]?
    /// The most that a domain may have.
    func setMax(_ domain: UInt16, kib: UInt64) throws(BalloonError)
}

/// What Xen says of a domain.
public struct DomainFacts: Equatable, Sendable {
    public enum Kind: String, Sendable {
        case pv = "PV"
        case pvh = "PVH"
        case hvm = "HVM"
    }

    public var id: UInt16
    /// As text, with its dashes.
    public var uuid: String
    public var kind: Kind
    public var pages: UInt64
    public var maxPages: UInt64
    public var vcpus: Int
    public var isPaused = false
    public var isDying = false
    public var isShutdown = false

    public init(id: UInt16, uuid: String, kind: Kind, pages: UInt64, maxPages: UInt64, vcpus: Int = 1) {
        self.id = id
        self.uuid = uuid
        self.kind = kind
        self.pages = pages
        self.maxPages = maxPages
        self.vcpus = vcpus
    }
}

/// Pages of the machine.
public struct MachineFacts: Equatable, Sendable {
    public var totalPages: UInt64
    public var freePages: UInt64
    /// Promised to domains that are being built.
    public var claimedPages: UInt64

    public init(totalPages: UInt64, freePages: UInt64, claimedPages: UInt64 = 0) {
        self.totalPages = totalPages
        self.freePages = freePages
        self.claimedPages = claimedPages
    }
}

/// KiB of a physical node.
public struct NodeFacts: Equatable, Sendable {
    public var sizeKiB: UInt64
    public var freeKiB: UInt64

    public init(sizeKiB: UInt64, freeKiB: UInt64) {
        self.sizeKiB = sizeKiB
        self.freeKiB = freeKiB
    }
}
