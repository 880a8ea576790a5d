internal import CBalloonShim
internal import FoundationEssentials

/// libxl's own record of how a domain was built: the only place that tells which physical node a vnode lies on.
public enum UserData {
    public static let directory = "/var/lib/xen"
    /// More than any real one.
    static let mostBytes = 1 << 20

    private struct Record: Decodable {
        struct Build: Decodable {
            var nodes: [Node]?
            enum CodingKeys: String, CodingKey { case nodes = "vnuma_nodes" }
        }
        /// What has its default is left out, and node 0 is the default.
        struct Node: Decodable { var pnode: Int? }
        var build: Build?
        enum CodingKeys: String, CodingKey { case build = "b_info" }
    }

    /// The physical node of each vnode; nil where the record does not tell.
    public static func pnodes(domain: UInt16, uuid: String, in directory: String = directory) -> [Int]? {
        let path = "\(directory)/userdata-d.\(domain).\(uuid).libxl-json"
        guard let bytes = try? read(path, mostBytes: mostBytes) else { return nil }
        return parse(bytes)
    }

    /// Of a file's bytes.
    package static func parse(_ bytes: [UInt8]) -> [Int]? {
        // libxl writes C's NUL at its end, too.
        let text = bytes.last == 0 ? bytes.dropLast() : bytes[...]
        guard let record = try? JSONDecoder().decode(Record.self, from: Data(text)),
            let nodes = record.build?.nodes, nodes.count <= Int(CB_MAX_VNODES)
        else { return nil }
        let pnodes = nodes.map { $0.pnode ?? 0 }
        return pnodes.allSatisfy { (0..<4096).contains($0) } ? pnodes : nil
    }

    /// Root's alone, no link, not longer than it can be.
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
