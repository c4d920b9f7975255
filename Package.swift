// swift-tools-version:6.2
//
// This file is the drawing of the house: one line a target, floor by floor. An arrow may only go down;
// an upward or sideways arrow stops the build here. See docs/architecture.md.
//
// LADLE_FLOORS=6 leaves every floor above 6 out, and the HTTP stack with it, so that builds of the
// media floors (sanitizers, fuzzing, benchmarks, the inner loop) take seconds. LADLE_ROOMS=PipelineWorker,ladle-pipeline
// leaves everything out that these targets don't use; LADLE_ROOMS=SystemTests builds both programs and the tests of
// them alone.
import PackageDescription

struct Room {
    enum Kind { case library, c, system(pkgConfig: String, apt: [String]), program }
    let name: String
    let floor: Int
    let kind: Kind
    let uses: [String]
    let outside: [Target.Dependency]
    let tested: Bool
    /// What only its tests need besides.
    let testsUse: [Target.Dependency]
    /// Rooms of any floor that only its tests need besides.
    let testRooms: [String]

    init(
        _ name: String, floor: Int, kind: Kind = .library, uses: [String] = [],
        outside: [Target.Dependency] = [], tested: Bool = false, testsUse: [Target.Dependency] = [],
        testRooms: [String] = []
    ) {
        (self.name, self.floor, self.kind, self.testRooms) = (name, floor, kind, testRooms)
        (self.uses, self.outside, self.tested, self.testsUse) = (uses, outside, tested, testsUse)
    }
}

// What comes from outside; each is imported by the one floor that hides it.
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
/// A MediaCore without media, for the tests of rooms and doors.
let scriptedCore = Target.Dependency.target(name: "ScriptedCore")

