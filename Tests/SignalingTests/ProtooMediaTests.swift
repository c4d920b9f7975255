import Base
import Glibc
import MediaCore
import MediaPlane
import ORTC
import ScriptedCore
import TestSupport
import Testing

/// What clients are told while media flow.
@Suite struct ProtooMediaTests {
    /// A recorded client, and what ours is to be told.
    private struct Recorded {
        var notifications: [JSONValue]

        init(_ name: String) throws {
            let file = try Vectors.json("mediasoup-3.14.16/media-notifications.json")
            notifications = try #require(file[name]?["notifications"]?.arrayValue)
        }

        /// The next ones of one name, in order.
        func data(_ method: String) -> [JSONValue] {
            notifications.filter { $0["method"]?.stringValue == method }.compactMap { $0["data"] }
        }
    }

    /// Recorded ids and SSRCs become ours, in the order in which they stand.
    private struct Mask {
        private var known: [JSONValue: JSONValue] = [:]

        mutating func same(_ recorded: JSONValue, _ told: JSONValue) -> Bool {
            switch (recorded, told) {
            case (.array(let a), .array(let b)):
                guard a.count == b.count else { return false }
                for (a, b) in zip(a, b) where !same(a, b) { return false }
                return true
            case (.object(let a), .object(let b)):
                guard a.keys.sorted() == b.keys.sorted() else { return false }
                for (name, value) in a {
                    let other = b[name] ?? .null
                    guard ["producerId", "consumerId", "ssrc"].contains(name) else {
                        guard same(value, other) else { return false }
                        continue
                    }
                    guard known[value, default: other] == other else { return false }
                    known[value] = other
                }
                return true
            default: return recorded == told
            }
        }
    }

    private func bandwidth(_ transport: TransportID, desired: Int64, effective: Int64) -> MediaCoreEvent {
        .transportTrace(
            transport,
            Trace(
                type: .bandwidth, timestamp: 1, isIncoming: false,
                info: [
                    "bweType": "transport-cc", "desiredBitrate": .integer(desired),
                    "effectiveDesiredBitrate": .integer(effective), "minBitrate": 30_000, "maxBitrate": 0,
                    "startBitrate": 1_000_000, "maxPaddingBitrate": 0, "availableBitrate": 1_000_000,
                ]))
    }

