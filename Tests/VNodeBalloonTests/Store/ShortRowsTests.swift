import BalloonCore
import Simulation
import Testing

@testable import VNodeBalloon

/// What the daemon publishes about vnodes that are short of memory.
@Suite struct ShortRowsTests {
    static let second: Interval = .seconds(1)

    private func rows(_ vnodes: Int...) -> ShortRows {
        var rows = ShortRows()
        for vnode in vnodes { rows.note(vnode, []) }
        return rows
    }

    @Test func `a shortage is due only where the toolstack made the row, and then at once`() {
        #expect(rows(1).due([0: 0, 1: 0], now: 5) == [1: 0])
    }

    @Test func `a shortage is due again when it changes by more than 8 MiB, or to or from 0`() {
        var rows = rows(0)
        rows.wrote([0: 0], now: 0)
        #expect(rows.due([0: 0], now: .at(2)).isEmpty)
        #expect(rows.due([0: 4], now: .at(2)) == [0: 4])
        rows.wrote([0: 9000], now: .at(2))
        for size in [808, 17_192] as [KiB] { #expect(rows.due([0: size], now: .at(9)).isEmpty) }
        for size in [0, 807, 17_193] as [KiB] { #expect(!rows.due([0: size], now: .at(9)).isEmpty) }
    }

    @Test func `a shortage is due at most once a second`() {
        var rows = rows(0)
        rows.wrote([0: 0], now: .at(1))
        #expect(rows.due([0: 50_000], now: .at(2) - 1).isEmpty)
        #expect(rows.due([0: 50_000], now: .at(2)) == [0: 50_000])
    }

    @Test func `a balloon-short row made anew is filled again, and a removed one is left alone`() {
        var rows = rows(0)
        rows.wrote([0: 50_000], now: 0)
        rows.note(0, Array("50000".utf8))
        #expect(rows.due([0: 50_000], now: .at(2)).isEmpty)
        rows.note(0, [])
        #expect(rows.due([0: 50_000], now: .at(2)) == [0: 50_000])
        rows.note(0, nil)
        #expect(rows.due([0: 50_000], now: .at(2)).isEmpty && rows.told(0) == nil)
    }

    @Test func `a shortage begins a quarter below what the guard keeps, and then counts all of it`() {
        let rule = Guard()
        func short(_ size: KiB, _ wasShort: Bool) -> KiB {
            rule.short(on: NodeMemory(managed: .mib(400), free: size, available: size), wasShort: wasShort)
        }
        #expect(short(.mib(24), false) == 0 && short(.mib(24) - 4, false) == .mib(8) + 4)
        #expect(short(.mib(31), true) == .mib(1) && short(.mib(32), true) == 0)
    }
}
