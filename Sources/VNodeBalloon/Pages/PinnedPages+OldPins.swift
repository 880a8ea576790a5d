// What becomes of old pins. A page that was punched out of the file is not free before its pin goes, and it may be a
// hole.
extension PinnedPages {
    /// Finds the pins of this process, or of the one before.
    /// - Throws: `.busy`, `.descriptors`: it is not known what is pinned.
    func findOldPins() throws(BalloonError) {
        guard pins.isEmpty else {
            recovery.old = Dictionary(uniqueKeysWithValues: pins.enumerated().map { ($0, $1) })
            for slot in unpinned { recovery.bare[slot / pagesPerPin, default: 0] += 1 }
            return
        }
        recovery.isEarlier = true
        for name in try keeper.keptNames(prefix: pinPrefix) {
            guard let chunk = Int(name.dropFirst(pinPrefix.count)), let kept = try keeper.kept(name) else { continue }
            recovery.old[chunk] = Pin(kernel, readEnd: kept)
        }
        try findBareNames()
        recovery.oldSpare = try keeper.kept(spareName).map { Pin(kernel, readEnd: $0) }
        try countAsidePins()
    }

    /// Pages in pins of lost pages, and how many of them are lost: such a pin may have others of its chunk as well.
    private func countAsidePins() throws(BalloonError) {
        var (pages, lost) = (0, 0)
        for name in try keeper.keptNames(prefix: lostPrefix) {
            guard let kept = try keeper.kept(name) else { continue }
            let count = try Pin(kernel, readEnd: kept).count()
            pages += count
            // This process knows the frames of what it put aside itself.
            if !asidePins.contains(where: { $0.name == name }) { lost += min(count, lostPages(name) ?? count) }
        }
        (strayPins, strayPages) = (pages, lost)
    }

    /// What the name of a lost pin says: `lost.vnode<n>.<chunk>.<pipe>.<pages>`. nil: all of its pages.
    private func lostPages(_ name: String) -> Int? {
        let numbers = name.dropFirst(lostPrefix.count).split(separator: ".").map { Int($0) }
        return numbers.count == 3 && !numbers.contains(nil) ? numbers[2] : nil
    }

    /// Pins slots of one chunk in a new pin, and reads them.
    func pinAnew(_ mapping: any SlotMapping) throws(BalloonError) -> (Pin, [SlotPage]) {
        var looks: [SlotLook] = []
        for slot in mapping.slots { looks.append(try empty.contains(slot) ? .none : mapping.look(slot)) }
        var pin = try Pin(kernel)
        let carried = looks.contains(.broken) ? try copyOfOldPin(mapping.slots, looks) : nil
        var pages: [SlotPage] = []
        for (slot, look) in zip(mapping.slots, looks) {
            switch look {
            case .none: pages.append(.none)
            case .broken:
                pages.append(.unreadable)
                if let carried { try carried.moveFirst(to: pin) } else { recovery.unpinned.insert(slot) }
            case .mapped:
                // Pinned first: a page may move until then.
                try pin.add(slot, mapping)
                try carried?.dropFirst()
                guard case .success(let gfn) = try mapping.frame(of: slot) else {
                    throw BalloonError(
                        .moved, "slot \(slot) of the balloon's file is no whole page; nothing is freed", vnode: vnode)
                }
                pages.append(.extent(gfn))
            }
        }
        // Only the last chunk's stays open.
        if mapping.slots.upperBound < slotCount { pin.close() }
        return (pin, pages)
    }

    /// A broken page cannot be mapped, so it cannot be pinned anew. The old pin has it, in the order of the slots.
    private func copyOfOldPin(_ slots: Range<Int>, _ looks: [SlotLook]) throws(BalloonError) -> Pin? {
        guard let old = recovery.old[slots.lowerBound / pagesPerPin],
            recovery.bare[slots.lowerBound / pagesPerPin] == nil,
            try old.count() == looks.count(where: { $0 != .none })
        else { return nil }
        let copy = try Pin(kernel)
        try old.copy(to: copy)
        return copy
    }

