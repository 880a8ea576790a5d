import VNodeBalloon

/// An ExtentBuffer with memory of its own.
// Safe to use: the buffer does not outlive the memory, which nothing else touches.
@safe
final class ListBuffer {
    let extents: ExtentBuffer
    private let storage: UnsafeMutableBufferPointer<UInt64>

    init(capacity: Int, order: Int = ExtentBuffer.order) {
        unsafe storage = .allocate(capacity: capacity)
        unsafe storage.initialize(repeating: .max)
        unsafe extents = ExtentBuffer(unsafeMemory: storage)
        extents.reset(order: order)
    }

    deinit { unsafe storage.deallocate() }

    var list: [UInt64] { (0..<extents.count).map { extents[$0] } }
}
