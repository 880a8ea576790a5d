import CBalloonShim
import Glibc
import Testing

@testable import VNodeBalloon

@Suite struct HolderServiceTests {
    func descriptor() throws -> FileDescriptor {
        // Unsafe: a C string for the call.
        FileDescriptor(unsafe open("/dev/null", O_RDONLY))
    }

    @Test func `a holder's requests and answers survive encoding and decoding`() {
        let requests: [HolderRequest] = [
            .hello, .keep("a.b-c_9"), .drop("x"), .get("x"), .names(prefix: "x", after: nil),
            .names(prefix: "x", after: "xyz"), .end,
        ]
        for request in requests {
            let line = HolderMessage.line(.max, request)
            #expect(HolderMessage.request(line)?.request == request && HolderMessage.request(line)?.number == .max)
        }
        let answers: [HolderAnswer] = [
            .hello(token: 3), .done, .here, .nothing, .names([], isMore: false), .names(["a", "b"], isMore: true),
            .refused(.descriptors), .refused(.request), .refused(.busy),
        ]
        for answer in answers { #expect(HolderMessage.answer(HolderMessage.line(5, answer))?.answer == answer) }
        let name = String(repeating: "n", count: HolderMessage.longestName)
        #expect(HolderMessage.line(.max, .names(prefix: name, after: name)).utf8.count <= HolderMessage.longestRequest)
    }

    @Test(arguments: [
        "", "\n", "1\n", "1 end", "1 end\n2 end\n", "1 end x\n", "1 keep\n", "1 keep a b\n", "1 keep a#1\n",
        "1 keep \u{e9}\n", "1 hello 1\n", "-1 end\n", "1  end\n", "18446744073709551616 end\n",
        "1 keep " + String(repeating: "n", count: 64) + "\n",
    ])
    func `a nonsensical line to the holder gets no reply`(_ text: String) {
        var service = HolderService(DescriptorStore(), token: 1)
        #expect(HolderMessage.request(text) == nil)
        #expect(service.reply(to: text, .none) == nil)
    }

    /// The page must leave room for the longest number.
    @Test func `a page of names fits the longest answer, and nearly fills it`() {
        let names = (0..<200).map { "name\($0)" }
        let line = HolderMessage.line(.max, HolderMessage.page(names))
        #expect(line.utf8.count <= HolderMessage.longestAnswer && line.utf8.count > HolderMessage.longestAnswer - 12)
    }

    @Test func `the holder serves a daemon from before the update, whose replaced pins it empties`() throws {
        var service = HolderService(DescriptorStore(), token: 1) { pin in
            // Unsafe: a C string for the call.
            let null = unsafe open("/dev/null", O_WRONLY)
            _ = cb_pin_clear(pin.rawValue, null)
            close(null)
        }
        var ends: [Int32] = [-1, -1]
        // Unsafe: two numbers for C to fill, and bytes to write.
        try #require(unsafe pipe(&ends) == 0 && write(ends[1], [UInt8](repeating: 1, count: 4096), 4096) == 4096)
        let old = FileDescriptor(ends[0])
        defer { close(ends[1]) }
        #expect(service.reply(to: "names x", .none)?.text == "-")
        #expect(service.reply(to: "keep x", .this(old))?.text == "ok")
        #expect(service.reply(to: "keep x", .this(old))?.text == "ok")
        #expect(cb_pin_count(old.rawValue) == 1)
        #expect(service.reply(to: "names x", .none)?.text == "x")
        #expect(
            service.reply(to: "get x", .none)?.descriptor === old && service.reply(to: "get y", .none)?.text == "no")
        #expect(service.reply(to: "end", .none)?.text == "no")
        // A daemon from before the update relies on this.
        #expect(service.reply(to: "keep x", .this(try descriptor()))?.text == "ok")
        #expect(cb_pin_count(old.rawValue) == 0)
        #expect(service.reply(to: "drop x", .none)?.text == "ok" && service.reply(to: "end", .none)?.isEnd == true)
        #expect(service.reply(to: "what", .none)?.text == "no" && service.reply(to: "keep x", .noRoom)?.text == "no")
    }

