internal import CLoops
internal import VNodeBalloon

// Filling the list that a hypercall reads.
extension Loop {
    static func filling(frames: Int) -> [Loop] { [oneByOne(frames), atOnce(frames)] }

    /// The extents come from slots, whose frame numbers are looked up one after the other.
    private static func oneByOne(_ count: Int) -> Loop {
        let gfns = Words(count) { UInt64($0 + 1) * 512 }
        let list = ExtentList(count)
        return Loop(
            "filling the list, one by one", size(count), bytes: count * 8, "extent", count, goal: .atLeast(0.95),
            output: list.memory
        ) {
            list.swift.reset(order: ExtentBuffer.order)
            for index in 0..<count { list.swift.append(unsafe gfns.pointer[index]) }
            return UInt64(list.swift.count)
        } c: {
            list.resetC()
            for index in 0..<count { unsafe cl_append(&list.c, gfns.pointer[index]) }
            return unsafe UInt64(list.c.count)
        }
    }

    private static func atOnce(_ count: Int) -> Loop {
        let gfns = Words(count) { UInt64($0 + 1) * 512 }
        let list = ExtentList(count)
        return Loop(
            "filling the list at once", size(count), bytes: count * 8, "extent", count, goal: .atLeast(0.95),
            output: list.memory
        ) {
            list.swift.reset(order: ExtentBuffer.order)
            list.swift.append(unsafe Span(_unsafeElements: UnsafeBufferPointer(gfns.buffer)))
            return UInt64(list.swift.count)
        } c: {
            list.resetC()
            unsafe cl_append_all(&list.c, gfns.pointer, gfns.count)
            return unsafe UInt64(list.c.count)
        }
    }
}
