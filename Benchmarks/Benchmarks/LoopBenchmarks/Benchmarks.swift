import Benchmark
import CAllocations
import Loops

// Times depend on the machine. So only thresholds of allocations are checked in. CAllocations counts them, because the
// library counts none without its traits. LoopTable compares the loops with C.
let benchmarks: @Sendable () -> Void = {
    let allocations = BenchmarkMetric.custom("Allocations", polarity: .prefersSmaller, useScalingFactor: false)
    for loop in Loop.all([Loop.few]) {
        // The name of a threshold's file contains the benchmark's name.
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
