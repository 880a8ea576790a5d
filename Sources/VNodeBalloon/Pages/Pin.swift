/// Keeps up to 64 slots' pages where they are.
///
/// Linux migrates huge pages that are not pinned on soft offline, memory offline and 1 GiB allocation. It would copy a
/// hole, which reads as ones, and free it. A page that was spliced into a pipe is referenced until it is spliced out of
/// it again, or the pipe's read end is closed in every process. Nothing is ever read from the pipe: that would touch
/// the page.
///
/// What can be done with both ends open needs no descriptor and no other process: see ``rewrite(through:keeping:)``.
struct Pin {
    private let kernel: any PageKernel
    /// All that is kept of the pipe.
    let readEnd: FileDescriptor
    /// Open while pages are added, or may have to be taken out.
    private var writeEnd: FileDescriptor?

    init(_ kernel: any PageKernel, readEnd: FileDescriptor) {
        self.kernel = kernel
        self.readEnd = readEnd
    }

    /// A new pin, without pages.
    init(_ kernel: any PageKernel) throws(BalloonError) {
        self.kernel = kernel
        (readEnd, writeEnd) = try kernel.makePin()
    }

    /// Opens the pin for more pages.
    mutating func open() throws(BalloonError) {
        if writeEnd == nil { writeEnd = try kernel.openPin(readEnd) }
    }

    /// Closes the write end, which only adding needs.
    mutating func close() { writeEnd = nil }

    private func openEnd() throws(BalloonError) -> FileDescriptor {
        if let writeEnd { return writeEnd }
        throw BalloonError(.system, "a pin is not open for more pages")
    }

    func add(_ slot: Int, _ mapping: any SlotMapping) throws(BalloonError) { try mapping.pin(slot, try openEnd()) }

    /// Moves the page that was added first to another pin; at no moment is it in neither.
    func moveFirst(to other: Pin) throws(BalloonError) { try kernel.moveFirstPinned(readEnd, to: try other.openEnd()) }

    /// Lets go of the page that was added first, without touching it.
    func dropFirst() throws(BalloonError) { try kernel.moveFirstPinned(readEnd, to: nil) }

    /// Lets go of all pages, in whatever process the pipe is open.
    func clear() throws(BalloonError) { try kernel.clearPin(readEnd) }

    /// Makes another pin, which holds nothing, hold the same pages, too.
    func copy(to other: Pin) throws(BalloonError) {
        let pages = try count()
        guard try kernel.copyPinned(readEnd, to: try other.openEnd()) == pages else {
            throw BalloonError(.system, "a pin was copied in part only")
        }
    }

    /// Pages that it holds.
    func count() throws(BalloonError) -> Int { try kernel.pinnedPages(readEnd) }

    /// Tells one pipe from another.
    func number() throws(BalloonError) -> UInt64 { try kernel.number(ofPin: readEnd) }

    /// Lets go of some pages, whatever their place. Those that stay are pinned at every moment, by this pin or by `other`,
    /// which holds nothing before and after.
    /// - Parameter keeping: for each page in order whether it stays.
    func rewrite(through other: Pin, keeping: [Bool]) throws(BalloonError) {
        try copy(to: other)
        try clear()
        for isKept in keeping {
            if isKept { try other.moveFirst(to: self) } else { try other.dropFirst() }
        }
    }
}
