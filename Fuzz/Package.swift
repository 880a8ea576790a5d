// swift-tools-version: 6.2
import PackageDescription

// Built by scripts/fuzz, which has everything below it instrumented as well: the library comes with that option of the
// compiler. So it cannot be part of an ordinary build.
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
