// Pages that are in the file and in no pin. The kernel no longer maps a broken page, so it cannot be pinned anew. Where
// its old pin is gone nothing holds it.
//
// The next process sees only how many pages a pin has. A pin with as many pages as the file would look as if it had
// the same pages, although one page of the file is bare and one page of the pin has left the file. So the number of
// bare pages is kept, as a name.
extension PinnedPages {
    /// Takes in the names that the previous process kept.
    func findBareNames() throws(BalloonError) {
        bareNames = Set(try keeper.keptNames(prefix: barePrefix))
        for name in bareNames {
            let numbers = name.dropFirst(barePrefix.count).split(separator: ".").map { Int($0) }
            guard numbers.count == 2, let chunk = numbers[0], let pages = numbers[1] else { continue }
            // A process that was killed between two numbers leaves both. With the greater one more pages stay pinned.
            recovery.bare[chunk] = max(recovery.bare[chunk] ?? 0, pages)
        }
    }

    /// The names of what this recovery found. Each has a pipe of its own: a service manager's store takes a second name of one
    /// pipe for the first, and would lose the pin.
    func bareChunks() throws(BalloonError) -> [String: Pin] {
        var pages: [Int: Int] = [:]
        for slot in recovery.unpinned { pages[slot / pagesPerPin, default: 0] += 1 }
        var names: [String: Pin] = [:]
        for (chunk, pages) in pages { names["\(barePrefix)\(chunk).\(pages)"] = try Pin(kernel) }
        return names
    }

    /// How many pages of a chunk there were at most when its old pin was whole.
    func mostPages(_ chunk: Int, _ pin: Pin) throws(BalloonError) -> Int {
        try pin.count() + (recovery.bare[chunk] ?? 0)
    }

    private var barePrefix: String { "vnode\(vnode).\(file?.inode ?? 0).bare" }
}
