import Oracles
import Simulation
import Testing
import VNodeBalloon

@Suite struct PagemapEntryTests {
    static let present = PagemapEntry.present
    static let swapped = PagemapEntry.swapped

    static func resident(_ first: UInt64, _ count: Int) -> [UInt64] {
        (0..<UInt64(count)).map { (first + $0) | present }
    }

    static func extent(_ entries: [UInt64]) -> Result<UInt64, FrameFault> {
        do { return .success(try PagemapEntry.extent(entries.span)) } catch { return .failure(error) }
    }

    @Test func `a pagemap entry's frame, present and swapped bits are read as the kernel sets them`() {
        #expect(PagemapEntry(rawValue: 0x8180_0000_0001_2345).frame == 0x12345)
        #expect(PagemapEntry(rawValue: .max).frame == Sample.highestFrame)
        #expect(PagemapEntry(rawValue: Self.present).isResident)
        #expect(!PagemapEntry(rawValue: 0).isResident)
        #expect(!PagemapEntry(rawValue: Self.swapped).isResident)
        #expect(!PagemapEntry(rawValue: Self.present | Self.swapped).isResident)
    }

    @Test(arguments: [1, 2, 512] as [UInt64], [1, 2, 4, 512])
    func `the pagemap entries of an extent yield its first frame`(_ number: UInt64, _ count: Int) {
        let first = number * UInt64(count)
        #expect(Self.extent(Self.resident(first, count)) == .success(first))
    }

    @Test func `the extent with the highest frame number is found`() {
        let first = Sample.highestFrame - 511
        #expect(Self.extent(Self.resident(first, 512)) == .success(first))
        #expect(Self.extent(Self.resident(Sample.highestFrame, 1)) == .success(Sample.highestFrame))
    }

    @Test func `pagemap bits that say nothing of the frame are ignored`() {
        var entries = Self.resident(1024, 512)
        for index in entries.indices where index % 3 == 0 { entries[index] |= 0b1_1000_0111 << 55 & ~(Self.swapped) }
        #expect(Self.extent(entries) == .success(1024))
    }

    @Test(arguments: [0, 1, 255, 510, 511])
    func `one wrong entry in an extent is named by its index`(_ index: Int) {
        let good = Self.resident(1024, 512)
        var entries = good
        entries[index] |= Self.swapped
        #expect(Self.extent(entries) == .failure(.notResident(index: index)), "swapped")
        entries = good
        entries[index] = 0
        #expect(Self.extent(entries) == .failure(.notResident(index: index)), "not present")
        guard index > 0 else { return }
        entries = good
        entries[index] = 9000 | Self.present
        #expect(Self.extent(entries) == .failure(.broken(index: index)), "another frame")
        entries[index] = good[index - 1]
        #expect(Self.extent(entries) == .failure(.broken(index: index)), "the same frame twice")
    }

    @Test func `misaligned, reversed and hidden frames are refused as an extent`() {
        #expect(Self.extent(Self.resident(1025, 512)) == .failure(.misaligned(gfn: 1025)))
        #expect(Self.extent(Self.resident(1024 + 256, 512)) == .failure(.misaligned(gfn: 1280)))
        #expect(Self.extent(Self.resident(1024, 512).reversed()) == .failure(.misaligned(gfn: 1535)))
        #expect(Self.extent(.init(repeating: Self.present, count: 512)) == .failure(.hidden))
        #expect(Self.extent(Self.resident(0, 512)) == .failure(.hidden))
        // The next frame number after the highest one would carry into bit 55.
        #expect(
            Self.extent(.init(repeating: .max & ~Self.swapped, count: 2))
                == .failure(.misaligned(gfn: Sample.highestFrame)))
    }

    @Test func `the last pagemap entry alone yields the extent, or its fault`() {
        func last(_ entry: UInt64) -> Result<UInt64, FrameFault> {
            do { return .success(try PagemapEntry.extent(last: entry, frames: 512)) } catch { return .failure(error) }
        }
        #expect(last(1535 | Self.present) == .success(1024))
        #expect(last(1535 | Self.present | 1 << 55 | 1 << 61) == .success(1024))
        #expect(last(Sample.highestFrame | Self.present) == .success(Sample.highestFrame - 511))
        #expect(last(0) == .failure(.notResident(index: 511)))
        #expect(last(1535) == .failure(.notResident(index: 511)))
        #expect(last(1535 | Self.present | Self.swapped) == .failure(.notResident(index: 511)))
        #expect(last(Self.present) == .failure(.hidden))
        #expect(last(511 | Self.present) == .failure(.hidden))
        #expect(last(1534 | Self.present) == .failure(.misaligned(gfn: 1023)))
        #expect(last(1536 | Self.present) == .failure(.misaligned(gfn: 1025)))
        #expect(last(5 | Self.present) == .failure(.misaligned(gfn: 5 &- 511)))
    }

    @Test func `any pagemap entries yield what the reference implementation yields`() {
        property("pagemap", cases: 400) { random in
            let size = 1 << random.number(0...9)
            let first = random.oneIn(5) ? UInt64(random.number(0...3000)) : UInt64(random.number(0...9) * size)
            var entries = Self.resident(first, size).map { $0 | Sample.noise(&random) }
            for _ in 0..<random.pick([0, 0, 1, 3]) {
                let index = random.number(0...size - 1)
                entries[index] ^= random.pick([Self.present, Self.swapped, 1, 1 << 54, 1 << 9, .max])
            }
            let (extent, wanted) = (Self.extent(entries), Reference.extent(entries))
            try demand(extent == wanted, "\(extent) for \(wanted); \(size) entries from \(Seeds.hex(entries[0]))")
        }
    }
}
