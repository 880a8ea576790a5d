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

    /// All slots were seen.
    mutating func end(after move: BrokenMove) {
        self.move = move
        let end = pages.indices.last { pages[$0] != .none }.map { $0 + 1 } ?? 0
        file = FileShape(end: end, gaps: (0..<end).count { pages[$0] == .none })
    }

    /// Whether each page that was in the file when it was noted is there still: then no page is in a pin alone.
    var isWhole: Bool { move.file.map { file.end >= $0.end && !hasForeignGaps($0) } ?? false }

    /// Whether slots became empty that this program did not free.
    func hasForeignGaps(_ noted: FileShape) -> Bool {
        let own = noted.punching.map { pages.indices.contains($0) && pages[$0] == .none } == true ? 1 : 0
        return file.gaps > noted.gaps + own
    }
}
