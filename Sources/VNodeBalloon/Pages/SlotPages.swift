/// What is behind each slot of a file, in order, at eight bytes a slot: a restart finds all slots of all files before it lets
/// the first list go.
///
/// The list has its full length from the start: a large one then has its own mapping, which goes back to the kernel
/// with the list.
struct SlotPages: RandomAccessCollection {
    private static let none: UInt64 = 0
    private static let unreadable: UInt64 = 1
    /// No bit of the first frame of an extent.
    private static let extentBit: UInt64 = 2
    private var words: [UInt64] = []

    var startIndex: Int { 0 }
    var endIndex: Int { words.count }

    mutating func reserveCapacity(_ pages: Int) { words.reserveCapacity(pages) }

    subscript(index: Int) -> SlotPage {
        switch words[index] {
        case Self.none: .none
        case Self.unreadable: .unreadable
        case let word: .extent(word & ~Self.extentBit)
        }
    }

    mutating func append(_ page: SlotPage) {
        switch page {
        case .none: words.append(Self.none)
        case .unreadable: words.append(Self.unreadable)
        case .extent(let gfn):
            precondition(gfn % ExtentBuffer.framesPerExtent == 0, "a frame no extent begins at")
            words.append(gfn | Self.extentBit)
        }
    }

    static func += (pages: inout SlotPages, more: some Sequence<SlotPage>) {
        for page in more { pages.append(page) }
    }
}
