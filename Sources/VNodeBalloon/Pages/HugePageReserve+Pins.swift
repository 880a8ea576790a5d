internal import CBalloonShim

// What becomes of old pins when a file is not what it was: a page that somebody took out of it is not free before its pin
// goes, and it may be a hole.
extension HugePageReserve {
    /// New pins take the place of the old ones. Where pages are in no slot any more and may be holes, theirs stay.
    ///
    /// - Parameters:
    ///   - frames: what is in the slots now.
    ///   - isAllBack: all pages that this process knows to be lost are RAM by now.
    func replacePins(by renewed: [Pin], _ frames: [UInt64?], isAllBack: Bool) throws(BalloonError) {
        var old = pins
        var stray: [(pin: Pin, chunk: Int)] = []
        if old.isEmpty {
            while let kept = keeper.kept(name(ofChunk: old.count)) { old.append(Pin(readEnd: kept)) }
            stray = try keepStrayPins(old, frames)
        } else if !isAllBack && lostPins.isEmpty {
            for pin in old { lostPins.append(try keepAside(pin).name) }
        }
        for (chunk, pin) in renewed.enumerated() { try keeper.keep(name(ofChunk: chunk), pin.readEnd) }
        for chunk in 0..<old.count where chunk >= renewed.count { keeper.drop(name(ofChunk: chunk)) }
        pins = renewed
        // Only now: slots that are there are pinned anew.
        for (pin, chunk) in stray { try reduce(pin, chunk, frames) }
        guard isAllBack else { return }
        for name in lostPins { keeper.drop(name) }
        lostPins = []
    }

    /// A new process does not know the frames that an old one's pins are about. Those of more pages than the file has are
    /// put aside, for ever.
    private func keepStrayPins(
        _ old: [Pin], _ frames: [UInt64?]
    ) throws(BalloonError) -> [(pin: Pin, chunk: Int)] {
        strayPins = 0
        for (_, pin) in keeper.kept(prefix: lostPrefix) { strayPins += try Pin(readEnd: pin).count() }
        var stray: [(pin: Pin, chunk: Int)] = []
        for (chunk, pin) in old.enumerated() {
            let more = try pin.count() - self.slots(ofChunk: chunk, frames).count { frames[$0] != nil }
            guard more > 0 else { continue }
            stray.append((try keepAside(pin).pin, chunk))
            strayPins += more
        }
        return stray
    }

    /// Moves a pin's pages to another one, which is kept before it has any: what is kept under the old one's name is emptied
    /// when a new one takes its place.
    private func keepAside(_ pin: Pin) throws(BalloonError) -> (name: String, pin: Pin) {
        let name = "\(lostPrefix)\(cb_clock_monotonic())"
        let (aside, filler) = try Pin.make()
        try keeper.keep(name, aside.readEnd)
        for _ in 0..<(try pin.count()) { try pin.moveFirst(to: filler) }
        return (name, aside)
    }

    /// Lets go of those pages of a pin that are in a slot: they are pinned anew, and must not stay when they are freed.
    ///
    /// Its pages are in the order of the slots. Where a slot is empty nobody knows which page is whose: all stay then.
    private func reduce(_ pin: Pin, _ chunk: Int, _ frames: [UInt64?]) throws(BalloonError) {
        let there = slots(ofChunk: chunk, frames)
        guard there.allSatisfy({ frames[$0] != nil }) else { return }
        for _ in there { try pin.dropFirst() }
    }

    private func slots(ofChunk chunk: Int, _ frames: [UInt64?]) -> Range<Int> {
        (chunk * Pin.slots..<(chunk + 1) * Pin.slots).clamped(to: 0..<frames.count)
    }

    /// What a keeper calls pins that outlive even an empty balloon.
    private var lostPrefix: String { "\(HolderClient.lostPrefix)vnode\(vnode)." }
}
