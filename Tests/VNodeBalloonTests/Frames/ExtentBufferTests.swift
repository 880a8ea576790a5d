import Simulation
import Testing
import VNodeBalloon

@Suite struct ExtentBufferTests {
    @Test func `an appended extent is in the list until the buffer is reset`() {
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

    @Test func `a span of extents is appended behind those that are there`() {
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

    @Test func `a write or read beyond the extent buffer's end traps`() async {
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
}
