import Simulation
import Testing
import VNodeBalloon

@Suite struct ZoneInfoTests {
    /// Two nodes as Linux 6.1 shows them, shortened. The first node has two zones, the second one a Device zone.
    static let text = """
        Node 0, zone      DMA
          per-node stats
              nr_inactive_file 300
              nr_active_file 5000
              nr_slab_reclaimable 101
              nr_slab_unreclaimable 7777
              nr_kernel_misc_reclaimable 9
          pages free     3840
                boost    0
                min      100
                low      125
                high     150
                spanned  4095
                present  3998
                managed  3840
                cma      0
          start_pfn:           1
        Node 0, zone    DMA32
          pages free     60000
                min      1000
                low      1250
                high     1500
                spanned  126976
                present  126976
                managed  120000
          pagesets
            cpu: 0
                      count: 5
                      high:  378
                      batch: 63
            cpu: 1
                      count: 20
                      high:  378
          start_pfn:           4096
        Node 0, zone   Normal
          pages free     0
                min      0
                high     0
                spanned  0
                present  0
                managed  0
        Node 1, zone    DMA32
          per-node stats
              nr_inactive_file 10
          pages free     70000
                low      1400
                high     1600
                spanned  131072
                managed  130000
          start_pfn:           131072
        Node 1, zone   Device
          pages free     0
                high     9
                spanned  500000
                managed  500000
          start_pfn:           1048576
        """

    static func parse(_ text: String) -> ZoneInfo { ZoneInfo(parsing: Array(text.utf8).span) }

    @Test func `zones of zoneinfo have their node and frames, without Device and empty zones`() {
        let zones = Self.parse(Self.text).zones
        #expect(zones.map(\.node) == [0, 0, 1])
        #expect(zones.map(\.frames) == [1..<4096, 4096..<131072, 131072..<262144])
    }

    @Test func `a node's free and available memory is summed over its zones`() {
        let memory = Self.parse(Self.text).memory
        // Of the two lists of file pages all but the low watermarks count, and of the small slab a half.
        let free0: KiB = 63_840 - 1650
        let given0: KiB = 5300 - 1375 + 110 - 55
        let node0 = NodeMemory(managed: 123_840 * 4, free: free0 * 4, available: (free0 + given0) * 4)
        #expect(memory[0] == node0)
        let node1 = NodeMemory(
            managed: 130_000 * 4, free: (70_000 - 1600) * 4, available: (70_000 - 1600 + 5) * 4)
        #expect(memory[1] == node1)
        #expect(memory.count == 2)
    }

    /// Reclaimed pages first fill the node up to its watermarks.
    @Test func `reclaimable memory counts only beyond what fills the node up to its watermarks`() {
        func memory(_ free: Int, _ file: Int) -> NodeMemory? {
            Self.parse(
                "Node 0, zone Normal\n nr_active_file \(file)\n pages free \(free)\n low 80\n high 100\n managed 1000"
            ).memory[0]
        }
        #expect(memory(60, 300) == NodeMemory(managed: 4000, free: 0, available: (220 - 40) * 4))
        #expect(memory(60, 50) == NodeMemory(managed: 4000, free: 0, available: 0))
        #expect(memory(100, 0) == NodeMemory(managed: 4000, free: 0, available: 0))
    }

    @Test func `a node is found by its ranges, and none that has other memory in them`() {
        let info = Self.parse(Self.text)
        func node(_ ranges: Range<UInt64>...) -> Int? { info.node(within: ranges, of: [0..<131072, 131072..<262144]) }
        #expect(node(0..<131072) == 0)
        #expect(node(131072..<262144) == 1)
        #expect(node(0..<4096, 4096..<131072) == 0, "in two ranges")
        #expect(node(0..<131071) == nil, "a frame too few")
        #expect(node(0..<262144) == nil, "two nodes")
        #expect(node(262144..<300000) == nil)
        #expect(node() == nil)
    }

