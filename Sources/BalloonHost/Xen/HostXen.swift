/// The calls that the toolstack makes to Xen, about all domains and the machine.
public protocol HostXen: AnyObject {
    /// All domains, by number.
    func domains() throws(BalloonError) -> [DomainFacts]
    func machine() throws(BalloonError) -> MachineFacts
    /// Free memory of each physical node.
    func nodes() throws(BalloonError) -> [NodeFacts]
    /// The sizes of a domain's vnodes, by number; nil where it has no virtual NUMA.
    func vnodeSizes(_ domain: UInt16) throws(BalloonError) -> [KiB]?
    /// Sets the most memory that a domain may have.
    func setMax(_ domain: UInt16, kib: KiB) throws(BalloonError)
}

/// Xen's figures about a domain.
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
    public var pages: Frames
    public var maxPages: Frames
    public var vcpus: Int
    public var isPaused = false
    public var isDying = false
    public var isShutdown = false

    public init(id: UInt16, uuid: String, kind: Kind, pages: Frames, maxPages: Frames, vcpus: Int = 1) {
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
    public var totalPages: Frames
    public var freePages: Frames
    /// Promised to domains that are being built.
    public var claimedPages: Frames

    public init(totalPages: Frames, freePages: Frames, claimedPages: Frames = .zero) {
        self.totalPages = totalPages
        self.freePages = freePages
        self.claimedPages = claimedPages
    }
}

/// The memory of a physical node.
public struct NodeFacts: Equatable, Sendable {
    public var size: KiB
    public var free: KiB

    public init(size: KiB, free: KiB) {
        self.size = size
        self.free = free
    }
}
