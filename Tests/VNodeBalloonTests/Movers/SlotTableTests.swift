import Simulation
import Testing

@testable import VNodeBalloon

/// The sums and hints of the table, compared with a plain list of slots.
@Suite struct SlotTableTests {
    static func slot(_ random: inout SeededGenerator) -> SlotTable.Slot {
        let gfn: UInt64 = UInt64(random.number(1...1 << 20)) * 512
        switch random.number(0...7) {
        case 0: return .empty
        case 1: return SlotTable.Slot(page: .unreadable, gfn: random.oneIn(2) ? gfn : nil, holes: nil)
        case 2: return SlotTable.Slot(.extent(gfn))
        case 3: return SlotTable.Slot(page: .extent(gfn), gfn: gfn, holes: random.number(1...511))
        case 4:
            var slot = SlotTable.Slot(.extent(gfn))
            slot.isStrange = true
            return slot
        case 5: return SlotTable.Slot(page: .extent(gfn), gfn: gfn, holes: 0)
        default: return SlotTable.Slot(page: .extent(gfn), gfn: gfn, holes: 512)
        }
    }

    static func sums(_ slots: [SlotTable.Slot]) -> SlotTable.Sums {
        var sums = SlotTable.Sums()
        for slot in slots where !slot.isEmpty {
            if slot.isLost {
                sums.lost += 1
                continue
            }
            sums.holes += UInt64(slot.holes ?? 0)
            if slot.isGiven { sums.given += 1 }
            if slot.isMixed { sums.mixed += 1 }
            if slot.isRAM { sums.ram += 1 }
            if slot.isInDoubt { sums.inDoubt += 1 }
        }
        return sums
    }

    @Test func `a slot is read from the table as it was written`() {
        property("slots", cases: 2_000) { random in
            let slot = Self.slot(&random)
            var table = SlotTable()
            table.append(slot)
            try demand(table[0] == slot, "\(table[0]), not \(slot)")
        }
    }

    @Test func `the table's sums and hints equal those of a plain list`() {
        property("tables", cases: 200) { random in
            var (table, list) = (SlotTable(), [SlotTable.Slot]())
            for _ in 0..<random.number(1...120) {
                switch random.number(0...9) {
                case 0...3:
                    for _ in 0..<random.number(1...70) {
                        let slot = Self.slot(&random)
                        table.append(slot)
                        list.append(slot)
                    }
                case 4 where !list.isEmpty:
                    let count = random.number(1...list.count)
                    table.removeLast(count)
                    list.removeLast(count)
                case _ where !list.isEmpty:
                    let (index, slot) = (random.number(0...list.count - 1), Self.slot(&random))
                    table[index] = slot
                    list[index] = slot
                default: break
                }
                try Self.compare(&table, list, most: random.number(1...20))
            }
        }
    }

    private static func compare(_ table: inout SlotTable, _ list: [SlotTable.Slot], most: Int) throws {
        try demand(table.count == list.count, "\(table.count) slots")
        try demand(table.sums == sums(list), "\(table.sums), not \(sums(list))")
        let kept = list.lastIndex { !$0.mayBeFreed }.map { $0 + 1 } ?? 0
        try demand(table.slotsToKeep() == kept, "\(table.slotsToKeep()) to keep, not \(kept)")
        let takeable = list.indices.reversed().filter { list[$0].isTakeable }
        let taken = table.takeable(most)
        try demand(taken == Array(takeable.prefix(taken.count)), "\(taken) are not the last of \(takeable)")
        try demand(!taken.isEmpty || takeable.isEmpty, "none of \(takeable.count)")
        let returned = list.indices.filter { list[$0].isReturned }
        let found = table.returned(most)
        try demand(found == Array(returned.prefix(found.count)), "\(found) are not the first of \(returned)")
        try demand(!found.isEmpty || returned.isEmpty, "none of \(returned.count)")
        let doubtful = list.indices.filter { list[$0].isMixed && !list[$0].isLost || list[$0].isInDoubt }
        try demand(
            doubtful.allSatisfy { table.doubtful?.contains($0) == true },
            "\(doubtful) in \(String(describing: table.doubtful))")
        try demand((table.doubtful == nil) == doubtful.isEmpty, "\(doubtful.count) in doubt")
        try demand(table.firstInDoubt(from: 0) == list.firstIndex { $0.isInDoubt }, "the first in doubt")
    }

    /// A guest of 4 TiB has 2 million slots. A slot takes 8 bytes, and no operation copies the whole table.
    @Test func `a table of 100000 slots counts all their holes, and takes from its end`() {
        var table = SlotTable()
        for index in 0..<100_000 {
            let gfn: UInt64 = UInt64(index + 1) * 512
            table.append(SlotTable.Slot(page: .extent(gfn), gfn: gfn, holes: 512))
        }
        #expect(table.sums.holes == 51_200_000)
        #expect(table.takeable(3) == [99_999, 99_998, 99_997])
        #expect(table.returned(3) == [])
        table.removeLast(99_999)
        #expect(table.slotsToKeep() == 1)
    }
}