let house: [Room] = [
    // 0 · ground: the C side
    Room("CLinux", floor: 0, kind: .c),
    Room(
        "CLibAV", floor: 0,
        kind: .system(
            pkgConfig: "libavformat",
            apt: ["libavformat-dev", "libavcodec-dev", "libavutil-dev", "libswscale-dev", "libswresample-dev"])),
    Room(
        "CGStreamer", floor: 0,
        kind: .system(
            pkgConfig: "gstreamer-app-1.0", apt: ["libgstreamer1.0-dev", "libgstreamer-plugins-base1.0-dev"])),
    Room("COpenSSL", floor: 0, kind: .system(pkgConfig: "openssl", apt: ["libssl-dev"])),
    Room("CSRTP", floor: 0, kind: .system(pkgConfig: "libsrtp2", apt: ["libsrtp2-dev"])),
    Room("CUsrSCTP", floor: 0, kind: .system(pkgConfig: "usrsctp", apt: ["libusrsctp-dev"])),
    // 1 · base
    Room("Base", floor: 1, uses: ["CLinux"], tested: true),
    // 2 · codecs: bytes or JSON ⇄ values
    Room("RTP", floor: 2, uses: ["Base"], tested: true),
    Room("RTCP", floor: 2, uses: ["Base"], tested: true),
    Room("ORTC", floor: 2, uses: ["Base"], tested: true),
    Room("SDP", floor: 2, uses: ["Base"], tested: true),
    Room("STUN", floor: 2, uses: ["Base", "COpenSSL"], tested: true),
    Room("PipelineControl", floor: 2, uses: ["Base"], tested: true),
    Room("StrictYAML", floor: 2, uses: ["Base"], outside: [yams]),
    // 3 · sessions and wrappers
    Room("PipelineDescription", floor: 3, uses: ["Base", "PipelineControl", "StrictYAML"], tested: true),
    Room("Congestion", floor: 3, uses: ["Base", "RTCP"], tested: true),
    Room("LibAV", floor: 3, uses: ["Base", "CLibAV"], tested: true),
    Room("GStreamer", floor: 3, uses: ["Base", "CGStreamer"], tested: true),
    Room("ICE", floor: 3, uses: ["Base", "STUN"], tested: true),
    Room("SRTP", floor: 3, uses: ["Base", "COpenSSL", "CSRTP"], tested: true),
    Room("DTLS", floor: 3, uses: ["Base", "COpenSSL"], tested: true),
    Room("SCTP", floor: 3, uses: ["Base", "CUsrSCTP"], tested: true),
    Room("Negotiation", floor: 3, uses: ["Base", "SDP", "ORTC"], tested: true),
    Room("Protoo", floor: 3, uses: ["Base"], tested: true),
    // 4 · the media state of one worker
    Room(
        "SFU", floor: 4,
        uses: ["Base", "CLinux", "RTP", "RTCP", "ORTC", "STUN", "ICE", "DTLS", "SCTP", "Congestion", "SRTP"],
        tested: true),
    // 5 · vocabulary
    Room("MediaCore", floor: 5, uses: ["Base", "ORTC"]),
    Room("Events", floor: 5, uses: ["Base"], tested: true),
    // The entry functions of the fuzzer (own package Fuzz/), which tests call too.
    Room(
        "FuzzTargets", floor: 5,
        uses: [
            "Base", "RTP", "RTCP", "STUN", "SDP", "ORTC", "ICE", "Negotiation", "Protoo", "SRTP", "DTLS", "SCTP", "SFU",
        ],
        tested: true),
    // 6 · engines
    Room(
        "MediaPlane", floor: 6,
        uses: ["Base", "CLinux", "ORTC", "ICE", "DTLS", "SCTP", "SRTP", "SFU", "MediaCore"], outside: [logging],
        tested: true, testRooms: ["RTP", "STUN"]),
    Room(
        "Pipelines", floor: 6, uses: ["Base", "CLinux", "PipelineControl", "PipelineDescription", "StrictYAML"],
        outside: [logging], tested: true),
    // 7 · control
    Room(
        "Control", floor: 7,
        uses: ["Base", "ORTC", "PipelineControl", "PipelineDescription", "MediaCore", "Events", "Pipelines"],
        outside: [logging], tested: true, testsUse: [scriptedCore]),
    // 8 · doors
    Room(
        "Signaling", floor: 8,
        uses: [
            "Base", "ORTC", "SDP", "STUN", "Negotiation", "Protoo", "PipelineControl", "PipelineDescription",
            "MediaCore", "Events", "Control",
        ],
        outside: [
            hummingbird, hummingbirdCore, httpTypes, nioCore, nioHTTP1, nioSSL, nioWebSocket, serviceLifecycle, logging,
        ], tested: true, testsUse: [scriptedCore, yams, nioPosix], testRooms: ["DTLS", "MediaPlane"]),
    // 9 · assembly
    Room(
        "Gateway", floor: 9,
        uses: [
            "Base", "CLinux", "ORTC", "DTLS", "SRTP", "StrictYAML", "PipelineControl", "PipelineDescription",
            "MediaCore",
            "Events", "MediaPlane", "Pipelines", "Control", "Signaling",
        ],
        outside: [hummingbird, serviceLifecycle, logging], tested: true, testsUse: [scriptedCore]),
    Room(
        "PipelineWorker", floor: 9,
        uses: ["Base", "CLinux", "RTP", "RTCP", "PipelineControl", "LibAV", "GStreamer"], tested: true,
        testRooms: ["PipelineDescription", "StrictYAML"]),
    // 10 · roof
    Room(
        "ladle", floor: 10, kind: .program,
        uses: [
            "Base", "ORTC", "SDP", "StrictYAML", "PipelineControl", "PipelineDescription", "Events", "Pipelines",
            "Control", "Gateway",
        ],
        outside: [argumentParser, asyncHTTPClient, nioCore, nioHTTP1, nioPosix, nioSSL, logging]),
    Room("ladle-pipeline", floor: 10, kind: .program, uses: ["PipelineWorker"]),
]

// MARK: - The rules of the house

let roof = 10
let top = Context.environment["LADLE_FLOORS"].flatMap { Int($0) } ?? roof
let floorOf = Dictionary(uniqueKeysWithValues: house.map { ($0.name, $0.floor) })
for room in house {
    for used in room.uses {
        guard let below = floorOf[used] else {
            fatalError("\(room.name) uses \(used), which is no target of this house")
        }
        precondition(below < room.floor, "\(room.name) (floor \(room.floor)) may not use \(used) (floor \(below))")
    }
}

let named = Context.environment["LADLE_ROOMS"].map { $0.split(separator: ",").map(String.init) }
let systemTestsAlone = named == ["SystemTests"]

