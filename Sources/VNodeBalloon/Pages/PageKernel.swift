/// What one vnode's pages ask of the kernel, a call each. A simulation puts its own in its place.
package protocol PageKernel: AnyObject {
    /// The root of our hugetlbfs.
    var mount: FileDescriptor { get }
    /// The pool that pages come from; those of all nodes where the vnode has none.
    var pools: [any PagePool] { get }
    /// Pages of one pin, and slots of one chunk of a file.
    var pagesPerPin: Int { get }

    /// The vnode's file below the mount; made where it is missing.
    func openFile() throws(BalloonError) -> FileDescriptor
    /// Which file this is.
    /// - Throws: `.notHugetlbfs`: not one of ours.
    func identity(of file: FileDescriptor) throws(BalloonError) -> SlotFile.Identity
    /// Where the vnode's name below the mount leads.
    func name(of file: SlotFile.Identity) throws(BalloonError) -> FoundFile.Name
    func contents(of file: FileDescriptor) throws(BalloonError) -> SlotFile.Contents
    func resize(_ file: FileDescriptor, to slots: Int) throws(BalloonError)
    /// Takes one slot's page out of a file; the slot stays.
    func punch(_ file: FileDescriptor, slot: Int) throws(BalloonError)
    func map(
        _ file: FileDescriptor, _ slots: Range<Int>, for purpose: SlotFile.Purpose
    ) throws(BalloonError) -> any SlotMapping

    /// A pipe for as many pages as a pin has.
    func makePin() throws(BalloonError) -> (readEnd: FileDescriptor, writeEnd: FileDescriptor)
    /// Another write end.
    func openPin(_ readEnd: FileDescriptor) throws(BalloonError) -> FileDescriptor
    func pinnedPages(_ readEnd: FileDescriptor) throws(BalloonError) -> Int
    /// Moves the page that was added first to another pin; nil: lets go of it.
    func moveFirstPinned(_ readEnd: FileDescriptor, to writeEnd: FileDescriptor?) throws(BalloonError)
    /// Has another pin hold the same pages, too.
    /// - Returns: how many those are.
    func copyPinned(_ readEnd: FileDescriptor, to writeEnd: FileDescriptor) throws(BalloonError) -> Int
    /// Lets go of all pages, in whatever process the pipe is open.
    func clearPin(_ readEnd: FileDescriptor) throws(BalloonError)
    /// Tells one pipe from another.
    func number(ofPin readEnd: FileDescriptor) throws(BalloonError) -> UInt64
}

/// Slots of a file that are mapped just now, until the last reference goes.
package protocol SlotMapping: AnyObject {
    var slots: Range<Int> { get }
    /// Allocates and clears a slot's page. False when the node's pool has none.
    func populateForWriting(_ slot: Int) throws(BalloonError) -> Bool
    /// Maps a slot's page as it is. Where there is none it makes none, if the kernel is able to look without making one.
    func look(_ slot: Int) throws(BalloonError) -> SlotLook
    /// Maps all slots in one call, or allocates what is missing. False when one of them has no page to be had.
    func populateAllForReading() throws(BalloonError) -> Bool
    func pin(_ slot: Int, _ writeEnd: FileDescriptor) throws(BalloonError)
    /// The first frame of a slot's new page, from all of its entries in pagemap.
    func newFrame(of slot: Int) throws(BalloonError) -> Result<UInt64, FrameFault>
    /// The first frame of a slot's page, from its last entry.
    func frame(of slot: Int) throws(BalloonError) -> Result<UInt64, FrameFault>
}

package enum SlotLook {
    case mapped
    /// There is no page, and none is to be had.
    case none
    /// The kernel no longer maps the page.
    case broken
}

/// 2 MiB pages of one node that are set aside.
package protocol PagePool {
    /// Pages in the pool, used ones included.
    func total() throws(BalloonError) -> Int
    /// Free pages in the pool.
    func free() throws(BalloonError) -> Int
    /// Grows the pool by up to `count` pages, as far as there is memory.
    func grow(by count: Int) throws(BalloonError) -> PoolGrowth
    /// Takes up to `count` free pages out of the pool.
    func shrink(by count: Int) throws(BalloonError)
}

package struct PoolGrowth {
    /// How many free pages there are more than before.
    package var pages: Int
    package var freeBefore: Int

    package init(pages: Int, freeBefore: Int) {
        self.pages = pages
        self.freeBefore = freeBefore
    }
}