    @Test func `both clients are told what the demo told them while media flowed`() async throws {
        try await ProtooWorld.run { world in
            let core = world.core
            let a = try await world.open("A")
            let sending = try await a.transport(producing: true)
            try await a.join("client")
            let audio = ProducerID(rawValue: try await a.produceAudio(on: sending).stringValue ?? "")
            core.say(.producerScore(audio, [ProducerScore(encodingIndex: 0, ssrc: 11, score: 10)]))
            let first = try await a.next("producerScore")

            let b = try await world.open("B")
            let receiving = TransportID(rawValue: try await b.transport(consuming: true).stringValue ?? "")
            #expect(await core.traced[receiving] == [.bandwidth])
            try await b.join("client", device: ["flag": "unknown", "name": "client", "version": "1.5"])
            let sound = try await b.next("newConsumer")
            await b.accept(sound)
            let soundID = ConsumerID(rawValue: sound["data"]?["id"]?.stringValue ?? "")
            var scores = [try await b.next("consumerScore")]
            core.say(.consumerScore(soundID, ConsumerScore(score: 10, producerScore: 10, producerScores: [10])))
            scores.append(try await b.next("consumerScore"))
            let levels = RTPObserverID(rawValue: "levels of \(try await world.rooms.room("r").router)")
            for _ in 0..<4 { core.say(.observerVolumes(levels, [AudioVolume(producer: audio, volume: -15)])) }
            core.say(bandwidth(receiving, desired: 0, effective: 0))

            let video = ProducerID(rawValue: try await a.produce(on: sending).stringValue ?? "")
            let picture = try await b.next("newConsumer")
            await b.accept(picture)
            scores.append(try await b.next("consumerScore"))
            let pictureID = ConsumerID(rawValue: picture["data"]?["id"]?.stringValue ?? "")
            core.say(.producerScore(video, [ProducerScore(encodingIndex: 0, ssrc: 22, score: 10)]))
            core.say(.consumerScore(pictureID, ConsumerScore(score: 10, producerScore: 10, producerScores: [10])))
            core.say(bandwidth(receiving, desired: 49_757, effective: 49_757))
            core.say(bandwidth(receiving, desired: 138_986, effective: 138_986))
            scores.append(try await b.next("consumerScore"))

            var (sender, receiver) = (Mask(), Mask())
            let recordedA = try Recorded("producing client")
            let recordedB = try Recorded("consuming client")
            for (place, expected) in recordedB.data("consumerScore").enumerated() {
                let told = scores[place]["data"] ?? .null
                let isSame = receiver.same(expected, told)
                #expect(isSame, "\(expected.text) was told as \(told.text)")
            }
            for method in ["mediasoup-version", "activeSpeaker", "downlinkBwe"] {
                for expected in recordedB.data(method) {
                    let told = try await b.next(method)["data"] ?? .null
                    let isSame = receiver.same(expected, told)
                    #expect(isSame, "\(method) \(expected.text) was told as \(told.text)")
                }
            }
            #expect(await b.unreadMethods == [])
            await b.close()
            for expected in recordedA.notifications {
                let method = expected["method"]?.stringValue ?? ""
                // Was taken before.
                let isFirst = method == "producerScore" && expected["data"] == recordedA.data(method).first
                let told = (isFirst ? first : try await a.next(method))["data"] ?? .null
                let isSame = sender.same(expected["data"] ?? .null, told)
                #expect(isSame, "\(expected.text) was told as \(told.text)")
            }
            #expect(await a.unreadMethods == [])
        }
    }

