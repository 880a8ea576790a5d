/// The list of extents of one reservation hypercall, in the memory that Xen reads it from.
///
/// Whoever made it (a ``Hypervisor``) keeps the memory for as long as the buffer is used. Each entry is the first guest
/// frame of an extent of 2^`order` frames.
// Safe to use: every access is checked against the memory's length, which the maker vouches for.
@safe
public final class ExtentBuffer {
    /// Frames of a 2 MiB extent.
    public static let framesPerExtent: UInt64 = 512
    /// The order of a 2 MiB extent.
    public static let order: Int = 9

    // Unsafe because the memory is a mapping of /dev/xen/hypercall: an array would have to be copied there.
    private let storage: UnsafeMutableBufferPointer<UInt64>

    /// Extents in the list.
    public private(set) var count = 0
    /// log2 of the frames of each extent.
    public private(set) var order = ExtentBuffer.order

    /// The memory must stay valid for the life of the buffer.
    public init(unsafeMemory storage: UnsafeMutableBufferPointer<UInt64>) {
        unsafe self.storage = unsafe storage
    }

    /// How many extents fit.
    public var capacity: Int { unsafe storage.count }

    /// Empties the list and says what the next entries will be.
    public func reset(order: Int) {
        count = 0
        self.order = order
    }

    /// Adds one extent. The list must have room.
    public func append(_ gfn: UInt64) {
        precondition(count < capacity, "the extent list is full")
        unsafe storage[count] = gfn
        count += 1
    }

    public subscript(index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "no such extent in the list")
        return unsafe storage[index]
    }

    /// The frames of all extents in the list.
    public var frames: UInt64 { UInt64(count) << UInt64(order) }
}
