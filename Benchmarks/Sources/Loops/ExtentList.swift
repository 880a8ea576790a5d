internal import CLoops
internal import VNodeBalloon

/// A list of extents, in Swift's form and in C's, over the same memory.
// Safe to use: the memory lives as long as the lists.
@safe
final class ExtentList {
    let memory: Words
    let swift: ExtentBuffer
    var c: cl_extents

    init(_ capacity: Int) {
        memory = Words(capacity) { _ in 0 }
        unsafe swift = ExtentBuffer(unsafeMemory: memory.buffer)
        unsafe c = cl_extents(list: memory.pointer, capacity: capacity, count: 0)
    }

    func resetC() {
        unsafe c.count = 0
    }
}
