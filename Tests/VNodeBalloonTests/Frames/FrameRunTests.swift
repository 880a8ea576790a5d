import Oracles
import Simulation
import Testing
import VNodeBalloon

@Suite struct FrameRunTests {
    @Test(arguments: [1, 7, 8, 9, 10, 16, 17, 511, 512, 513])
    func aRunEndsWhereItEnds(_ length: Int) {
        let run = (0..<UInt64(length)).map { 4096 + $0 }
        let expected = FrameRun(first: 4096, count: length)
        #expect(FrameRun.at(0, in: run.span) == expected)
        #expect(FrameRun.at(0, in: (run + [9]).span) == expected)
        #expect(FrameRun.at(0, in: (run + run).span) == expected)
        #expect(FrameRun.at(2, in: ([1, 2] + run).span) == expected)
    }

    @Test func downwardsAndRepeatedAreRunsOfOne() {
        #expect(FrameRun.at(0, in: [9, 8, 7].span) == FrameRun(first: 9, count: 1))
        #expect(FrameRun.at(1, in: [9, 9, 9].span) == FrameRun(first: 9, count: 1))
    }

    @Test func largestOrderByAlignmentLengthAndLimit() {
        #expect(FrameRun(first: 512, count: 512).largestOrder() == 9)
        #expect(FrameRun(first: 512, count: 511).largestOrder() == 8)
        #expect(FrameRun(first: 513, count: 512).largestOrder() == 0)
        #expect(FrameRun(first: 768, count: 4096).largestOrder() == 8)
        #expect(FrameRun(first: 1024, count: 4096).largestOrder() == 9)
        #expect(FrameRun(first: 1024, count: 4096).largestOrder(limit: 10) == 10)
        #expect(FrameRun(first: 0, count: 1 << 20).largestOrder() == 9)
        #expect(FrameRun(first: 512, count: 512).dropping(order: 8) == FrameRun(first: 768, count: 256))
    }

    @Test func anyRunAsTheReferenceSees() {
        property("frame runs", cases: 400) { random in
            let frames = Sample.frames(&random)
            guard !frames.isEmpty else { return }
            let start = random.number(0...frames.count - 1)
            let run = FrameRun.at(start, in: frames.span)
            let wanted = Reference.run(start, frames)
            try demand(run == wanted, "at \(start): \(run), expected \(wanted)")
            let limit = random.number(0...12)
            let order = run.largestOrder(limit: limit)
            try demand(order == Reference.largestOrder(run, limit: limit), "order \(order) of \(run), limit \(limit)")
        }
    }

    /// A run is cut into extents of falling and rising order that cover it exactly.
    @Test func aRunIsCoveredByItsLargestExtents() {
        property("largest extents", cases: 200) { random in
            var rest = FrameRun(first: UInt64(random.number(1...5000)), count: random.number(1...3000))
            var (covered, next) = (0, rest.first)
            let whole = rest
            while rest.count > 0 {
                let order = rest.largestOrder()
                try demand(rest.first == next && rest.first % (1 << UInt64(order)) == 0, "\(rest) of \(whole)")
                covered += 1 << order
                next += 1 << UInt64(order)
                rest = rest.dropping(order: order)
            }
            try demand(covered == whole.count, "\(covered) frames of \(whole)")
        }
    }
}
