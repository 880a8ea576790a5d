internal import CBalloonShim

/// /proc/self/pagemap.
struct Pagemap {
    private let descriptor: FileDescriptor

    init() throws(BalloonError) {
        descriptor = try .open("/proc/self/pagemap", .read, "cannot open /proc/self/pagemap")
    }

    /// The extent that 2 MiB of virtual addresses are, or what is wrong with it.
    func extent(at address: UInt64) throws(BalloonError) -> Result<UInt64, FrameFault> {
        var result: Result<UInt64, FrameFault> = .failure(.notResident(index: 0))
        var read: Int64 = 0
        let count = Int(ExtentBuffer.framesPerExtent)
        // Unsafe: 4 KiB of scratch on the stack, filled by the shim before it is read.
        unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count) { entries in
            unsafe read = cb_pagemap_read(descriptor.rawValue, address, entries.baseAddress, UInt64(count))
            guard read == count else { return }
            let span = unsafe Span(_unsafeElements: entries)
            do throws(FrameFault) { result = .success(try PagemapEntry.extent(span)) } catch {
                result = .failure(error)
            }
        }
        try check(read, "cannot read /proc/self/pagemap")
        return result
    }

    /// The same from the last entry, in a tenth of the time: whichever entry is read, the kernel makes up all from there
    /// to the end of the 2 MiB.
    func lastOfExtent(at address: UInt64) throws(BalloonError) -> Result<UInt64, FrameFault> {
        let frames = ExtentBuffer.framesPerExtent
        var entry: UInt64 = 0
        // Unsafe: the shim fills one entry.
        let read = unsafe cb_pagemap_read(descriptor.rawValue, address + (frames - 1) * 4096, &entry, 1)
        try check(read, "cannot read /proc/self/pagemap")
        do throws(FrameFault) {
            return .success(try PagemapEntry.extent(last: read == 1 ? entry : 0, frames: frames))
        } catch {
            return .failure(error)
        }
    }
}
