/// Something that an audit found.
public struct AuditFinding: Decodable, Equatable, Sendable {
    /// What is wrong. The words stand in JSON.
    public enum Kind: String, Decodable, Sendable {
        /// A frame that is ballooned out is RAM: another program populated it.
        case ramInBalloon = "ram-in-balloon"
        /// A frame that we believe to be RAM is a hole.
        case holeInReserve = "hole-in-reserve"
        /// A slot has no page.
        case noPage = "no-page"
        /// A slot has another page than before.
        case moved
        /// Neither RAM nor a hole.
        case unknownType = "unknown-type"
        /// The file ends earlier than it did.
        case fileShorter = "file-shorter"
        /// The file is longer than it was.
        case fileLonger = "file-longer"
        /// Another program removed or renamed the file.
        case fileRemoved = "file-removed"
        /// The file's name leads to another file.
        case fileReplaced = "file-replaced"
        /// A hole that is not in our file any more, and that could not be populated yet; a page that the kernel maps no
        /// more; or, without a frame number, pages that left the file while no daemon ran: they stay pinned.
        case lost
        /// Memory that Xen does not have and that no balloon accounts for.
        case unaccounted
    }

    public let vnode: Int
    public let slot: Int
    /// The first frame that it was seen on; 0 where there is none.
    public let gfn: UInt64
    public let kind: Kind

    public init(vnode: Int, slot: Int, gfn: UInt64, kind: Kind) {
        self.vnode = vnode
        self.slot = slot
        self.gfn = gfn
        self.kind = kind
    }

    enum CodingKeys: String, CodingKey {
        case vnode
        case slot
        case gfn
        case kind
    }

    /// The members of its object in JSON.
    public func write(to json: inout JSONWriter) {
        json.member(CodingKeys.vnode, vnode)
        json.member(CodingKeys.slot, slot)
        json.member(CodingKeys.gfn, gfn)
        json.member(CodingKeys.kind, kind.rawValue)
    }

    /// The same of memory that no balloon accounts for: of no vnode, slot and frame, but of a size.
    public static func writeUnaccounted(_ size: KiB, to json: inout JSONWriter) {
        json.member(CodingKeys.vnode, Int?.none)
        json.member(CodingKeys.slot, Int?.none)
        json.member(CodingKeys.gfn, UInt64?.none)
        json.member(CodingKeys.kind, Kind.unaccounted.rawValue)
        json.member("kib", size)
    }
}