    /// New pins take the place of the old ones. Where pages are in no slot any more and may be holes, theirs stay.
    ///
    /// - Parameter isAllBack: all pages that this process knows to be lost are RAM by now.
    func replacePins(isAllBack: Bool) throws(BalloonError) {
        if !recovery.isEarlier, !isAllBack, mustPutAside {
            try putAside()
        }
        let bareNow = try bareChunks()
        for (name, pin) in bareNow { try keeper.keep(name, pin.readEnd) }
        bareNames.formUnion(bareNow.keys)
        // The last one first. A pin that another version of this program left under a name may have the pages of chunks
        // behind it as well, and those must be kept by then.
        for (chunk, pin) in recovery.renewed.enumerated().reversed() {
            try keeper.keep(name(ofChunk: chunk), pin.readEnd)
        }
        // All pages are pinned anew: only now the old pins may go.
        for (chunk, pin) in recovery.old {
            try pin.clear()
            if chunk >= recovery.renewed.count { keeper.drop(name(ofChunk: chunk)) }
        }
        try recovery.oldSpare?.clear()
        if rewritten != nil { try spare?.clear() }
        (pins, unpinned, rewritten) = (recovery.renewed, recovery.unpinned, nil)
        for name in bareNames.subtracting(bareNow.keys) { keeper.drop(name) }
        bareNames = Set(bareNow.keys)
        goneSlots = []
        if slotCount > 0 { try keepSpare() }
        if isAllBack { try dropAsidePins() }
    }

    /// If an earlier call broke off, the pins that it put aside stay, and the rest follows.
    private func putAside() throws(BalloonError) {
        for (chunk, pin) in recovery.old {
            let name = try asideName(chunk, pin)
            if asidePins.contains(where: { $0.name.hasPrefix(name) }) { continue }
            let count = try pin.count()
            // The other pages of the chunk are still in the file. If the pin does not have as many pages as it should,
            // all of it stays.
            let slots = pinnedBefore(chunk)
            let keeping = slots.count == count ? slots.map(goneSlots.contains) : []
            if slots.count == count && !keeping.contains(true) { continue }
            let most = max(0, try mostPages(chunk, pin) - pages(ofChunk: chunk))
            let lost = keeping.isEmpty ? most : keeping.count { $0 }
            // A holder that does not answer may have kept it all the same.
            triedAside.insert(name + "\(lost)")
            asidePins.append(try keepAside(pin, chunk, lost: lost, keeping))
        }
        mustPutAside = false
    }

    /// The slots whose pages an old pin of this process should have, in its order.
    private func pinnedBefore(_ chunk: Int) -> [Int] {
        (chunk * pagesPerPin..<(chunk + 1) * pagesPerPin).clamped(to: 0..<recovery.slotsBefore).filter {
            !recovery.emptyBefore.contains($0) && !unpinned.contains($0)
        }
    }

    /// Pages that left the file meanwhile come free only now, and are taken out of the pool.
    private func dropAsidePins() throws(BalloonError) {
        mustPutAside = false
        if triedAside.isEmpty { return }
        let before = freePages()
        for lost in asidePins { try lost.pin.clear() }
        for name in triedAside { keeper.drop(name) }
        (asidePins, triedAside) = ([], [])
        shrinkPools(from: before, atMost: leftInPool)
        leftInPool = 0
        // Pins that earlier processes put aside stay.
        try? countAsidePins()
    }

    /// The name without its last number, which is how many of the pages are lost.
    private func asideName(_ chunk: Int, _ pin: Pin) throws(BalloonError) -> String {
        "\(lostPrefix)\(chunk).\(try pin.number())."
    }

    /// Pages that are pinned and in no slot, without touching a pin.
    func countStrayPins() throws(BalloonError) {
        var more = 0
        mindUnpunched()
        for (chunk, pin) in recovery.old where !recovery.isWhole {
            let most = try mostPages(chunk, pin)
            more +=
                isMasked(chunk, most) ? max(1, min(gaps(ofChunk: chunk), most)) : max(0, most - pages(ofChunk: chunk))
        }
        if !recovery.isWhole, let spare = recovery.oldSpare { more += try spare.count() }
        try countAsidePins()
        strayPins += more
        strayPages += more
    }

    /// A new process does not know the frames in an earlier process's pins. A pin with more pages than the file has in
    /// its chunk is put aside for ever.
    func keepStrayPins() throws(BalloonError) {
        mindUnpunched()
        // A rewrite broke off: a pin with as many pages as the file, or fewer, may have one that is missing there.
        let isRewriting = try (recovery.oldSpare?.count() ?? 0) > 0
        for (chunk, pin) in recovery.old where !recovery.isWhole {
            let count = try pin.count()
            if isRewriting && count > 0 && hasEmptySlot(chunk) {
                let most = recovered(ofChunk: chunk).count { recovery.pages[$0] == .none }
                _ = try keepAside(pin, chunk, lost: min(most, count))
                continue
            }
            let most = try mostPages(chunk, pin)
            if isMasked(chunk, most) {
                _ = try keepAside(pin, chunk, lost: max(1, min(gaps(ofChunk: chunk), count)))
                continue
            }
            let lost = most - pages(ofChunk: chunk)
            if lost > 0 { _ = try keepAside(pin, chunk, lost: lost, stray(chunk, count)) }
        }
        // A kill in the middle of a rewrite leaves pages of one chunk in the spare pin, which may be in no other.
        if isRewriting, !recovery.isWhole, let spare = recovery.oldSpare {
            _ = try keepAside(spare, -1, lost: try spare.count())
        }
        try countAsidePins()
    }

