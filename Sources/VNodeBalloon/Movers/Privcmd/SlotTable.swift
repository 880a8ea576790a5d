/// What each slot of a balloon's file has behind it, as far as this is known. A slot is one word of 64 bits. Sums and
/// bounds are kept up to date, so that a step costs the same whatever the size of the balloon.
struct SlotTable {
    /// A 2 MiB slot.
    struct Slot: Equatable {
        static let frames = Int(ExtentBuffer.framesPerExtent)

        var page: SlotPage
        /// The first guest frame of its page. For an unreadable page: the frame that it had when it could still be
        /// read.
        var gfn: UInt64?
        /// How many of its frames are holes: 0 is RAM, 512 is given. nil: not known, so it is not touched before Xen
        /// was asked.
        var holes: Int? { didSet { isStrange = false } }
        /// Xen says that one of its frames is neither RAM nor a hole: it is not touched.
        var isStrange = false

        /// A slot without a page holds nothing.
        static let empty = Slot(page: .none, gfn: nil, holes: 0)

        /// A page about which Xen was not asked yet.
        init(_ page: SlotPage) { self.init(page: page, gfn: page.gfn, holes: page == .none ? 0 : nil) }

        init(page: SlotPage, gfn: UInt64?, holes: Int?) {
            self.page = page
            self.gfn = gfn
            self.holes = holes
        }

        var isEmpty: Bool { page == .none }
        var isUnreadable: Bool { page == .unreadable }
        /// It cannot be taken back. It may have holes, so it must never be freed.
        var isLost: Bool { isUnreadable || isStrange }
        /// All frames of its page are RAM.
        var isRAM: Bool { holes == 0 && !isEmpty }
        var isGiven: Bool { holes == Slot.frames }
        /// Part RAM, part hole.
        var isMixed: Bool { holes.map { $0 > 0 && $0 < Slot.frames } ?? false }
        /// Its page can be read, but it is not known what Xen has behind it.
        var isInDoubt: Bool { holes == nil && !isLost }
        var isTakeable: Bool { (isGiven || isMixed) && !isLost }
        var isReturned: Bool { (isRAM || isMixed) && !isLost }
        /// To free it loses no memory.
        var mayBeFreed: Bool { holes == 0 && !isLost }
    }

    /// How many slots are of each kind.
    struct Sums: Equatable {
        /// The holes of all slots where their number is known.
        var holes: UInt64 = 0
        var given = 0
        var mixed = 0
        var ram = 0
        var inDoubt = 0
        var lost = 0

        /// Slots that have a page.
        var pages: Int { given + mixed + ram + inDoubt + lost }
    }

    private static let chunkSlots = 4096
    /// The words, in lists of `chunkSlots`, so that the table grows without being copied.
    private var chunks: [[UInt64]] = []
    private(set) var count = 0
    private(set) var sums = Sums()
    /// Every slot from `keptEnd` on is RAM or empty. No slot from `takeableEnd` on is given or mixed.
    private var keptEnd = 0
    private var takeableEnd = 0
    /// No slot before this one is RAM or mixed.
    private var returnedStart = 0
    /// All slots that are mixed or in doubt lie within.
    private var doubtfulBounds: Range<Int>?

    var isEmpty: Bool { count == 0 }
    var indices: Range<Int> { 0..<count }

    subscript(index: Int) -> Slot {
        get {
            precondition(index >= 0 && index < count, "no such slot")
            return Self.slot(chunks[index / Self.chunkSlots][index % Self.chunkSlots])
        }
        set {
            precondition(index >= 0 && index < count, "no such slot")
            add(self[index], -1)
            chunks[index / Self.chunkSlots][index % Self.chunkSlots] = Self.word(newValue)
            note(newValue, index)
        }
    }

    mutating func append(_ slot: Slot) {
        if count % Self.chunkSlots == 0 {
            var chunk: [UInt64] = []
            chunk.reserveCapacity(min(Self.chunkSlots, count == 0 ? 64 : Self.chunkSlots))
            chunks.append(chunk)
        }
        chunks[count / Self.chunkSlots].append(Self.word(slot))
        count += 1
        note(slot, count - 1)
    }

    mutating func removeLast(_ number: Int) {
        for _ in 0..<number {
            add(self[count - 1], -1)
            count -= 1
            chunks[count / Self.chunkSlots].removeLast()
            if count % Self.chunkSlots == 0 { chunks.removeLast() }
        }
        keptEnd = min(keptEnd, count)
        takeableEnd = min(takeableEnd, count)
        returnedStart = min(returnedStart, count)
        doubtfulBounds = doubtfulBounds?.clamped(to: 0..<count)
        forgetDoubtWhenNone()
    }

    // MARK: What a step asks for

    /// How many slots remain once those at the end that may be freed are freed.
    mutating func slotsToKeep() -> Int {
        while keptEnd > 0, self[keptEnd - 1].mayBeFreed { keptEnd -= 1 }
        return keptEnd
    }

    /// At most `most` slots that are given or mixed, in descending order.
    mutating func takeable(_ most: Int) -> [Int] {
        guard sums.given + sums.mixed > 0 else { return [] }
        while takeableEnd > 0, !self[takeableEnd - 1].isTakeable { takeableEnd -= 1 }
        // Empty slots may lie in between. The window keeps one call from passing over too many of them.
        return found(in: (max(0, takeableEnd - 4 * most)..<takeableEnd).reversed(), most, \.isTakeable)
    }

