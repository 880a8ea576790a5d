// swift-tools-version: 6.2
import PackageDescription

// scripts/fuzz builds this package. An option of the compiler adds the fuzzer, and instruments the package and all that
// it depends on. So it cannot be part of an ordinary build.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "vnode-balloon", path: "..")],
    targets: [
        .target(name: "CLibFuzzer"),
        .executableTarget(
            name: "fuzz", dependencies: ["CLibFuzzer", .product(name: "Oracles", package: "vnode-balloon")],
            path: "Sources/Fuzz",
            swiftSettings: [.swiftLanguageMode(.v6), .strictMemorySafety(), .treatAllWarnings(as: .error)]),
    ]
)
