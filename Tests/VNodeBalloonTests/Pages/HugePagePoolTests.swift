import Testing

@testable import VNodeBalloon

/// How many pages of a pool that grew are ours, when other programs use the pool, too.
@Suite struct HugePagePoolTests {
    func count(_ asked: Int, _ grown: Int, free: Int, _ after: Int) -> [Int] {
        let count = HugePagePool.count(asked: asked, grown: grown, freeBefore: free, freeAfter: after)
        return [count.ours, count.leftOver]
    }

    @Test func `all pages by which a pool grew are ours where no other program uses it`() {
        #expect(count(4, 4, free: 0, 4) == [4, 0])
        #expect(count(4, 4, free: 7, 11) == [4, 0])
        #expect(count(4, 2, free: 0, 2) == [2, 0], "the kernel found two")
        #expect(count(4, 0, free: 0, 0) == [0, 0])
    }

    /// For each page that another program took, one of the pages that were free before is still there.
    @Test func `pages that another program took while the pool grew do not count as ours`() {
        #expect(count(4, 4, free: 10, 13) == [3, 1])
        #expect(count(4, 4, free: 10, 8) == [0, 4])
        #expect(count(4, 4, free: 0, 2) == [2, 0], "they had none: what is left is ours")
        #expect(count(4, 4, free: 1, 1) == [0, 1])
        #expect(count(4, 4, free: 0, 0) == [0, 0])
    }

    /// Such pages belong to the other program.
    @Test func `pages that another program added to or took out of the pool do not count as ours`() {
        #expect(count(4, 24, free: 0, 24) == [4, 0])
        #expect(count(4, 4, free: 0, 9) == [4, 0], "they freed some")
        #expect(count(4, -3, free: 10, 7) == [0, 0])
    }
}

@Suite struct NodeListTests {
    @Test func `a list of nodes as the kernel writes it is read, and its wrong parts are skipped`() {
        let lists: [(String, [Int])] = [
            ("0\n", [0]), ("0-1\n", [0, 1]), ("0,2-4,1023\n", [0, 2, 3, 4, 1023]), ("", []), ("\n", []), ("1-0\n", []),
            ("0-1024\n", []), ("-1\n", []), ("0-1-2,3", [3]), ("0-,1", [1]), ("99999999999999999999,1", [1]),
        ]
        for (text, nodes) in lists { #expect(HugePagePool.nodes(Array(text.utf8)) == nodes, "\(text)") }
    }
}