    /// What the slots below `limit` are like. It looks at those behind it, and at the empty ones right before it: both are few.
    func shape(below limit: Int) -> FileShape {
        var end = min(limit, count)
        while end > 0, self[end - 1].isEmpty { end -= 1 }
        return FileShape(end: end, gaps: count - sums.pages - (end..<count).count { self[$0].isEmpty })
    }

    /// What the file is like.
    var shape: FileShape { shape(below: count) }

    /// At most `most` slots that are RAM again, whole or in part, in ascending order.
    mutating func returned(_ most: Int) -> [Int] {
        guard sums.ram + sums.mixed > 0 else { return [] }
        while returnedStart < count, !self[returnedStart].isReturned { returnedStart += 1 }
        return found(in: returnedStart..<min(count, returnedStart + 4 * most), most, \.isReturned)
    }

    private func found(in window: some Sequence<Int>, _ most: Int, _ matches: (Slot) -> Bool) -> [Int] {
        var found: [Int] = []
        for index in window where matches(self[index]) {
            if found.count == most { break }
            found.append(index)
        }
        return found
    }

    /// At most `most` RAM slots that no deflate will free, because no slot above them can be taken back. Only lost
    /// slots keep them from being at the end.
    mutating func ramBelowLost(_ most: Int) -> [Int] {
        _ = takeable(1)
        let start = sums.given + sums.mixed > 0 ? takeableEnd : 0
        let end = slotsToKeep()
        return found(in: start..<max(start, end), most, \.isRAM)
    }

    /// The start of the run of slots that may be freed and that ends right below `index`.
    func ramStart(below index: Int) -> Int {
        var start = index
        while start > 0, start <= count, self[start - 1].mayBeFreed { start -= 1 }
        return start
    }

    /// A range that contains all slots that are mixed or in doubt; nil: there are none.
    var doubtful: Range<Int>? { doubtfulBounds }

    /// The first slot in doubt from `start` on.
    func firstInDoubt(from start: Int) -> Int? {
        guard sums.inDoubt > 0, let bounds = doubtfulBounds else { return nil }
        return (max(start, bounds.lowerBound)..<max(start, bounds.upperBound)).first { self[$0].isInDoubt }
    }

    // MARK: Words

    private static let blockMask: UInt64 = (1 << 32) - 1
    private static let holesShift: UInt64 = 32
    private static let holesMask: UInt64 = 0x3ff
    private static let knownBit: UInt64 = 1 << 42
    private static let extentBit: UInt64 = 1 << 43
    private static let unreadableBit: UInt64 = 1 << 44
    private static let gfnBit: UInt64 = 1 << 45
    private static let strangeBit: UInt64 = 1 << 46

    private static func word(_ slot: Slot) -> UInt64 {
        var word: UInt64 = 0
        if let gfn = slot.gfn {
            precondition(
                gfn % ExtentBuffer.framesPerExtent == 0 && gfn >> 9 <= blockMask, "a frame no extent begins at")
            word |= gfn >> 9 | gfnBit
        }
        if let holes = slot.holes { word |= UInt64(holes) << holesShift | knownBit }
        if slot.isStrange { word |= strangeBit }
        switch slot.page {
        case .none: break
        case .extent: word |= extentBit
        case .unreadable: word |= unreadableBit
        }
        return word
    }

    private static func slot(_ word: UInt64) -> Slot {
        let gfn = word & gfnBit != 0 ? (word & blockMask) << 9 : nil
        let holes = word & knownBit != 0 ? Int(word >> holesShift & holesMask) : nil
        if word & unreadableBit != 0 { return Slot(page: .unreadable, gfn: gfn, holes: holes) }
        guard word & extentBit != 0, let gfn else { return Slot(page: .none, gfn: nil, holes: holes) }
        var slot = Slot(page: .extent(gfn), gfn: gfn, holes: holes)
        slot.isStrange = word & strangeBit != 0
        return slot
    }

    // MARK: Sums

    private mutating func note(_ slot: Slot, _ index: Int) {
        add(slot, 1)
        if !slot.mayBeFreed { keptEnd = max(keptEnd, index + 1) }
        if slot.isTakeable { takeableEnd = max(takeableEnd, index + 1) }
        if slot.isReturned { returnedStart = min(returnedStart, index) }
        if slot.isInDoubt || slot.isMixed {
            let bounds = doubtfulBounds ?? index..<index + 1
            doubtfulBounds = min(bounds.lowerBound, index)..<max(bounds.upperBound, index + 1)
        } else {
            forgetDoubtWhenNone()
        }
    }

    private mutating func forgetDoubtWhenNone() {
        if sums.inDoubt + sums.mixed == 0 { doubtfulBounds = nil }
    }

    private mutating func add(_ slot: Slot, _ sign: Int) {
        if slot.isLost {
            sums.lost += sign
        } else if let holes = slot.holes {
            sums.holes = sums.holes &+ UInt64(bitPattern: Int64(holes * sign))
            if slot.isGiven {
                sums.given += sign
            } else if holes > 0 {
                sums.mixed += sign
            } else if !slot.isEmpty {
                sums.ram += sign
            }
        } else {
            sums.inDoubt += sign
        }
    }
}
