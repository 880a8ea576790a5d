import Glibc
import Oracles
import Simulation
import Testing

/// A short form of what the fuzzer does at length: it tries the fuzzer's corpus, and random changes of it.
@Suite struct OracleTests {
    static let corpus = "\(#filePath)".split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Fuzz/Corpus/"

    static func files(_ oracle: Oracle) throws -> [(name: String, bytes: [UInt8])] {
        var names: [String] = []
        // Unsafe, here and below: C reads a path that Swift lends it, and fills what is passed along with its length.
        guard let directory = unsafe opendir(corpus + oracle.rawValue) else { return [] }
        defer { _ = unsafe closedir(directory) }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return try names.sorted().map { name in
            let file = unsafe open(corpus + oracle.rawValue + "/" + name, O_RDONLY)
            try #require(file >= 0)
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: 16384)
            let length = unsafe read(file, &bytes, bytes.count)
            return (name, Array(bytes.prefix(max(0, length))))
        }
    }

    @Test(arguments: Oracle.allCases)
    func `each file of the fuzzer's corpus passes its oracle`(_ oracle: Oracle) throws {
        let files = try Self.files(oracle)
        #expect(files.count >= 10)
        for (name, bytes) in files {
            #expect(throws: Never.self, "\(name)") { try oracle.examine(bytes) }
        }
    }

    @Test(arguments: Oracle.allCases)
    func `random changes of the fuzzer's corpus pass their oracle`(_ oracle: Oracle) throws {
        let files = try Self.files(oracle).map(\.bytes)
        property("\(oracle)", cases: oracle == .request ? 100 : 2000) { random in
            var bytes = random.pick(files)
            for _ in 0..<random.number(1...4) { Self.change(&bytes, &random) }
            try oracle.examine(bytes)
        }
    }

    private static func change(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        let place = random.number(0...bytes.count)
        switch random.number(0...3) {
        case 0: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        case 1 where place < bytes.count: bytes.remove(at: place)
        case 2 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.number(0...7))
        default: bytes.insert(contentsOf: bytes.dropFirst(random.number(0...bytes.count)).prefix(16), at: place)
        }
    }
}
