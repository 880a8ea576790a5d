// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that neither the product nor its tests need the benchmark library,
// which takes minutes to build.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6), .strictMemorySafety(), .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let c: [CSetting] = [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]

let package = Package(
    name: "benchmarks",
    dependencies: [
        .package(name: "vnode-balloon", path: ".."),
        // Without its traits the library does not need jemalloc. CAllocations counts allocations.
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        // The same loops in plain C. With -O3, because SwiftPM compiles C with -O2 only, and Swift shall be
        // compared with C at its best.
        .target(name: "CLoops", cSettings: c + [.unsafeFlags(["-O3"])]),
        // Replaces malloc and its kin in each program that it is linked into.
        .target(name: "CAllocations", cSettings: c),
        // Each loop with its input and its counterpart in C.
        .target(
            name: "Loops",
            dependencies: ["CLoops", "CAllocations", .product(name: "VNodeBalloon", package: "vnode-balloon")],
            swiftSettings: strict),
        // Compares each loop with its counterpart, and checks the goals.
        .executableTarget(
            name: "LoopTable", dependencies: ["CLoops", "CAllocations", "Loops"], swiftSettings: strict),
        // The same loops for ordo-one/benchmark: percentiles, baselines, and the thresholds in Thresholds.
        .executableTarget(
            name: "LoopBenchmarks",
            dependencies: ["Loops", "CAllocations", .product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/LoopBenchmarks",
            // The library adds a source file to the target which is not written for strict memory safety.
            swiftSettings: [.swiftLanguageMode(.v6)],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
