import Testing

@testable import VNodeBalloon

@Suite struct SlotPagesTests {
    @Test func `a list of slot pages returns each page as it was put`() {
        let list: [SlotPage] = (0..<10_000).map { slot in
            switch slot % 7 {
            case 3: .none
            case 5: .unreadable
            default: .extent(UInt64(slot) * 512)
            }
        }
        var pages = SlotPages()
        #expect(pages.isEmpty)
        for first in stride(from: 0, to: list.count, by: 64) { pages += list[first..<min(first + 64, list.count)] }
        #expect(pages.count == list.count && pages.elementsEqual(list))
        #expect(pages[9999] == list[9999] && pages[0] == .extent(0))
    }
}
