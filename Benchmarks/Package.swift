// swift-tools-version: 6.2
import PackageDescription

// A package of its own: neither the product nor its tests pay for the benchmark library, which takes minutes to build.
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
        // Without its traits: jemalloc is not needed. Allocations are counted by CAllocations.
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        // The loops once more in plain C. -O3, for SwiftPM gives C no more than -O2: the peer is to be at its best.
        .target(name: "CLoops", cSettings: c + [.unsafeFlags(["-O3"])]),
        // Takes the place of malloc and its like in a program that it is linked into.
        .target(name: "CAllocations", cSettings: c),
        // Each loop with its input and its twin in C.
        .target(
            name: "Loops",
            dependencies: ["CLoops", "CAllocations", .product(name: "VNodeBalloon", package: "vnode-balloon")],
            swiftSettings: strict),
        // Twins side by side: are the goals met?
        .executableTarget(
            name: "LoopTable", dependencies: ["CLoops", "CAllocations", "Loops"], swiftSettings: strict),
        // The same loops for ordo-one/benchmark: percentiles, baselines, and the thresholds in Thresholds.
        .executableTarget(
            name: "LoopBenchmarks",
            dependencies: ["Loops", "CAllocations", .product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/LoopBenchmarks",
            // The library adds a source of its own to the target, which is not written to be strict.
            swiftSettings: [.swiftLanguageMode(.v6)],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
