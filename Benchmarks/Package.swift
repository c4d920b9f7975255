// swift-tools-version:6.2
// Benchmarks of the media floors: a package of its own, so that the product never links it.
// Build and run with LADLE_FLOORS=6, as `make bench` does: the floors above are not needed.
import PackageDescription

let swiftSettings: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
let cSettings: [CSetting] = [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]

func ladle(_ products: String...) -> [Target.Dependency] { products.map { .product(name: $0, package: "ladle") } }

let package = Package(
    name: "ladle-benchmarks",
    products: [.library(name: "Interposer", type: .dynamic, targets: ["Interposer"])],
    dependencies: [
        .package(name: "ladle", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // The generator, the sinks and the bare loops.
        .target(name: "CBench", cSettings: cSettings, linkerSettings: [.linkedLibrary("crypto")]),
        // Counts allocations, retains and releases of a program that it is preloaded into.
        .target(name: "Interposer", cSettings: cSettings),
        // Medians, tables, machines, baselines.
        .target(name: "Figures", swiftSettings: swiftSettings),
        // Whole forwarders beside bare loops.
        .executableTarget(
            name: "ForwardingBenchmark",
            dependencies: ["CBench", "Figures"] + ladle("Base", "ORTC", "MediaCore", "MediaPlane")
                + [.product(name: "Logging", package: "swift-log")],
            swiftSettings: swiftSettings),
        // The engine alone, and what its objects take.
        .executableTarget(
            name: "EngineBenchmark",
            dependencies: ["CBench", "Figures"] + ladle("Base", "ORTC", "SFU", "MediaCore", "MediaPlane")
                + [.product(name: "Logging", package: "swift-log")],
            swiftSettings: swiftSettings),
        // Protecting and unprotecting a packet, beside OpenSSL alone.
        .target(name: "CRawCiphers", cSettings: cSettings, linkerSettings: [.linkedLibrary("crypto")]),
        .executableTarget(
            name: "SRTPBenchmark", dependencies: ["CRawCiphers", "Figures"] + ladle("Base", "SRTP"),
            swiftSettings: swiftSettings),
        // What clients of WebRTC take: handshakes, consumers on the shared port, memory.
        .executableTarget(
            name: "BrowserBenchmark",
            dependencies: ["CBench", "Figures"]
                + ladle("Base", "ORTC", "STUN", "DTLS", "SRTP", "MediaCore", "MediaPlane")
                + [.product(name: "Logging", package: "swift-log")],
            swiftSettings: swiftSettings),
        .executableTarget(name: "StartBenchmark", swiftSettings: swiftSettings),
    ]
)
