/// What a recovery has seen of a file and its pins so far.
struct PinRecovery {
    /// What is in the slots.
    var pages = SlotPages()
    var renewed: [Pin] = []
    /// Slots that could not be pinned.
    var unpinned: Set<Int> = []
    /// The pins of before the recovery, by chunk, and the spare pin with what was being rewritten.
    var old: [Int: Pin] = [:]
    var oldSpare: Pin?
    /// How many pages of a chunk its old pin does not have although they are in the file, by chunk: see ``unpinned``.
    var bare: [Int: Int] = [:]
    /// The slots of before the recovery, and which of them were empty.
    var slotsBefore = 0
    var emptyBefore: Set<Int> = []
    /// The old pins are an earlier process's, which alone knew the frames of their pages.
    var isEarlier = false
    /// The move that was under way.
    var move = BrokenMove.none(nil)
    /// What the file is like now.
    var file = FileShape(end: 0, gaps: 0)

    /// What stays of old pins was put aside.
    var isStrayKept = false

    /// All slots were seen.
    mutating func end(after move: BrokenMove) {
        self.move = move
        let end = pages.indices.last { pages[$0] != .none }.map { $0 + 1 } ?? 0
        file = FileShape(end: end, gaps: (0..<end).count { pages[$0] == .none })
        guard let noted = move.file else { return }
        hasForeignGaps = findForeignGaps(noted)
        isWhole = file.end >= noted.end && !hasForeignGaps
    }

    /// Whether each page that was in the file when it was noted is there still: then no page is in a pin alone. Found once, as
    /// it takes a look at all slots, and each old pin asks for it.
    private(set) var isWhole = false

    /// Whether slots may have become empty that this program did not free.
    private(set) var hasForeignGaps = false

    /// Where another program cut the file off, noted gaps may have gone with its end, and others may have come.
    private func findForeignGaps(_ noted: FileShape) -> Bool {
        if file.end < noted.end { return file.gaps > 0 }
        let gaps = (0..<noted.end).count { pages[$0] == .none }
        return gaps > noted.gaps + (isPunched(noted) ? 1 : 0)
    }

    /// Whether the page of the slot that was noted for it is gone.
    private func isPunched(_ noted: FileShape) -> Bool {
        noted.punching.map { pages.indices.contains($0) && pages[$0] == .none } ?? false
    }

    /// The slot that was noted for it and still has its page: it may be in no pin any more.
    var unpunched: Int? {
        guard let noted = move.file, let slot = noted.punching, slot < pages.count, !isPunched(noted) else {
            return nil
        }
        return slot
    }
}
