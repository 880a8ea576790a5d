internal import CLoops
internal import VNodeBalloon

// The list that a hypercall reads.
extension Loop {
    static func filling(frames: Int) -> [Loop] { [frameByFrame(frames), atOnce(frames)] }

    /// Frames that are taken or given singly: each run of them, each frame of it.
    private static func frameByFrame(_ count: Int) -> Loop {
        let frames = Words(Input.hugePages(frames: count))
        let list = ExtentList(count)
        return Loop(
            "filling the list, one by one", size(count), bytes: count * 8, "extent", count, goal: .atLeast(0.95),
            output: list.memory
        ) {
            list.swift.reset(order: 0)
            let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(frames.buffer))
            return mix(UInt64(list.swift.appendExtents(of: span)), UInt64(list.swift.count))
        } c: {
            list.resetC(order: 0)
            let seen = unsafe cl_append_extents(&list.c, frames.pointer, frames.count)
            return unsafe mix(UInt64(seen), UInt64(list.c.count))
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
