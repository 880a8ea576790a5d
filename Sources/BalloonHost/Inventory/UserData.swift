internal import CBalloonShim
internal import FoundationEssentials

/// libxl's own record of how a domain was built. It is the only place that names the physical node of a vnode.
public enum UserData {
    public static let directory = "/var/lib/xen"
    /// More than the size of any real record.
    static let mostBytes = 1 << 20

    private struct Record: Decodable {
        struct Build: Decodable {
            var nodes: [Node]?
            enum CodingKeys: String, CodingKey { case nodes = "vnuma_nodes" }
        }
        /// libxl leaves out default values, and node 0 is the default.
        struct Node: Decodable { var pnode: Int? }
        var build: Build?
        enum CodingKeys: String, CodingKey { case build = "b_info" }
    }

    /// The physical node of each vnode; nil where the record does not name it.
    public static func pnodes(domain: UInt16, uuid: String, in directory: String = directory) -> [Int]? {
        let path = "\(directory)/userdata-d.\(domain).\(uuid).libxl-json"
        guard let bytes = try? read(path, mostBytes: mostBytes) else { return nil }
        return parse(bytes)
    }

    /// Parses the bytes of a record.
    package static func parse(_ bytes: [UInt8]) -> [Int]? {
        // libxl also writes the C string's final NUL.
        let text = bytes.last == 0 ? bytes.dropLast() : bytes[...]
        guard let record = try? JSONDecoder().decode(Record.self, from: Data(text)),
            let nodes = record.build?.nodes, nodes.count <= Int(CB_MAX_VNODES)
        else { return nil }
        let pnodes = nodes.map { $0.pnode ?? 0 }
        return pnodes.allSatisfy { (0..<4096).contains($0) } ? pnodes : nil
    }

    /// Reads a file that only root can write, that is no link, and that is not too long.
    static func read(_ path: String, mostBytes: Int) throws(BalloonError) -> [UInt8] {
        let file = try FileDescriptor.open(path, .read, "cannot open \(path)")
        let info = try file.info()
        guard info.owner == cb_effective_user(), info.mode & 0o022 == 0, info.bytes <= UInt64(mostBytes) else {
            throw BalloonError(.environment, "\(path) is not root's alone, or too long")
        }
        var length: Int64 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: mostBytes) { buffer, count in
            // Unsafe: the shim fills at most the capacity and says how much.
            unsafe length = cb_file_read(file.rawValue, 0, buffer.baseAddress, mostBytes)
            count = max(0, Int(length))
        }
        try check(length, "cannot read \(path)")
        return bytes
    }
}
