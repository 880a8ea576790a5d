/// How far a vnode is on its way to be known.
struct Recovery {
    enum Stage {
        /// The pages of the file are read, and pinned anew.
        case pages
        /// What left the file becomes memory again, from this one of the lost extents on.
        case lost(next: Int)
        /// The new pins take the place of the old ones.
        case pins(isAllBack: Bool)
        /// Xen is asked about each slot from this one on: two frames of an extent, or all of them where that may not do.
        case slots(next: Int)
        /// Xen was asked about all slots of this vnode. The sum of all memory needs the other vnodes' slots, too.
        case sum
        /// Xen is asked about every frame, from this slot on.
        case everyFrame(next: Int)
        /// Xen is asked about the slots in doubt, from this one on.
        case doubts(next: Int)
    }

    var stage: Stage
    /// The move that a killed process had begun.
    var interrupted: InterruptedMove?
    /// Nothing is known of what was under way: all slots are in doubt.
    var isUnreadable = false
    /// What was read of the file so far, and what of it is not where it was.
    var found = SlotTable()
    var differences = Differences()

    struct Differences {
        /// First frames that were in slots which have other pages now, and whose memory may be holes.
        var gone: [UInt64] = []
        /// The slots of all that may be holes, and how many of them had a page whose frame is not known: a broken one.
        var slots: [Int] = []
        var nameless = 0
        /// How many pages there were, and are, in such slots.
        var before = 0
        var after = 0
    }
}
