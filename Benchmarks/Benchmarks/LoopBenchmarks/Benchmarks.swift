internal import Benchmark
internal import Loops

let benchmarks: @Sendable () -> Void = {}
