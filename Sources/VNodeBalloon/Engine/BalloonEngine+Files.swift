import Logging

// Reacts to what other programs do to the balloons' files.
extension BalloonEngine {
    /// How long a vnode stays without a new file. Otherwise a program that removes files over and over would make us
    /// move memory to and fro all the time.
    private static let renewalPause: Interval = .seconds(10)

    /// Checks the files. Where another program cut a file, the holes that left it are populated again at once. A file
    /// that a program removed is freed by the kernel when its last descriptor is closed, so its holes must be RAM by
    /// then: all of it is taken back. Once that is done, and some time has passed, the vnode gets a new file.
    /// - Returns: when to come again.
    /// - Throws: the first error that came up with a vnode's file. The other vnodes' files were checked, too.
    public func checkFiles() throws(BalloonError) -> Moment? {
        wantsFileCheck = false
        guard let files = guest.files else { return nil }
        var failure: BalloonError?
        for vnode in guest.mover.vnodes.map(\.number) {
            do throws(BalloonError) { try checkFile(vnode, files) } catch { failure = failure ?? error }
            controller.setRemoved(removed[vnode] != nil, vnode: vnode)
        }
        if let failure { throw failure }
        return removed.values.compactMap { since in since.map { $0 + Self.renewalPause } }.min()
    }

    private func checkFile(_ vnode: Int, _ files: any FileBacked) throws(BalloonError) {
        let file = try files.file(vnode: vnode)
        if file == .removed { return try checkRemoved(vnode, files) }
        removed[vnode] = nil
        // Before the vnode is known there is nothing to compare the file with.
        guard file == .damaged, isKnown(vnode) else { return }
        log.error("the balloon's file was changed: auditing all of it", metadata: .of(.file, ["vnode": "\(vnode)"]))
        beginAudit(vnode, .all)
    }

    private func checkRemoved(_ vnode: Int, _ files: any FileBacked) throws(BalloonError) {
        if removed[vnode] == nil {
            log.error(
                "the balloon's file was removed: its memory is taken back", metadata: .of(.file, ["vnode": "\(vnode)"]))
            removed[vnode] = .some(nil)
        }
        guard guest.mover.isEmpty(vnode: vnode) == true else {
            // Memory is missing again, or nobody knows. Then the pause begins anew once all of it is back: it must not
            // have ended while no new file can be made, or the loop would come again at once, for ever.
            removed[vnode] = .some(nil)
            return
        }
        guard let since = removed[vnode] ?? nil else {
            removed[vnode] = now
            return
        }
        guard now >= since + Self.renewalPause else { return }
        guard try files.renewFile(vnode: vnode) else {
            removed[vnode] = now
            return
        }
        log.notice("the balloon has a new file", metadata: ["vnode": "\(vnode)"])
        removed[vnode] = nil
        beginAudit(vnode, .all)
    }
}
