internal import CBalloonShim

/// Keeps up to 64 slots' pages where they are.
///
/// Linux migrates huge pages that nobody has pinned on soft offline, memory offline and 1 GiB allocation: it would copy
/// ones out of the hole and free it. A page that was spliced into a pipe is referenced until it is spliced out of it again,
/// or the pipe's read end is closed in every process. Nothing is ever read from the pipe: that would touch the page.
///
/// What can be done with both ends open needs no descriptor and no other process: see ``rewrite(through:keeping:)``.
struct Pin {
    /// Slots of one pin, and of one chunk of a file.
    static let slots = Int(CB_PIN_PAGES)

    /// All that is kept of the pipe.
    let readEnd: FileDescriptor
    /// Open while pages are added, or may have to be taken out.
    private var writeEnd: FileDescriptor?

    init(readEnd: FileDescriptor) { self.readEnd = readEnd }

    /// A new pin, without pages.
    static func make() throws(BalloonError) -> Pin {
        var writeEnd: Int32 = -1
        // Unsafe: the shim sets the write end.
        let readEnd = unsafe cb_pin_open(&writeEnd)
        try check(readEnd, "cannot make a pipe of \(slots) pages to pin memory")
        var pin = Pin(readEnd: FileDescriptor(readEnd))
        pin.writeEnd = FileDescriptor(writeEnd)
        return pin
    }

    /// Opens the pin for more pages.
    mutating func open() throws(BalloonError) {
        guard writeEnd == nil else { return }
        writeEnd = FileDescriptor(try check(cb_pin_reopen(readEnd.rawValue), "cannot open a pin again"))
    }

    /// Closes what only adding needs.
    mutating func close() { writeEnd = nil }

    private func openEnd() throws(BalloonError) -> Int32 {
        guard let writeEnd else { throw BalloonError(.system, "a pin is not open for more pages") }
        return writeEnd.rawValue
    }

    func add(_ address: UInt64) throws(BalloonError) {
        try check(cb_pin_add(try openEnd(), address), "cannot pin a page (vmsplice)")
    }

    /// Moves the page that was added first to another pin; at no moment is it in neither.
    func moveFirst(to other: Pin) throws(BalloonError) {
        try check(cb_pin_move_first(readEnd.rawValue, try other.openEnd()), "cannot move a pinned page (splice)")
    }

    /// Lets go of the page that was added first, without a look at it.
    func dropFirst() throws(BalloonError) {
        try check(cb_pin_move_first(readEnd.rawValue, try Self.nowhere().rawValue), "cannot unpin a page (splice)")
    }

    /// Lets go of all pages, in whatever process the pipe is open.
    func clear() throws(BalloonError) {
        try check(cb_pin_clear(readEnd.rawValue, try Self.nowhere().rawValue), "cannot unpin pages (splice)")
    }

    /// Has another pin, which holds nothing, hold the same pages, too.
    func copy(to other: Pin) throws(BalloonError) {
        let pages = try count()
        let copied = try check(cb_pin_copy(readEnd.rawValue, try other.openEnd()), "cannot copy a pin (tee)")
        guard copied == pages else { throw BalloonError(.system, "a pin was copied in part only") }
    }

    /// Pages that it holds.
    func count() throws(BalloonError) -> Int {
        Int(try check(cb_pin_count(readEnd.rawValue), "cannot ask a pin how much it holds"))
    }

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

    /// /dev/null, opened once: unpinning must not need a descriptor that is not there.
    private static let null = try? FileDescriptor.open("/dev/null", .write, "")

    /// - Throws: `.descriptors`, most likely; call it before anything is pinned.
    @discardableResult
    static func nowhere() throws(BalloonError) -> FileDescriptor {
        if let null { return null }
        throw BalloonError(
            .descriptors, "cannot open /dev/null: this process may open no more files (LimitNOFILE=, ulimit -n)")
    }
}
