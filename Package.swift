// swift-tools-version: 6.2
import PackageDescription

// Strict memory safety makes every unsafe operation visible as `unsafe`; no warning is let through.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

// A package's build has no network: it brings what we depend on with it.
let dependencies: [Package.Dependency] =
    if let vendor = Context.environment["VNODE_BALLOON_VENDOR"] {
        [.package(path: "\(vendor)/swift-argument-parser"), .package(path: "\(vendor)/swift-log")]
    } else {
        // Exact versions: what was tested is what is built.
        [
            .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
            .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        ]
    }

// Fuzz/ is a package of its own, and needs what must hold of any input. scripts/fuzz asks for it; nobody else sees it.
let forFuzzing: [Product] =
    Context.environment["VNODE_BALLOON_FUZZ"] == nil ? [] : [.library(name: "Oracles", targets: ["Oracles"])]

let package = Package(
    name: "vnode-balloon",
    products: [
        .library(name: "VNodeBalloon", targets: ["VNodeBalloon"]),
        .executable(name: "balloonctl", targets: ["balloonctl"]),
    ] + forFuzzing,
    dependencies: dependencies,
    targets: [
        .target(
            name: "CBalloonShim",
            cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]
        ),
        // What is decided, said and parsed by either half: pure, so it imports nothing.
        .target(name: "BalloonCore", swiftSettings: strict),
        // Descriptors, files, events, and the xenstore client: what both halves ask of Linux.
        .target(name: "BalloonSystem", dependencies: ["CBalloonShim", "BalloonCore"], swiftSettings: strict),
        .target(
            name: "VNodeBalloon",
            dependencies: [
                "CBalloonShim", "BalloonCore", "BalloonSystem", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        // Runs in dom0: counts, plans and asks. Nothing of the guest's half is in it.
        .target(
            name: "BalloonHost",
            dependencies: [
                "CBalloonShim", "BalloonCore", "BalloonSystem", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        // What balloonctl draws: pure, and nothing that the daemon runs.
        .target(name: "BalloonPictures", dependencies: ["BalloonCore"], swiftSettings: strict),
        .executableTarget(
            name: "balloonctl",
            dependencies: [
                "BalloonCore",
                "BalloonSystem",
                "BalloonHost",
                "BalloonPictures",
                "VNodeBalloon",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        // Doubles of Xen and of the guest's memory, for the unit tests.
        .target(
            name: "Simulation",
            dependencies: ["BalloonCore", "VNodeBalloon", .product(name: "Logging", package: "swift-log")],
            path: "Tests/Simulation", swiftSettings: strict),
        // Doubles of a host: Xen, xenstore in dom0, guests that behave and that do not.
        .target(
            name: "HostSimulation", dependencies: ["BalloonCore", "BalloonHost", "Simulation"],
            path: "Tests/HostSimulation", swiftSettings: strict),
        // Many random schedules on the doubles; optimised, as `make build` makes it.
        .executableTarget(
            name: "schedules", dependencies: ["BalloonCore", "BalloonHost", "HostSimulation", "Simulation"],
            path: "Tests/ScheduleRunner",
            swiftSettings: strict),
        // The product's own time by the size of the guest, on doubles that cost the same whatever that is.
        .executableTarget(
            name: "sizes",
            dependencies: ["CBalloonShim", "VNodeBalloon", .product(name: "Logging", package: "swift-log")],
            path: "Tests/SizeRunner", swiftSettings: strict),
        // What every implementation must do: checked on the doubles by the unit tests, on a real Xen by `conformance`.
        .target(name: "Conformance", dependencies: ["VNodeBalloon"], path: "Tests/Conformance", swiftSettings: strict),
        .executableTarget(
            name: "conformance", dependencies: ["VNodeBalloon", "Conformance", "LibraryStore"],
            path: "Tests/ConformanceRunner", swiftSettings: strict),
        // Xenstore by libxenstore, which ours must agree with. Shared: its static archive has no reader thread, so poll
        // would never wake.
        .target(
            name: "CLibraryStore", path: "Tests/CLibraryStore",
            cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)],
            linkerSettings: [.linkedLibrary("xenstore")]),
        .target(
            name: "LibraryStore", dependencies: ["CLibraryStore", "VNodeBalloon"], path: "Tests/LibraryStore",
            swiftSettings: strict),
        // What must hold of any input from outside: checked on a corpus by the unit tests, on random bytes by Fuzz/.
        .target(
            name: "Oracles",
            dependencies: [
                "CBalloonShim", "VNodeBalloon", "Simulation", .product(name: "Logging", package: "swift-log"),
            ], path: "Tests/Oracles", swiftSettings: strict),
        .testTarget(
            name: "VNodeBalloonTests",
            dependencies: ["BalloonCore", "CBalloonShim", "VNodeBalloon", "Simulation", "Conformance", "Oracles"],
            swiftSettings: strict),
        .testTarget(
            name: "BalloonHostTests",
            dependencies: ["BalloonCore", "BalloonHost", "HostSimulation", "Simulation"], swiftSettings: strict),
        .testTarget(
            name: "BalloonPicturesTests", dependencies: ["BalloonCore", "BalloonPictures"], swiftSettings: strict),
    ]
)
