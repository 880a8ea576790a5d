import Simulation
import Testing

@testable import BalloonCore
@testable import VNodeBalloon

/// When the daemon writes its rows.
@Suite struct PublishTests {
    static let second: Interval = .seconds(1)

    static func rows(_ kib: KiB, _ activity: VNodeActivity) -> [Int: VNodeRows] {
        [0: VNodeRows(acknowledged: "65536", balloon: kib, activity: activity, granularity: 2048)]
    }

    /// A schedule that has published an empty balloon.
    static func quiet() -> PublishSchedule {
        var schedule = PublishSchedule()
        #expect(!schedule.due(rows(0, .idle), now: 0).isEmpty, "the first time at once")
        schedule.wrote(rows(0, .idle), now: 0)
        return schedule
    }

    @Test func `only the rows that changed are written`() {
        func names(_ row: VNodeRows, after before: VNodeRows?) -> [String] { row.values(after: before).map(\.name) }
        let moving = VNodeRows(acknowledged: "4096", balloon: 2048, activity: .inflating, granularity: 2048)
        var further = moving
        further.balloon = 4096
        #expect(names(further, after: moving) == ["balloon-size"])
        var held = further
        (held.activity, held.reason) = (.held, .guard)
        #expect(names(held, after: further) == ["balloon-state", "balloon-reason"])
        let all = ["balloon-target", "balloon-size", "balloon-state", "balloon-reason", "balloon-granularity"]
        #expect(names(held, after: nil) == all)
    }

    @Test func `unchanged rows are not due`() {
        var schedule = Self.quiet()
        #expect(schedule.due(Self.rows(0, .idle), now: .at(5)).isEmpty)
        #expect(schedule.nextDue(Self.rows(0, .idle), now: .at(5)) == nil)
    }

    @Test func `a short move is published when it has ended`() {
        var schedule = Self.quiet()
        let begin = Moment.at(5)
        #expect(schedule.due(Self.rows(2048, .inflating), now: begin).isEmpty)
        #expect(schedule.nextDue(Self.rows(2048, .inflating), now: begin) == begin + PublishSchedule.patience)
        #expect(schedule.due(Self.rows(65536, .idle), now: begin + 1) == Self.rows(65536, .idle))
    }

    @Test func `a long move is published on the way, once a second`() {
        var schedule = Self.quiet()
        let begin = Moment.at(5)
        let told = begin + PublishSchedule.patience
        #expect(schedule.due(Self.rows(2048, .inflating), now: begin).isEmpty)
        #expect(schedule.due(Self.rows(4096, .inflating), now: told - 1).isEmpty)
        #expect(schedule.due(Self.rows(6144, .inflating), now: told) == Self.rows(6144, .inflating))
        schedule.wrote(Self.rows(6144, .inflating), now: told)
        // From then on the row is written once a second.
        #expect(schedule.due(Self.rows(8192, .inflating), now: told + 1).isEmpty)
        #expect(schedule.nextDue(Self.rows(8192, .inflating), now: told + 1) == told + PublishSchedule.interval)
        #expect(!schedule.due(Self.rows(8192, .inflating), now: told + PublishSchedule.interval).isEmpty)
    }

    @Test func `a move that went back unpublished does not shorten the next move's patience`() {
        var schedule = Self.quiet()
        #expect(schedule.due(Self.rows(2048, .inflating), now: .at(5)).isEmpty)
        // The balloon is back where it was, so there is nothing to publish.
        #expect(schedule.due(Self.rows(0, .idle), now: .at(6)).isEmpty)
        #expect(schedule.due(Self.rows(2048, .inflating), now: .at(7)).isEmpty)
    }

    @Test func `rows that were forgotten are written at once`() {
        var schedule = Self.quiet()
        schedule.forget(0)
        #expect(!schedule.due(Self.rows(2048, .inflating), now: .at(5)).isEmpty)
    }
}
