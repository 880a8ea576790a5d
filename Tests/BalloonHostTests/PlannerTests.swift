import BalloonHost
import Simulation
import Testing

@Suite struct PlannerTests {
    private static let cases = 20_000

    private func seat(
        _ domain: UInt16, _ vnode: Int = 0, size: UInt64 = 256 << 10, least: UInt64 = 64 << 10, balloon: UInt64 = 0,
        grain: UInt64 = 2048, short: UInt64 = 0
    ) -> Seat {
        Seat(
            domain: domain, vnode: vnode, sizeKiB: size, minKiB: least, maxKiB: size, balloonKiB: balloon,
            grainKiB: grain, shortKiB: short)
    }

    // MARK: Examples

    @Test func `one guest is enough, or both give the same`() {
        let seats = [seat(1), seat(2)]
        #expect(FreePlan(freeing: 131_072, from: seats).changes == [Change(seat: 0, targetKiB: 131_072)])
        let even = FreePlan(freeing: 131_072, from: seats, spread: .even)
        #expect(even.changes == [Change(seat: 0, targetKiB: 65_536), Change(seat: 1, targetKiB: 65_536)])
    }

    @Test func `what can never be freed is told to the KiB`() {
        let plan = FreePlan(freeing: 500 << 10, from: [seat(1), seat(2, balloon: 100 << 10)])
        #expect(plan.givenKiB == (192 + 92) << 10)
        #expect(plan.shortKiB == (500 - 284) << 10)
    }

    @Test func `a huge grain is not broken for a small need that others can fill`() {
        let seats = [seat(1, size: 8 << 20, least: 0, grain: 1 << 20), seat(1, 1)]
        #expect(FreePlan(freeing: 4096, from: seats).changes == [Change(seat: 1, targetKiB: 4096)])
    }

    @Test func `nothing needed changes nothing`() {
        #expect(FreePlan(freeing: 0, from: [seat(1)]).changes.isEmpty)
        #expect(FreePlan(freeing: 5, from: []).shortKiB == 5)
    }

    @Test func `the short one gets what it needs before the others are levelled`() {
        let seats = [seat(1, balloon: 100 << 10, short: 80 << 10), seat(2, balloon: 20 << 10)]
        let plan = LevelPlan(seats, freeKiB: 0, keepKiB: 0)
        // 236 + 156 MiB there are: the first needs 156 + 80.
        #expect(plan.targetsKiB[0] <= 20 << 10)
        #expect(plan.spareKiB < 4096)
    }

    @Test func `a small difference is left alone unless it is urgent`() {
        let seats = [seat(1, balloon: 40 << 10), seat(2, balloon: 20 << 10)]
        let plan = LevelPlan(seats, freeKiB: 0, keepKiB: 0)
        #expect(plan.targetsKiB == [30 << 10, 30 << 10])
        #expect(plan.changes(seats, bandKiB: 64 << 10, isUrgent: false).isEmpty)
        #expect(plan.changes(seats, bandKiB: 8 << 10, isUrgent: false).count == 2)
        #expect(plan.changes(seats, bandKiB: 64 << 10, isUrgent: true).count == 2)
    }

    @Test func `what is spoken for is not usable`() {
        var node = PhysicalNode(number: 0, sizeKiB: 3 << 20, freeKiB: 1 << 20)
        #expect(node.usableKiB(hostFreeKiB: 2 << 20) == (1 << 20) - (32 << 10))
        node.reservedKiB = 100 << 10
        node.takingKiB = 50 << 10
        #expect(node.usableKiB(hostFreeKiB: 2 << 20) == (1 << 20) - (182 << 10))
        #expect(node.usableKiB(hostFreeKiB: 300 << 10) == (300 - 72 - 150) << 10)
        #expect(node.usableKiB(hostFreeKiB: 0) == 0)
        node.givingKiB = 10 << 10
        #expect(node.comingFreeKiB == (1 << 20) - (140 << 10))
    }

    // MARK: Properties

    @Test func `every plan to free holds`() {
        #expect(
            counterexample("plans to free", cases: Self.cases) {
                try PlannerProperties.checkFreeing(&$0) { FreePlan(freeing: $0, from: $1, spread: $2) }
            } == nil)
    }

    @Test func `every level holds`() {
        #expect(
            counterexample("levels", cases: Self.cases) {
                try PlannerProperties.checkLevelling(&$0) { LevelPlan($0, freeKiB: $1, keepKiB: $2) }
            } == nil)
    }

    @Test(arguments: PlantedBug.allCases) func `planted bugs are found`(bug: PlantedBug) {
        #expect(
            counterexample("planted: \(bug)", cases: Self.cases) {
                try PlannerProperties.checkFreeing(&$0) { need, seats, spread in
                    bug.spoil(FreePlan(freeing: bug.need(need), from: seats, spread: bug.spread(spread)), seats)
                }
            } != nil)
    }

    @Test(arguments: PlantedLevel.allCases) func `planted bugs of levels are found`(bug: PlantedLevel) {
        #expect(
            counterexample("planted: \(bug)", cases: Self.cases) {
                try PlannerProperties.checkLevelling(&$0) { seats, free, keep in
                    LevelPlan(bug.spoil(seats), freeKiB: free, keepKiB: bug == .keepsNothing ? 0 : keep)
                }
            } != nil)
    }
}

enum PlantedLevel: String, CaseIterable {
    case forgetsShort, forgetsMaximum, forgetsMinimum, keepsNothing, countsTwice

    func spoil(_ seats: [Seat]) -> [Seat] {
        seats.map { seat in
            var seat = seat
            switch self {
            case .forgetsShort: seat.shortKiB = 0
            case .forgetsMaximum: seat.maxKiB = seat.sizeKiB
            case .forgetsMinimum: seat.minKiB = 0
            case .keepsNothing: break
            case .countsTwice: seat.balloonKiB -= min(seat.balloonKiB, 4)
            }
            return seat
        }
    }
}

/// Mistakes that a planner may have. The properties must see each of them.
enum PlantedBug: String, CaseIterable {
    case oneKiBLess, allGuests, notGrains, belowMinimum, twice, lies, forgetsRest

    func need(_ need: UInt64) -> UInt64 { self == .oneKiBLess && need > 0 ? need - 1 : need }

    func spread(_ spread: FreePlan.Spread) -> FreePlan.Spread { self == .allGuests ? .even : spread }

    func spoil(_ plan: FreePlan, _ seats: [Seat]) -> FreePlan {
        var plan = plan
        guard let last = plan.changes.indices.last else { return plan }
        let seat = seats[plan.changes[last].seat]
        switch self {
        case .oneKiBLess, .allGuests: break
        case .notGrains: plan.changes[last].targetKiB -= 1
        case .belowMinimum:
            plan.changes[last].targetKiB = (seat.sizeKiB - seat.minKiB) / seat.grainKiB * seat.grainKiB + seat.grainKiB
        case .twice: plan.changes.append(plan.changes[last])
        case .lies: plan.givenKiB += 4
        case .forgetsRest:
            plan.changes.removeLast()
            plan.givenKiB = 0
        }
        return plan
    }
}
