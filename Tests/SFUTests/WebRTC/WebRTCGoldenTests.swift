import Base
import ORTC
import RTP
import SFU
import TestSupport
import Testing

/// Statistics and dumps of WebRTC transports beside the recorded ones.
@Suite struct WebRTCGoldenTests {
    private func recorded(_ name: String) throws -> JSONValue {
        try #require(try Vectors.json("mediasoup-3.14.16/stats.json")[name]?.arrayValue?.first)
    }

    /// Members, at every depth.
    private func shape(_ value: JSONValue?) -> [String: [String]] {
        var shape: [String: [String]] = [:]
        func walk(_ value: JSONValue?, _ path: String) {
            if let elements = value?.arrayValue {
                for (place, element) in elements.enumerated() { walk(element, "\(path)[\(place)]") }
            }
            guard let members = value?.objectValue else { return }
            shape[path] = members.keys.sorted()
            for (name, member) in members { walk(member, "\(path).\(name)") }
        }
        walk(value, "$")
        return shape
    }

    private func stats(_ stage: Stage, _ id: TransportID) throws -> JSONValue? {
        try stage.engine.stats(of: id, now: stage.now).arrayValue?.first
    }

    /// Without the members that a recorded one has for its data channels and its limits.
    private func without(_ names: Set<String>, _ value: JSONValue) -> JSONValue {
        .object((value.objectValue ?? [:]).filter { !names.contains($0.key) })
    }

    private let texts = ["type", "iceRole", "iceState", "dtlsState"]

    @Test func `before anybody came`() throws {
        let stage = try Stage()
        let state = try stage.webRTC("t")
        let ours = try #require(try stats(stage, state.id))
        let golden = try recorded("webrtc transport (on a server, not connected)")
        #expect(shape(ours) == shape(golden))
        for name in golden.objectValue?.keys.sorted() ?? [] where !["transportId", "timestamp"].contains(name) {
            #expect(ours[name] == golden[name], "\(name)")
        }
    }

    @Test func `of a sending and of a receiving client`() throws {
        let stage = try Stage()
        let (source, publisher) = try stage.connected("in", at: Stage.address("203.0.113.5", 39_605))
        let (sink, watcher) = try stage.connected("out", at: Stage.address("203.0.113.6", 55_550))
        var video = BandwidthTests.vp8(.transportWide)
        video.mid = "0"
        try stage.produce("video", on: source, video)
        try stage.consume("c", on: sink, of: "video", BandwidthTests.capabilities(.transportWide))
        var track = VideoTrack()
        for number in 0..<90 {
            for packet in try track.frame(isKeyFrame: number == 0) {
                publisher.outgoing.append(try publisher.protect(packet))
            }
            try stage.exchange([publisher, watcher])
            stage.pass(.milliseconds(33))
            try stage.exchange([publisher, watcher])
        }
        for (id, name, remote) in [
            (source.id, "connected WebRTC, producing client: sending client's transport", 39_605),
            (sink.id, "connected WebRTC, consuming client: receiving client's transport", 55_550),
        ] {
            let ours = try #require(try stats(stage, id))
            let golden = try recorded(name)
            // Theirs had data channels, and a limit that nobody set here.
            let expected = without(["sctpState", "maxIncomingBitrate"], golden)
            // Estimated once there was feedback; told by ours only then.
            let loose: Set<String> = ["availableIncomingBitrate", "availableOutgoingBitrate"]
            #expect(shape(without(loose, ours)) == shape(without(loose, expected)), "\(name)")
            for text in texts { #expect(ours[text] == golden[text], "\(text)") }
            let tuple = ours["iceSelectedTuple"]
            #expect(tuple?["protocol"] == "udp" && tuple?["localPort"] == 44_444)
            #expect(tuple?["remotePort"] == JSONValue(remote))
            #expect(tuple?["localIp"] == tuple?["localAddress"])
        }
    }

    @Test func `a dump`() throws {
        let stage = try Stage()
        let state = try stage.webRTC(
            "t", [WebRTCListener(Stage.shared), WebRTCListener(Stage.shared, .tcp)])
        let ours = try stage.engine.dump(of: state.id)
        let golden = try #require(
            try Vectors.json("mediasoup-3.14.16/dumps.json")["webrtc transport (on a server, not connected)"])
        // Of fingerprints there are as many as there are algorithms, in an order of our own.
        #expect(shape(without(["dtlsParameters"], ours)) == shape(without(["dtlsParameters"], golden)))
        for name in ["iceRole", "iceState", "dtlsState", "direct", "maxMessageSize"] {
            #expect(ours[name] == golden[name], "\(name)")
        }
        let random: Set<String> = ["ip", "address", "port"]
        for (ours, golden) in zip(
            ours["iceCandidates"]?.arrayValue ?? [], golden["iceCandidates"]?.arrayValue ?? [])
        {
            #expect(without(random, ours) == without(random, golden))
        }
        let dtls = (ours["dtlsParameters"], golden["dtlsParameters"])
        #expect(dtls.0?["role"] == dtls.1?["role"])
        func algorithms(_ value: JSONValue?) -> Set<String> {
            Set(value?["fingerprints"]?.arrayValue?.compactMap { $0["algorithm"]?.stringValue } ?? [])
        }
        #expect(algorithms(dtls.0) == algorithms(dtls.1))
        #expect(ours["iceParameters"]?["usernameFragment"] == JSONValue(state.usernameFragment))
    }
}
