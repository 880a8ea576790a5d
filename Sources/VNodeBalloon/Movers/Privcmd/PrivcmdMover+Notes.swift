// What the intent record is told: a move before it begins, slots in doubt, and what the file is like.
extension PrivcmdMover {
    /// Notes a move, and the number of pool pages that are not ours, before anything is touched.
    ///
    /// Every mixed slot stays noted, wherever it lies, because a quick probe of two frames may not show that it is
    /// mixed. RAM right below the moving slots is noted, too: it may be freed together with them.
    func beginMove(_ balloon: SlottedBalloon, _ slots: Range<Int>) throws(BalloonError) {
        let lower = balloon.slots.ramStart(below: slots.lowerBound)
        let doubtful = balloon.slots.doubtful ?? slots
        let noted = min(lower, doubtful.lowerBound)..<max(slots.upperBound, doubtful.upperBound)
        var move = InterruptedMove(
            slots: noted, foreignPoolPages: try balloon.reserve.foreignPoolPages(),
            poolPages: slots.upperBound - lower)
        move.file = balloon.slots.shape
        try intents.begin(move, vnode: balloon.vnode.number)
        balloon.noted = .move
    }

    /// Notes a deflate. To take memory back must need no byte on a disk: where the note cannot be written the deflate
    /// goes on. If this process is then killed in the middle, the next one at worst cannot tell some of our pages in
    /// the pool from foreign ones.
    func noteMove(_ balloon: SlottedBalloon, _ slots: Range<Int>) {
        do throws(BalloonError) { try beginMove(balloon, slots) } catch { warning = error }
    }

    /// Notes the mixed slots and those in doubt, in place of the former note.
    ///
    /// - Returns: false: there are none.
    func noteDoubts(_ balloon: SlottedBalloon) throws(BalloonError) -> Bool {
        guard let doubtful = balloon.slots.doubtful else { return false }
        var note = InterruptedMove(slots: doubtful, foreignPoolPages: 0, poolPages: 0)
        note.file = balloon.slots.shape
        try intents.begin(note, vnode: balloon.vnode.number)
        balloon.noted = .doubts
        return true
    }

    /// The note in force must fit the file as it is now. The next process would take a slot that became empty since for one
    /// whose page a pin still has. It would not miss a page that was added since.
    ///
    /// - Parameters:
    ///   - limit: RAM from here on is about to be freed, so what becomes of it does not matter. nil: nothing is.
    ///   - punching: a slot below others that is about to be freed.
    func noteFile(
        _ balloon: SlottedBalloon, below limit: Int? = nil, punching: Int? = nil
    ) throws(BalloonError) {
        if balloon.reserve.isReading { return }
        let (shape, vnode) = (balloon.slots.shape(below: limit ?? balloon.slots.count), balloon.vnode.number)
        let file = FileShape(end: shape.end, gaps: shape.gaps, punching: punching)
        switch intents.line(vnode: vnode) {
        case .moving(var move) where move.file != file:
            move.file = file
            try intents.begin(move, vnode: vnode)
        case .quiet(let noted) where noted != file: try intents.end(file, vnode: vnode)
        case .moving, .quiet, .unreadable: break
        }
    }
}
