internal import CLoops
internal import VNodeBalloon

// The list that a hypercall reads.
extension Loop {
    static func filling(frames count: Int) -> [Loop] {
        let gfns = Words(count) { UInt64($0 + 1) * 512 }
        let list = ExtentList(count)
        func filling(_ name: String, _ swift: @escaping () -> Void, c: @escaping () -> Void) -> Loop {
            Loop(
                name, size(count), bytes: count * 8, "extent", count, goal: .atLeast(0.95), output: list.memory
            ) {
                list.swift.reset(order: ExtentBuffer.order)
                swift()
                return UInt64(list.swift.count)
            } c: {
                list.resetC()
                c()
                return unsafe UInt64(list.c.count)
            }
        }
        // One by one each is a call, in both languages.
        return [
            filling("filling the list, one by one") {
                for index in 0..<count { unsafe list.swift.append(gfns.buffer[index]) }
            } c: {
                for index in 0..<count { unsafe cl_append(&list.c, gfns.buffer[index]) }
            },
            filling("filling the list at once") {
                list.swift.append(unsafe Span(_unsafeElements: UnsafeBufferPointer(gfns.buffer)))
            } c: {
                unsafe cl_append_all(&list.c, gfns.pointer, gfns.count)
            },
        ]
    }
}
