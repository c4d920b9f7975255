// swift-tools-version:6.2
// Benchmarks of the media floors: a package of its own, so that the product never links it.
// Build and run with LADLE_FLOORS=6, as `make bench` does: the floors above are not needed.
import PackageDescription

let package = Package(
    name: "ladle-benchmarks",
    dependencies: [
        .package(name: "ladle", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .target(name: "CBench", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]),
        .executableTarget(
            name: "ForwardingBenchmark",
            dependencies: [
                "CBench",
                .product(name: "Base", package: "ladle"),
                .product(name: "ORTC", package: "ladle"),
                .product(name: "MediaCore", package: "ladle"),
                .product(name: "MediaPlane", package: "ladle"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
        .target(
            name: "CRawCiphers", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [.linkedLibrary("crypto")]),
        .executableTarget(
            name: "SRTPBenchmark",
            dependencies: [
                "CRawCiphers", .product(name: "Base", package: "ladle"), .product(name: "SRTP", package: "ladle"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
        .executableTarget(
            name: "StartBenchmark", swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    ]
)
