/// Something that an audit found.
public struct AuditFinding: Decodable, Equatable, Sendable {
    /// What is wrong. The words are used in JSON.
    public enum Kind: String, Decodable, Sendable {
        /// A frame that is ballooned out is RAM: another program populated it.
        case ramInBalloon = "ram-in-balloon"
        /// A frame that we believe to be RAM is a hole.
        case holeInReserve = "hole-in-reserve"
        /// A slot has no page.
        case noPage = "no-page"
        /// A slot has a different page than before.
        case moved
        /// A frame is neither RAM nor a hole.
        case unknownType = "unknown-type"
        /// The file ends earlier than it did.
        case fileShorter = "file-shorter"
        /// The file is longer than it was.
        case fileLonger = "file-longer"
        /// Another program removed or renamed the file.
        case fileRemoved = "file-removed"
        /// The file's name leads to another file.
        case fileReplaced = "file-replaced"
        /// One of three: a hole that is no longer in our file and could not be populated yet; a page that the kernel
        /// does not map any more; or, without a frame number, pages that left the file while no daemon ran and that
        /// stay pinned.
        case lost
        /// Memory that Xen does not have and that no balloon accounts for.
        case unaccounted
    }

    public let vnode: Int
    public let slot: Int
    /// The first frame concerned; 0 where there is none.
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

    /// Writes the members of its JSON object.
    public func write(to json: inout JSONWriter) {
        json.member(CodingKeys.vnode, vnode)
        json.member(CodingKeys.slot, slot)
        json.member(CodingKeys.gfn, gfn)
        json.member(CodingKeys.kind, kind.rawValue)
    }

    /// Writes the members for memory that no balloon accounts for: it has a size, and no vnode, slot or frame.
    public static func writeUnaccounted(_ size: KiB, to json: inout JSONWriter) {
        json.member(CodingKeys.vnode, Int?.none)
        json.member(CodingKeys.slot, Int?.none)
        json.member(CodingKeys.gfn, UInt64?.none)
        json.member(CodingKeys.kind, Kind.unaccounted.rawValue)
        json.member("kib", size)
    }
}