    /// In the new protocol the client empties a pin, once it is sure of the pin that replaces it.
    @Test func `the holder empties no pin that the new protocol replaces or drops`() throws {
        var service = HolderService(DescriptorStore(), token: 1)
        var ends: [Int32] = [-1, -1]
        // Unsafe: two numbers for C to fill, and bytes to write.
        try #require(unsafe pipe(&ends) == 0 && write(ends[1], [UInt8](repeating: 1, count: 4096), 4096) == 4096)
        let old = FileDescriptor(ends[0])
        defer { close(ends[1]) }
        _ = service.reply(to: "1 keep x\n", .this(old))
        _ = service.reply(to: "2 keep x\n", .this(try descriptor()))
        _ = service.reply(to: "3 keep y\n", .this(old))
        _ = service.reply(to: "4 drop y\n", .none)
        #expect(cb_pin_count(old.rawValue) == 1)
    }

    /// The service manager accepts no messages at first. The holder sends all of them later, in order.
    @Test func `a deaf service manager is sent everything later, a new pin before the old one's removal`() throws {
        final class Manager {
            var told: [String] = []
            var isDeaf = true
        }
        let manager = Manager()
        var store = DescriptorStore { text, _ in
            if !manager.isDeaf { manager.told.append(text) }
            return !manager.isDeaf
        }
        var ends: [Int32] = [-1, -1]
        // Unsafe: two numbers for C to fill.
        try #require(unsafe pipe(&ends) == 0)
        let (one, other) = (FileDescriptor(ends[0]), FileDescriptor(ends[1]))
        store.keep("x", one)
        store.keep("x", try descriptor())
        store.keep("y", other)
        #expect(store.hasMoreToTell && manager.told == [])
        manager.isDeaf = false
        store.tellMore()
        #expect(!store.hasMoreToTell)
        #expect(
            manager.told == [
                "FDSTORE=1\nFDPOLL=0\nFDNAME=x#1", "FDSTORE=1\nFDPOLL=0\nFDNAME=x#2", "FDSTOREREMOVE=1\nFDNAME=x#1",
                "FDSTORE=1\nFDPOLL=0\nFDNAME=y#1",
            ])
    }

    /// A holder can be killed after it stored a new pin and before it removed the old one.
    @Test func `of two stored pins of one name the newer one is used`() throws {
        let (one, other, third) = (try descriptor(), try descriptor(), try descriptor())
        let store = DescriptorStore(stored: [("x#2", other), ("x#1", one), ("y#1", third), ("odd", try descriptor())])
        #expect(store.names(prefix: "") == ["x", "y"] && store.descriptor("x") === other)
    }

    /// A service manager refuses new descriptors while its store is full. The holder sends a new pin before it removes
    /// the old one, so it must not fill the store completely.
    @Test func `a pin is replaced in a full descriptor store without losing its place`() throws {
        final class Manager {
            var most = 0
            var stored: Set<String> = []
            func take(_ text: String) {
                let name = String(text.split(separator: "\n").last!.dropFirst("FDNAME=".count))
                if text.hasPrefix("FDSTOREREMOVE") {
                    stored.remove(name)
                } else if stored.count < most {
                    stored.insert(name)
                }
            }
        }
        let project = #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined()
        let unit = String(
            decoding: try readFile(project + "/packaging/vnode-balloon-hold.service", limit: 8192), as: UTF8.self)
        let line = try #require(unit.split(separator: "\n").first { $0.hasPrefix("FileDescriptorStoreMax=") })
        let manager = Manager()
        manager.most = try #require(Int(line.dropFirst("FileDescriptorStoreMax=".count)))
        var store = DescriptorStore { text, _ in
            manager.take(text)
            return true
        }
        let (one, other) = (try descriptor(), try pipeEnd())
        for index in 0...manager.most { store.keep("pin\(index)", one) }
        store.keep("pin7", other)
        #expect(manager.stored.contains("pin7#2") && !manager.stored.contains("pin7#1"))
    }

    private func pipeEnd() throws -> FileDescriptor {
        var ends: [Int32] = [-1, -1]
        // Unsafe: two numbers for C to fill.
        try #require(unsafe pipe(&ends) == 0)
        close(ends[1])
        return FileDescriptor(ends[0])
    }

    /// As many as 4 TiB need, in pins of 64 pages.
    @Test func `a store keeps 32768 names`() throws {
        var store = DescriptorStore()
        let one = try descriptor()
        for index in 0..<32_768 { store.keep("pin\(index)", one) }
        #expect(store.names(prefix: "pin").count == 32_768)
    }
}