    /// A slot among others that a kill left with its page may be in no pin any more: the first version of this program
    /// unpinned before it punched.
    private func mindUnpunched() {
        guard !recovery.isWhole, let slot = recovery.unpunched else { return }
        recovery.bare[slot / pagesPerPin, default: 0] += 1
    }

    /// Whether pages that the broken move had not pinned yet, or had unpinned, may make up for some that another program
    /// punched out below them: the pin then has no more pages than the file, although some of them are in no slot.
    private func isMasked(_ chunk: Int, _ most: Int) -> Bool {
        let (pages, gaps) = (pages(ofChunk: chunk), gaps(ofChunk: chunk))
        if most == 0 || gaps == 0 { return false }
        if recovery.move.file != nil {
            // A pin that has the page of each gap has all pages of its chunk: nothing makes up for anything.
            return recovery.hasForeignGaps && most != pages + gaps
        }
        // It is not known which slots were empty before. Where no move was noted, one may have broken off all the same.
        switch recovery.move {
        case .noted: return most != pages + gaps
        case .none: return most < pages
        case .unknown: return most <= pages
        }
    }

    /// Slots of a chunk without a page, below one with a page.
    private func gaps(ofChunk chunk: Int) -> Int {
        recovered(ofChunk: chunk).clamped(to: 0..<recovery.file.end).count { recovery.pages[$0] == .none }
    }

    /// For each page of an old pin, in order, whether it may be in no slot. The pin's pages are in the order of the
    /// slots. Where slots are empty, it must be known that each of them had a page. Else it cannot be told which page
    /// belongs to which slot, and all stay. The same where the pin did not have each of them.
    private func stray(_ chunk: Int, _ count: Int) -> [Bool] {
        let all = [Bool](repeating: true, count: count)
        if recovery.bare[chunk] != nil { return all }
        let isEmpty = recovered(ofChunk: chunk).map { recovery.pages[$0] == .none }
        if !isEmpty.contains(true) { return (0..<count).map { $0 >= isEmpty.count } }
        // A pin of a file that was cut off may have as many pages as there are slots now, and not of these slots.
        let isUncut = recovery.move.file == FileShape(end: recovery.pages.count, gaps: 0)
        return isEmpty.count == count && (count == pagesPerPin || isUncut) ? isEmpty : all
    }

    /// Has pages of a pin held by another one, which is kept under a name of its own.
    ///
    /// - Parameters:
    ///   - lost: how many of them are in no slot.
    ///   - keeping: for each page in order whether it is to be held; all of them where nothing is said.
    private func keepAside(
        _ pin: Pin, _ chunk: Int, lost: Int, _ keeping: [Bool] = []
    ) throws(BalloonError) -> (name: String, pin: Pin) {
        // A second try has the same name.
        let name = try asideName(chunk, pin) + "\(lost)"
        var aside = try Pin(kernel)
        try pin.copy(to: aside)
        if keeping.contains(false) {
            let some = try Pin(kernel)
            for isKept in keeping { if isKept { try aside.moveFirst(to: some) } else { try aside.dropFirst() } }
            aside = some
        }
        try keeper.keep(name, aside.readEnd)
        return (name, aside)
    }

    private func hasEmptySlot(_ chunk: Int) -> Bool {
        recovered(ofChunk: chunk).contains { recovery.pages[$0] == .none }
    }

    private func recovered(ofChunk chunk: Int) -> Range<Int> {
        (chunk * pagesPerPin..<(chunk + 1) * pagesPerPin).clamped(to: 0..<recovery.pages.count)
    }

    private func pages(ofChunk chunk: Int) -> Int { recovered(ofChunk: chunk).count { recovery.pages[$0] != .none } }

    /// What a keeper calls pins that outlive even an empty balloon.
    private var lostPrefix: String { "\(KeptName.lostPrefix)vnode\(vnode)." }
}
