import Benchmark
import CAllocations
import Loops

// Times depend on the machine, so the thresholds that are checked in are those that do not: allocations. (The library
// counts none without its trait; CAllocations does.) What C makes of the same loops is LoopTable's part.
let benchmarks: @Sendable () -> Void = {
    let allocations = BenchmarkMetric.custom("Allocations", polarity: .prefersSmaller, useScalingFactor: false)
    for loop in Loop.all([Loop.few]) {
        // A threshold's file has the benchmark's name.
        Benchmark(
            String(loop.name.filter { $0 != "," }.map { $0 == " " ? "-" : $0 }),
            configuration: .init(
                metrics: [.wallClock, allocations], warmupIterations: 3, maxDuration: .milliseconds(500),
                maxIterations: 2000)
        ) { benchmark in
            benchmark.startMeasurement()
            let before = al_count()
            blackHole(loop.swift())
            let after = al_count()
            benchmark.stopMeasurement()
            benchmark.measurement(allocations, Int(after - before))
        }
    }
}
