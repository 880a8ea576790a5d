import Oracles
import Simulation
import Testing
import VNodeBalloon

@Suite struct ExtentBufferTests {
    @Test func whatIsAppendedIsListed() {
        let buffer = ListBuffer(capacity: 3)
        #expect(buffer.extents.capacity == 3 && buffer.extents.count == 0 && buffer.extents.frames == 0)
        buffer.extents.append(512)
        buffer.extents.append(1024)
        #expect(buffer.list == [512, 1024])
        #expect(buffer.extents.frames == 1024)
        buffer.extents.reset(order: 0)
        #expect(buffer.extents.count == 0 && buffer.extents.order == 0)
        buffer.extents.append(7)
        #expect(buffer.list == [7] && buffer.extents.frames == 1)
    }

    @Test func manyAtOnceAreListedBehindWhatIsThere() {
        let buffer = ListBuffer(capacity: 5)
        let none: [UInt64] = []
        buffer.extents.append(none.span)
        #expect(buffer.list == [])
        buffer.extents.append([512, 1024].span)
        buffer.extents.append(7)
        buffer.extents.append([2048, 1536].span)
        #expect(buffer.list == [512, 1024, 7, 2048, 1536])
        #expect(buffer.extents.frames == 5 * 512)
        buffer.extents.append(none.span)
        #expect(buffer.extents.count == 5)
    }

    @Test func nothingIsWrittenBehindTheEnd() async {
        await #expect(processExitsWith: .failure) {
            let buffer = ListBuffer(capacity: 1)
            buffer.extents.append(1)
            buffer.extents.append(2)
        }
        await #expect(processExitsWith: .failure) {
            let buffer = ListBuffer(capacity: 4)
            buffer.extents.append([1, 2, 3].span)
            buffer.extents.append([4, 5].span)
        }
        await #expect(processExitsWith: .failure) {
            let buffer = ListBuffer(capacity: 4)
            buffer.extents.append(1)
            _ = buffer.extents[1]
        }
    }

    static func extents(_ frames: [UInt64], order: Int = 9, capacity: Int = 64) -> [UInt64] {
        let buffer = ListBuffer(capacity: capacity, order: order)
        let seen = buffer.extents.appendExtents(of: frames.span)
        return seen == frames.count ? buffer.list : []
    }

    @Test func extentsAmongFrames() {
        #expect(Self.extents([]) == [])
        #expect(Self.extents([512]) == [])
        #expect(Self.extents([512], order: 0) == [512])
        #expect(Self.extents(Array(512..<1023)) == [])
        #expect(Self.extents(Array(512..<1024)) == [512])
        #expect(Self.extents(Array(512..<1025)) == [512])
        #expect(Self.extents(Array(511..<1024)) == [512])
        #expect(Self.extents(Array(513..<1536)) == [1024])
        #expect(Self.extents(Array(0..<1536)) == [0, 512, 1024])
        #expect(Self.extents(Array((512..<1024).reversed())) == [])
        #expect(Self.extents(Array(512..<800) + Array(801..<1025)) == [])
        #expect(Self.extents(Array(1024..<1536) + Array(512..<1024)) == [1024, 512])
        let top = Sample.highestFrame - 511
        #expect(Self.extents(Array(top...Sample.highestFrame)) == [top])
    }

    @Test func aFullListStopsAndGoesOn() {
        let frames = Array(100..<UInt64(100 + 512 * 5))
        let buffer = ListBuffer(capacity: 2)
        let seen = buffer.extents.appendExtents(of: frames.span)
        #expect(buffer.list == [512, 1024])
        #expect(seen == 1536 - 100)
        buffer.extents.reset(order: 9)
        #expect(buffer.extents.appendExtents(of: frames.span.extracting(seen...)) == frames.count - seen)
        #expect(buffer.list == [1536, 2048])
    }

    /// With a list of any length, filled and emptied until all is seen, the extents are the reference's.
    @Test func anyFramesAsTheReferenceSees() {
        property("extents", cases: 400) { random in
            let frames = Sample.frames(&random)
            let order = random.pick([0, 1, 3, 9, 9])
            let capacity = random.pick([1, 2, 3, 512])
            var (found, seen): ([UInt64], Int) = ([], 0)
            while seen < frames.count {
                let buffer = ListBuffer(capacity: capacity, order: order)
                let progress = buffer.extents.appendExtents(of: frames.span.extracting(seen...))
                try demand(progress > 0, "no progress at \(seen)")
                seen += progress
                found += buffer.list
            }
            let wanted = Reference.extents(frames, order: order)
            try demand(seen == frames.count && found == wanted, "order \(order): \(found), expected \(wanted)")
        }
    }
}
