/// How far the recovery of a vnode has come.
struct Recovery {
    enum Stage {
        /// Reads the pages of the file, and pins them anew.
        case pages
        /// Makes extents that left the file RAM again, from this one on.
        case lost(next: Int)
        /// Puts the new pins in the place of the old ones.
        case pins(isAllBack: Bool)
        /// Asks Xen about each slot from this one on: about two frames of an extent, or about all where two are not
        /// enough.
        case slots(next: Int)
        /// Xen was asked about all slots of this vnode. To compare the total needs the other vnodes' slots, too.
        case sum
        /// Asks Xen about every frame, from this slot on.
        case everyFrame(next: Int)
        /// Asks Xen about the slots in doubt, from this one on.
        case doubts(next: Int)
    }

    var stage: Stage
    /// The move that a killed process had begun.
    var interrupted: InterruptedMove?
    /// No move was noted, but what the file was like.
    var file: FileShape?
    /// The intent record cannot be read: all slots are in doubt.
    var isUnreadable = false
    /// The pages read so far, and how they differ from what was there before.
    var found = SlotTable()
    var differences = Differences()

    struct Differences {
        /// First frames of pages that are not in their slots any more, and that may have holes.
        var gone: [UInt64] = []
        /// All slots whose page is gone and may have had holes. `nameless` counts those whose frame is not known: their
        /// page was broken.
        var slots: [Int] = []
        var nameless = 0
        /// How many of the slots that differ had a page before, and how many have one now.
        var before = 0
        var after = 0
    }
}
