import Foundation
import Logging
import Simulation
import Testing

@testable import VNodeBalloon

/// `balloonctl metrics`. Its output here is compared with packaging/metrics/example.prom, which promtool checks.
struct MetricsTests {
    private static func counters() -> Counters {
        var counters = Counters(vnodes: [1, 0])
        counters.step(vnode: 0, before: 0, after: 16384, wasShort: false, took: 2_400_000)
        counters.step(vnode: 0, before: 16384, after: 15872, wasShort: false, took: 900_000)
        counters.step(vnode: 1, before: 0, after: 512, wasShort: true, took: 3_000_000_000)
        return counters.with(failures: ["store": 2, "hypercall": 1])
    }

    private static func report() throws -> StatusReport {
        let text = """
            {"schema":1,"domain":{"type":"PVH","current_reservation_kib":917504,"maximum_reservation_kib":1049600,
            "static_max_kib":1048576,"legacy_target_kib":null},"interface":"vnode","fallback":false,"backend":"privcmd",
            "daemon":true,"granularity_kib":2048,"unaccounted_kib":0,"force_error":null,"xenstore":"open","drifted_kib":0,
            "vnodes":[{"vnode":0,"linux_node":0,"size_kib":524288,"target_kib":131072,"forced_kib":null,"balloon_kib":131072,
            "state":"idle","reason":null,"lost_kib":0,"detail":null,"audited_extents":null,"extents":null},
            {"vnode":1,"linux_node":null,"size_kib":524288,"target_kib":null,"forced_kib":65536,"balloon_kib":null,
            "state":"held","reason":"no-node","lost_kib":2048,"detail":"a \\"word\\"","audited_extents":null,"extents":null}]}
            """
        return try JSONDecoder().decode(StatusReport.self, from: Data(text.utf8))
    }

    private static let example = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../../packaging/metrics/example.prom")

    @Test func `the example's metrics equal the packaged example file`() throws {
        let metrics = Metrics(
            version: "0.1.0", report: try Self.report(), counters: Self.counters(), holderIsUp: true, files: 133_120)
        if ProcessInfo.processInfo.environment["WRITE_EXAMPLE"] != nil {
            try metrics.text.write(to: Self.example, atomically: true, encoding: .utf8)
        }
        #expect(metrics.text == (try String(contentsOf: Self.example, encoding: .utf8)))
    }

    @Test func `metrics without a daemon say that it is down, and nothing else`() {
        let metrics = Metrics(version: "1", report: nil, counters: nil, holderIsUp: nil, files: nil)
        #expect(metrics.text.split(separator: "\n").last == "vnode_balloon_daemon_up 0")
        #expect(metrics.text.split(separator: "\n").count == 3)
    }

    @Test func `counters survive encoding and decoding as JSON`() throws {
        let decoder = JSONDecoder()
        let counters = Self.counters()
        #expect(try decoder.decode(Counters.self, from: Data(counters.json.utf8)) == counters)
    }

    @Test func `counters add up each vnode's steps, sizes and durations`() {
        let counters = Self.counters()
        #expect(counters.vnodes.map(\.inflated) == [65536, 2048])
        #expect(counters.vnodes.map(\.deflated) == [2048, 0])
        #expect(counters.vnodes.map(\.steps) == [2, 1])
        #expect(counters.vnodes.map(\.shortSteps) == [0, 1])
        // A duration above the last bound is in no bucket, but in the count.
        #expect(counters.durations == [1, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(counters.durationCount == 3)
        #expect(counters.durationSumMicroseconds == 3_003_300)
    }

    @Test func `a step from or to an unknown size is counted without a size`() {
        var counters = Counters(vnodes: [0])
        counters.step(vnode: 0, before: nil, after: 512, wasShort: false, took: 1)
        counters.step(vnode: 0, before: 512, after: nil, wasShort: true, took: 1)
        #expect(counters.vnodes[0].inflated == 0 && counters.vnodes[0].deflated == 0)
        #expect(counters.vnodes[0].steps == 2)
    }

    @Test func `each repeated failure is counted, logged or not`() {
        var failures = RepeatedFailures()
        let error = BalloonError(.store, "no answer")
        for _ in 0..<3 { failures.log(Logger(label: "test"), "look", error, now: 0) }
        #expect(failures.counts == [.store: 3])
    }
}
