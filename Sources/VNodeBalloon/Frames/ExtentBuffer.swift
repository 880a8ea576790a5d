/// The list of extents of one reservation hypercall, in the memory that Xen reads it from.
///
/// The ``Hypervisor`` that made it keeps the memory for as long as the buffer is used. Each entry is the first guest
/// frame of an extent of 2^`order` frames.
// Safe to use: every access is checked against the memory's length, which the ``Hypervisor`` guarantees.
@safe
public final class ExtentBuffer {
    /// Frames of a 2 MiB extent.
    public static let framesPerExtent: UInt64 = 512
    /// The order of a 2 MiB extent.
    public static let order: Int = 9

    // Unsafe because the memory is a mapping of /dev/xen/hypercall: entries of an array would have to be copied there.
    private let storage: UnsafeMutableBufferPointer<UInt64>

    // Private to this file, so that the compiler sees all accesses. If it were public, the program would check each
    // access for exclusivity at run time, and adding an extent would take four times as long.
    private var listed = 0
    private var orderOfAll = ExtentBuffer.order

    /// Extents in the list.
    public var count: Int { listed }
    /// log2 of the frames of each extent.
    public var order: Int { orderOfAll }

    /// The memory must stay valid for the life of the buffer.
    public init(unsafeMemory storage: UnsafeMutableBufferPointer<UInt64>) {
        unsafe self.storage = unsafe storage
    }

    /// How many extents fit.
    public var capacity: Int { unsafe storage.count }

    /// Empties the list and sets the order of the next entries.
    public func reset(order: Int) {
        listed = 0
        orderOfAll = order
    }

    /// Adds one extent. The list must have room.
    public func append(_ gfn: UInt64) {
        let index = listed
        precondition(index < capacity, "the extent list is full")
        listed = index &+ 1
        unsafe storage[index] = gfn
    }

    /// Adds several extents in order. The list must have room for all.
    public func append(_ gfns: Span<UInt64>) {
        precondition(gfns.count <= capacity - listed, "the extent list is full")
        // Unchecked: the precondition covers all of it.
        unsafe gfns.withUnsafeBufferPointer { gfns in
            guard let source = gfns.baseAddress, let target = unsafe storage.baseAddress else { return }
            unsafe (target + listed).update(from: source, count: gfns.count)
        }
        listed &+= gfns.count
    }

    public subscript(index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "no such extent in the list")
        return unsafe storage[index]
    }

    /// The frames of all extents in the list.
    public var frames: UInt64 { UInt64(count) << UInt64(order) }
}