let settings: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
/// Medium-sized calls of the packet path across targets cost 5 ns with it and 17 ns without.
let mediaSettings = settings + [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]

/// The pages travel in the program: an installation has no folder of theirs to find.
func resources(of room: Room) -> [Resource] { room.name == "Signaling" ? [.embedInCode("Pages/Files")] : [] }

func targets(of room: Room) -> [Target] {
    let uses = room.uses.map { Target.Dependency.target(name: $0) } + room.outside
    let swift = (1...6).contains(room.floor) ? mediaSettings : settings
    var built: [Target]
    switch room.kind {
    case .library:
        built = [
            .target(name: room.name, dependencies: uses, resources: resources(of: room), swiftSettings: swift)
        ]
    case .program: built = [.executableTarget(name: room.name, dependencies: uses, swiftSettings: swift)]
    case .c: built = [.target(name: room.name, cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])])]
    case .system(let pkgConfig, let apt):
        built = [.systemLibrary(name: room.name, pkgConfig: pkgConfig, providers: [.apt(apt)])]
    }
    if room.tested, !systemTestsAlone {
        let tests =
            uses + [.target(name: room.name), .target(name: "TestSupport")] + room.testsUse
            + room.testRooms.map { .target(name: $0) }
        built.append(.testTarget(name: "\(room.name)Tests", dependencies: tests, swiftSettings: settings))
    }
    return built
}

/// What `LADLE_ROOMS` names and all that those use, down to the ground.
func rooms(named names: [String]) -> Set<String> {
    house.filter { names.contains($0.name) }.reduce(into: Set(names)) {
        $0.formUnion(rooms(named: $1.uses + $1.testRooms))
    }
}
let chosen = named.map { rooms(named: systemTestsAlone ? ["ladle", "ladle-pipeline"] : $0) }
let inhabited = house.filter { $0.floor <= top && (chosen?.contains($0.name) ?? true) }
var all = inhabited.flatMap(targets(of:))
// Helpers of the tests: vectors, seeded links, virtual clocks.
all.append(
    .target(
        name: "TestSupport", dependencies: ["Base", "CTestClock"], path: "Tests/TestSupport", swiftSettings: settings))
// Wherever usrsctp is among what is tested, its second clock.
all.append(
    .target(
        name: "CTestClock", path: "Tests/TestClock", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]))
if top >= 4, !systemTestsAlone, chosen?.contains("SFU") != false {
    // What a forwarded packet costs: a program of its own, with functions of its own in the place of malloc and swift_retain.
    all.append(
        .target(
            name: "CInterposer", path: "Benchmarks/Sources/Interposer",
            cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]))
    all.append(
        .executableTarget(
            name: "PacketCosts", dependencies: ["Base", "RTCP", "ORTC", "SFU", "CInterposer"],
            path: "Tests/PacketCosts",
            swiftSettings: mediaSettings))
}
if top >= 7, !systemTestsAlone, chosen?.isDisjoint(with: ["Control", "Signaling"]) != true {
    all.append(
        .target(
            name: "ScriptedCore", dependencies: ["Base", "ORTC", "MediaCore"], path: "Tests/ScriptedCore",
            swiftSettings: settings))
}
if top >= roof, chosen == nil || systemTestsAlone {
    // The built programs from outside: real tools on loopback, files opened again.
    all.append(
        .testTarget(
            name: "SystemTests", dependencies: ["Base", "TestSupport", asyncHTTPClient, nioCore],
            swiftSettings: settings))
}

var packages: [Package.Dependency] = []
if top >= 2 { packages.append(.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")) }
if top >= 6 { packages.append(.package(url: "https://github.com/apple/swift-log", from: "1.16.2")) }
if top >= 8 {
    packages += [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ]
}
if top >= roof {
    packages += [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ]
}

let package = Package(
    name: "ladle",
    products: top >= roof && chosen == nil
        ? [
            .executable(name: "ladle", targets: ["ladle"]),
            .executable(name: "ladle-pipeline", targets: ["ladle-pipeline"]),
        ]
        : inhabited.filter { if case .library = $0.kind { true } else { false } }
            .map { .library(name: $0.name, targets: [$0.name]) },
    dependencies: packages,
    targets: all
)
