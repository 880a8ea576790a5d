/// Memory at a fixed address that both Swift and C use.
// Safe to use: the memory lives as long as the object, and all of it is initialised.
@safe
final class Words {
    // Unsafe, because C gets the address.
    let buffer: UnsafeMutableBufferPointer<UInt64>

    init(_ count: Int, _ value: (Int) -> UInt64) {
        unsafe buffer = .allocate(capacity: count)
        for index in 0..<count { unsafe buffer.initializeElement(at: index, to: value(index)) }
    }

    convenience init(_ list: [UInt64]) { self.init(list.count) { list[$0] } }

    deinit { unsafe buffer.deallocate() }

    var count: Int { unsafe buffer.count }
    var list: [UInt64] { unsafe Array(buffer) }
    var last: UInt64 { unsafe buffer[count - 1] }
    var pointer: UnsafeMutablePointer<UInt64> { unsafe buffer.baseAddress! }

    func clear() { unsafe buffer.update(repeating: 0) }
    func copy(_ other: Words) { _ = unsafe buffer.update(from: other.buffer) }
}
