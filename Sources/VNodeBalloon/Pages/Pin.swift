internal import CBalloonShim

/// Keeps up to 64 slots' pages where they are.
///
/// Linux migrates huge pages that nobody has pinned on soft offline, memory offline and 1 GiB allocation: it would copy
/// ones out of the hole and free it. A page that was spliced into a pipe is referenced until the pipe's read end is
/// closed, in whatever process. Nothing is ever read from the pipe: that would touch the page.
struct Pin {
    /// Slots of one pin, and of one chunk of a file.
    static let slots = Int(CB_PIN_PAGES)

    /// All that is kept of the pipe.
    let readEnd: FileDescriptor

    /// The pipe's write end, while pages are added.
    struct Filler {
        private let writeEnd: FileDescriptor

        fileprivate init(_ writeEnd: FileDescriptor) { self.writeEnd = writeEnd }

        fileprivate func take(from readEnd: FileDescriptor) throws(BalloonError) {
            try check(cb_pin_move_first(readEnd.rawValue, writeEnd.rawValue), "cannot move a pinned page (splice)")
        }

        func add(_ address: UInt64) throws(BalloonError) {
            try check(cb_pin_add(writeEnd.rawValue, address), "cannot pin a page (vmsplice)")
        }
    }

    /// A new pin, without pages.
    static func make() throws(BalloonError) -> (pin: Pin, filler: Filler) {
        var writeEnd: Int32 = -1
        // Unsafe: the shim sets the write end.
        let readEnd = unsafe cb_pin_open(&writeEnd)
        try check(readEnd, "cannot make a pipe of \(slots) pages to pin memory")
        return (Pin(readEnd: FileDescriptor(readEnd)), Filler(FileDescriptor(writeEnd)))
    }

    /// Opens the pin for more pages.
    func refill() throws(BalloonError) -> Filler {
        Filler(FileDescriptor(try check(cb_pin_reopen(readEnd.rawValue), "cannot open a pin again")))
    }

    /// Lets go of the page that was added first, without a look at it.
    func dropFirst() throws(BalloonError) { try check(cb_pin_drop_first(readEnd.rawValue), "cannot unpin a page") }

    /// Moves the page that was added first to another pin; at no moment is it in neither.
    func moveFirst(to filler: borrowing Filler) throws(BalloonError) { try filler.take(from: readEnd) }

    /// Pages that it holds.
    func count() throws(BalloonError) -> Int {
        Int(try check(cb_pin_count(readEnd.rawValue), "cannot ask a pin how much it holds"))
    }
}
