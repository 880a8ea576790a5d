import BalloonCore
import BalloonHost
import Simulation
import Testing

@Suite struct PlannerTests {
    private static let cases = 20_000

    private func seat(
        _ domain: UInt16, _ vnode: Int = 0, size: KiB = .mib(256), least: KiB = .mib(64), balloon: KiB = 0,
        grain: KiB = 2048, short: KiB = 0
    ) -> Seat {
        Seat(
            domain: domain, vnode: vnode, size: size, minimum: least, maximum: size, balloon: balloon,
            grain: grain, short: short)
    }

    // MARK: Examples

    @Test func `a plan asks as few guests as possible, or all of them evenly`() {
        let seats = [seat(1), seat(2)]
        #expect(FreePlan(freeing: 131_072, from: seats).changes == [Change(seat: 0, target: 131_072)])
        let even = FreePlan(freeing: 131_072, from: seats, spread: .even)
        #expect(even.changes == [Change(seat: 0, target: 65_536), Change(seat: 1, target: 65_536)])
    }

    @Test func `a plan says to the KiB what the guests' minima leave missing`() {
        let plan = FreePlan(freeing: .mib(500), from: [seat(1), seat(2, balloon: .mib(100))])
        #expect(plan.given == .mib(192 + 92))
        #expect(plan.short == .mib(500 - 284))
    }

    @Test func `a small need is met by the guest with the small grain`() {
        let seats = [seat(1, size: .gib(8), least: 0, grain: .gib(1)), seat(1, 1)]
        #expect(FreePlan(freeing: 4096, from: seats).changes == [Change(seat: 1, target: 4096)])
    }

    @Test func `a plan for 0 KiB changes nothing, and one without guests is short of all`() {
        #expect(FreePlan(freeing: 0, from: [seat(1)]).changes.isEmpty)
        #expect(FreePlan(freeing: 5, from: []).short == 5)
    }

    @Test func `a guest that is short gets what it needs before the rest is levelled`() {
        let seats = [seat(1, balloon: .mib(100), short: .mib(80)), seat(2, balloon: .mib(20))]
        let plan = LevelPlan(seats, free: 0, keep: 0)
        // The node has 236 + 156 MiB. The first guest needs 156 + 80 of them.
        #expect(plan.targets[0] <= .mib(20))
        #expect(plan.spare < 4096)
    }

    @Test func `a difference within the band is left alone unless the plan is urgent`() {
        let seats = [seat(1, balloon: .mib(40)), seat(2, balloon: .mib(20))]
        let plan = LevelPlan(seats, free: 0, keep: 0)
        #expect(plan.targets == [.mib(30), .mib(30)])
        #expect(plan.changes(seats, band: .mib(64), isUrgent: false).isEmpty)
        #expect(plan.changes(seats, band: .mib(8), isUrgent: false).count == 2)
        #expect(plan.changes(seats, band: .mib(64), isUrgent: true).count == 2)
    }

    @Test func `memory that is reserved, being taken, claimed or below the floor is not usable`() {
        var node = PhysicalNode(number: 0, size: .gib(3), free: .gib(1))
        #expect(node.usable(hostFree: .gib(2)) == .gib(1) - .mib(32))
        node.reserved = .mib(100)
        node.taking = .mib(50)
        #expect(node.usable(hostFree: .gib(2)) == .gib(1) - .mib(182))
        #expect(node.usable(hostFree: .mib(300)) == .mib(300) - .mib(72) - .mib(150))
        #expect(node.usable(hostFree: 0) == 0)
        node.giving = .mib(10)
        #expect(node.comingFree == .gib(1) - .mib(140))
    }

    // MARK: Properties

    @Test func `every random plan to free keeps the planner's properties`() {
        #expect(
            counterexample("plans to free", cases: Self.cases) {
                try PlannerProperties.checkFreeing(&$0) { FreePlan(freeing: $0, from: $1, spread: $2) }
            } == nil)
    }

    @Test func `every random level plan keeps the planner's properties`() {
        #expect(
            counterexample("levels", cases: Self.cases) {
                try PlannerProperties.checkLevelling(&$0) { LevelPlan($0, free: $1, keep: $2) }
            } == nil)
    }

    @Test(arguments: PlantedBug.allCases)
    func `a bug planted in a plan to free is found by the properties`(bug: PlantedBug) {
        #expect(
            counterexample("planted: \(bug)", cases: Self.cases) {
                try PlannerProperties.checkFreeing(&$0) { need, seats, spread in
                    bug.spoil(FreePlan(freeing: bug.need(need), from: seats, spread: bug.spread(spread)), seats)
                }
            } != nil)
    }

    @Test(arguments: PlantedLevel.allCases)
    func `a bug planted in a level plan is found by the properties`(bug: PlantedLevel) {
        #expect(
            counterexample("planted: \(bug)", cases: Self.cases) {
                try PlannerProperties.checkLevelling(&$0) { seats, free, keep in
                    LevelPlan(bug.spoil(seats), free: free, keep: bug == .keepsNothing ? 0 : keep)
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
            case .forgetsShort: seat.short = 0
            case .forgetsMaximum: seat.maximum = seat.size
            case .forgetsMinimum: seat.minimum = 0
            case .keepsNothing: break
            case .countsTwice: seat.balloon -= min(seat.balloon, 4)
            }
            return seat
        }
    }
}

/// Bugs that a planner could have. The properties must find each of them.
enum PlantedBug: String, CaseIterable {
    case oneKiBLess, allGuests, notGrains, belowMinimum, twice, lies, forgetsRest

    func need(_ need: KiB) -> KiB { self == .oneKiBLess && need > 0 ? need - 1 : need }

    func spread(_ spread: FreePlan.Spread) -> FreePlan.Spread { self == .allGuests ? .even : spread }

    func spoil(_ plan: FreePlan, _ seats: [Seat]) -> FreePlan {
        var plan = plan
        guard let last = plan.changes.indices.last else { return plan }
        let seat = seats[plan.changes[last].seat]
        switch self {
        case .oneKiBLess, .allGuests: break
        case .notGrains: plan.changes[last].target -= 1
        case .belowMinimum:
            plan.changes[last].target = (seat.size - seat.minimum).roundedDown(to: seat.grain) + seat.grain
        case .twice: plan.changes.append(plan.changes[last])
        case .lies: plan.given += 4
        case .forgetsRest:
            plan.changes.removeLast()
            plan.given = 0
        }
        return plan
    }
}