    @Test func `a silence is told once to either dialect, and so is who leads`() async throws {
        try await ProtooWorld.run { world in
            let core = world.core
            let alice = try await world.open("alice")
            let sending = try await alice.transport(producing: true)
            try await alice.join("Alice")
            let modern = try await world.open("modern", "&usePipeTransports=false")
            let receiving = try await modern.transport(consuming: true)
            try await modern.join("Modern")
            let (one, two) = (
                ProducerID(rawValue: try await alice.produceAudio(on: sending, ssrc: 1).stringValue ?? ""),
                ProducerID(rawValue: try await alice.produceAudio(on: sending, ssrc: 2).stringValue ?? "")
            )
            let stranger = try await world.open("stranger")
            _ = try await stranger.transport(consuming: true)
            let router = try await world.rooms.room("r").router
            let levels = RTPObserverID(rawValue: "levels of \(router)")
            core.say(
                .observerVolumes(
                    levels, [AudioVolume(producer: two, volume: -9), AudioVolume(producer: one, volume: -20)]))
            core.say(.observerDominantSpeaker(RTPObserverID(rawValue: "speakers of \(router)"), one))
            core.say(.observerSilence(levels))
            // No word for it in this dialect: it is not even asked for.
            let id = TransportID(rawValue: receiving.stringValue ?? "")
            #expect(await core.traced[id] == nil)
            core.say(bandwidth(id, desired: 1, effective: 1))
            #expect(try await alice.next("activeSpeaker")["data"] == ["peerId": "alice", "volume": -9])
            #expect(try await alice.next("activeSpeaker")["data"] == ["peerId": nil])
            #expect(
                try await modern.next("speakingPeers")["data"]
                    == ["peerVolumes": [["peerId": "alice", "volume": -9]]])
            #expect(try await modern.next("activeSpeaker")["data"] == ["peerId": "alice"])
            #expect(try await modern.next("speakingPeers")["data"] == ["peerVolumes": []])
            #expect(try await modern.next("activeSpeaker")["data"] == [:])
            // Who has not joined is told nothing; what came before the answer has been heard.
            _ = try await stranger.data("getRouterRtpCapabilities")
            #expect(await !stranger.unreadMethods.contains("activeSpeaker"))
            _ = try await modern.data("getRouterRtpCapabilities")
            #expect(await !modern.unreadMethods.contains("downlinkBwe"))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the sound of a broadcaster is heard by the embedded core, and told`()
        async throws
    {
        let core = try EmbeddedCore(MediaPlaneConfiguration(portRange: 42_200...42_299, workers: 1))
        try await ProtooWorld.run(core) { world in
            let alice = try await world.open("alice")
            try await alice.join("Alice")
            let modern = try await world.open("modern", "&usePipeTransports=false")
            try await modern.join("Modern")
            let http = RawClient(port: world.port)
            let base = "/rooms/r/broadcasters"
            _ = try await http(
                "POST", base, json: ["id": "bc", "displayName": "Radio", "device": ["name": "Test"]])
            let plain = try await http("POST", "\(base)/bc/transports", json: ["type": "plain", "rtcpMux": true])
            let transport = try #require(plain.json?["id"]?.stringValue)
            let port = try #require(plain.json?["port"]?.integerValue.flatMap { UInt16(exactly: $0) })
            _ = try await http(
                "POST", "\(base)/bc/transports/\(transport)/producers",
                json: [
                    "kind": "audio",
                    "rtpParameters": [
                        "codecs": [
                            ["mimeType": "audio/opus", "payloadType": 100, "clockRate": 48_000, "channels": 2]
                        ],
                        "headerExtensions": [["uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "id": 1]],
                        "encodings": [["ssrc": 1111]],
                    ],
                ])
            let isHeard = Locked(false)
            let speaking = Task { try await Self.speak(to: port, until: isHeard) }
            #expect(try await alice.next("activeSpeaker")["data"] == ["peerId": "bc", "volume": -15])
            #expect(
                try await modern.next("speakingPeers")["data"] == ["peerVolumes": [["peerId": "bc", "volume": -15]]])
            #expect(try await modern.next("activeSpeaker")["data"] == ["peerId": "bc"])
            isHeard.withLock { $0 = true }
            try await speaking.value
            let silence = try await alice.next("silence") { $0["data"] == ["peerId": nil] }
            #expect(silence["method"] == "activeSpeaker")
            _ = try await modern.next("silence") { $0["data"] == ["peerVolumes": []] }
            let room = try await http("GET", "/api/v1/rooms/r")
            #expect(room.json?["speakers"]?["dominant"] != nil && room.json?["speakers"]?["loudest"] == nil)
        }
        await core.shutDown()
    }

    /// Opus with a level of −15 dBov, a packet each 20 ms.
    private static func speak(to port: UInt16, until isHeard: Locked<Bool>) async throws {
        let socket = try UDPSocket.bind(to: try #require(SocketAddress("127.0.0.1", port: 0)))
        #expect(socket.connect(to: try #require(SocketAddress("127.0.0.1", port: port))))
        var number: UInt16 = 0
        while !isHeard.withLock({ $0 }) {
            number &+= 1
            let time = UInt32(number) * 960
            var packet: [UInt8] = [0x90, 100, UInt8(number >> 8), UInt8(number & 0xFF)]
            packet += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: time >> $0) }
            packet += [0, 0, 4, 0x57, 0xBE, 0xDE, 0, 1, 1 << 4, 0x80 | 15, 0, 0, 0x78, 1, 2]
            _ = packet.withUnsafeBytes { send(socket.descriptor, $0.baseAddress, $0.count, 0) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

extension ProtooClient {
    fileprivate func produceAudio(on transport: JSONValue, ssrc: Int64 = 11) async throws -> JSONValue {
        try await data(
            "produce",
            [
                "transportId": transport, "kind": "audio", "appData": [:],
                "rtpParameters": [
                    "mid": .string("\(ssrc)"),
                    "codecs": [["mimeType": "audio/opus", "payloadType": 111, "clockRate": 48_000, "channels": 2]],
                    "encodings": [["ssrc": .integer(ssrc)]], "rtcp": ["cname": "cn"],
                ],
            ])["id"] ?? .null
    }
}