    /// Vnodes of 2560 and 1536 MiB. RAM below 4 GiB ends at 3840 MiB, but Linux ends the second
    /// node's zone DMA32 at 4 GiB.
    @Test func `a node on both sides of the hole below 4 GiB is found by both its ranges`() {
        let text = """
            Node 0, zone    DMA32
                    spanned  651264
                    managed  640000
              start_pfn:           4096
            Node 1, zone    DMA32
                    spanned  393216
                    managed  320000
              start_pfn:           655360
            Node 1, zone   Normal
                    spanned  65536
                    managed  65000
              start_pfn:           1048576
            """
        let first: [Range<UInt64>] = [0..<655360]
        let second: [Range<UInt64>] = [655360..<983040, 1_048_576..<1_114_112]
        let info = Self.parse(text)
        #expect(info.node(within: first, of: first + second) == 0)
        #expect(info.node(within: second, of: first + second) == 1)
        #expect(info.node(within: [655360..<983040], of: first + second) == nil, "without what lies above")
        let other: [Range<UInt64>] = [983040..<999424]
        #expect(info.node(within: second, of: first + second + other) == nil, "another vnode's memory in the zone")
    }

    /// Vnodes of 512 MiB. Linux hot-added 128 MiB behind both of them to the first vnode's node. They are in a zone of
    /// their own, or in one that begins in the vnode.
    @Test func `memory that was hot-added behind all vnodes takes no vnode its node`() {
        func zone(_ node: Int, _ name: String, _ frames: Range<UInt64>) -> String {
            "Node \(node), zone \(name)\n spanned \(frames.count)\n managed \(frames.count)\n start_pfn: \(frames.lowerBound)\n"
        }
        let first: [Range<UInt64>] = [0..<131072]
        let second: [Range<UInt64>] = [131072..<262144]
        let both = first + second
        let other = zone(1, "DMA32", 131072..<262144)
        let own = Self.parse(zone(0, "DMA32", 1..<131072) + zone(0, "Normal", 262144..<294912) + other)
        #expect(own.node(within: first, of: both) == 0)
        #expect(own.node(within: second, of: both) == 1)
        let longer = Self.parse(zone(0, "Normal", 1..<294912) + other)
        #expect(longer.node(within: first, of: both) == 0)
        #expect(longer.node(within: second, of: both) == 1)
        let alone = Self.parse(zone(0, "Normal", 1..<294912))
        #expect(alone.node(within: first, of: both) == nil, "one node for all")
        #expect(alone.node(within: second, of: both) == nil)
        for info in [own, longer, alone] { #expect(info.added(behind: both) == Frames(32768)) }
        #expect(Self.parse(zone(0, "DMA32", 1..<131072) + other).added(behind: both) == .zero)
        // The kernel ends this zone at 4 GiB, although there is a hole below that.
        #expect(Self.parse(zone(0, "DMA32", 1..<1_048_576)).added(behind: both) == .zero)
        let outside = Self.parse(zone(0, "Normal", 262144..<294912))
        #expect(outside.node(within: first, of: both) == nil, "a node without memory of a vnode")
    }

    @Test func `text that is no zoneinfo yields no zones and no memory`() {
        for text in [
            "", "\n\n", "Node", "Node x, zone DMA", "pages free 12", "Node 0, zone DMA\n managed 99999999999999999999",
        ] {
            #expect(Self.parse(text).zones.isEmpty && Self.parse(text).memory.isEmpty, "\(text)")
        }
    }

    @Test func `any change of the bytes of zoneinfo is read without a trap`() {
        property("zoneinfo", cases: 300) { random in
            var bytes = Array(Self.text.utf8)
            for _ in 0..<random.number(1...20) {
                let index = random.number(0...bytes.count - 1)
                switch random.number(0...2) {
                case 0: bytes[index] = UInt8(random.number(0...255))
                case 1: bytes.remove(at: index)
                default: bytes.insert(UInt8(ascii: "9"), at: index)
                }
            }
            _ = ZoneInfo(parsing: bytes.span)
        }
    }
}
