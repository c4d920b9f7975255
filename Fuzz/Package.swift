// swift-tools-version:6.2
// The fuzzer of what comes from outside: a package of its own, since libFuzzer and its instrumentation of all that it
// drives have no place in the product. `make fuzz` builds and runs it; see README.md here.
import PackageDescription

let package = Package(
    name: "ladle-fuzz",
    dependencies: [.package(name: "ladle", path: "..")],
    targets: [
        .executableTarget(
            name: "fuzz",
            dependencies: [.product(name: "FuzzTargets", package: "ladle")],
            swiftSettings: [
                .swiftLanguageMode(.v6), .treatAllWarnings(as: .error),
                // libFuzzer brings the program's `main`.
                .unsafeFlags(["-parse-as-library"]),
            ])
    ]
)
