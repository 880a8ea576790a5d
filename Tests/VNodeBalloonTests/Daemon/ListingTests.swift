import BalloonCore
import Simulation
import Testing

/// Tables that scripts split into words.
@Suite struct ListingTests {
    private struct Line {
        var name: String
        var size: KiB?
    }

    private let columns: [ListingColumn<Line>] = [
        .init("NAME", isWord: true) { .word($0.name) },
        .init("SIZE") { .size($0.size, else: .unknown) },
        .init("AGAIN", isUsual: false) { .size($0.size) },
    ]
    private let lines = [
        Line(name: "a", size: 65_536), Line(name: "", size: nil), Line(name: "long one", size: 1_049_599),
    ]

    private func text(_ style: ListingStyle = ListingStyle()) -> String? { Listing(columns, style)?.text(lines) }

    @Test func `a listing's columns are aligned`() {
        #expect(text() == "NAME            SIZE\na                64M\n-                  ?\nlong\\x20one  1024.9M")
    }

    @Test func `a listing shows the chosen columns in their order, and refuses unknown ones`() {
        #expect(
            text(ListingStyle(columns: "again,Name", hasHeader: false))
                == "    64M  a\n      -  -\n1024.9M  long\\x20one"
        )
        #expect(text(ListingStyle(columns: "size,size"))?.hasPrefix("   SIZE     SIZE\n") == true)
        for wrong in ["nonsense", "name,", "", ",", "name size"] { #expect(text(ListingStyle(columns: wrong)) == nil) }
    }

    @Test func `sizes in bytes are whole numbers`() {
        #expect(
            text(ListingStyle(columns: "size", hasHeader: false, inBytes: true)) == "  67108864\n         ?\n1074789376"
        )
        #expect(Size.bytes(.max) == "18889465931478580853760")
    }

    @Test func `a short size parses back to the same size`() {
        for size: KiB in [0, .mib(1), .mib(64), .gib(3)] { #expect(Size(Size.short(size))?.kib == size) }
    }

    /// Each line must have as many words as the table has columns.
    @Test func `a listing's cells have no blank and no control character, whatever the name`() throws {
        for name in ["\u{1b}[2J", "a b\tc\nd", "\\", "é", " ", "\u{a0}"] {
            let cells = try #require(Listing(columns)).cells([Line(name: name, size: 4)])
            #expect(cells[1].count == 2)
            #expect(cells[1].allSatisfy { $0.utf8.allSatisfy { (0x21...0x7e).contains($0) } && !$0.isEmpty }, "\(name)")
        }
    }
}
