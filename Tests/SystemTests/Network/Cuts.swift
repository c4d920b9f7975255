import Base
import Foundation
import TestSupport
import Testing

/// A network that fails for a while.
struct Cut: Sendable, CustomTestStringConvertible {
    enum Manner: String, Sendable {
        /// A pulled cable.
        case silent
        /// A crashed server.
        case closing
    }

    enum Kind: String, Sendable {
        case rtsp, srt, udp

        /// Whether everything arrives that was sent before and after: else pictures may be broken by what is lost.
        var isReliable: Bool { self == .rtsp }
    }

    var kind: Kind
    var manner: Manner
    var seconds: Double

    var testDescription: String { "\(kind.rawValue), \(manner.rawValue), \(Int(seconds)) s" }

    static let all: [Cut] = [
        Cut(kind: .rtsp, manner: .silent, seconds: 1), Cut(kind: .rtsp, manner: .silent, seconds: 10),
        Cut(kind: .rtsp, manner: .closing, seconds: 1), Cut(kind: .rtsp, manner: .closing, seconds: 10),
        Cut(kind: .srt, manner: .silent, seconds: 1),
        Cut(kind: .udp, manner: .silent, seconds: 1), Cut(kind: .udp, manner: .silent, seconds: 10),
    ]
}

extension AllSystemTests {
    @Suite(.serialized) struct `Cut networks` {
        /// What a source and the way to it consist of.
        private struct Way {
            var source: String
            var relay: CutRelay
            var sender: (@Sendable () async throws -> AnyObject)?
            var peers: [AnyObject] = []
        }

        @Test(arguments: Cut.all)
        func `media comes back into the same producers, and the recording goes on`(cut: Cut) async throws {
            let daemon = try await Daemon()
            let way = try await way(to: cut.kind)
            let recording = try await daemon.call(
                "POST", "/api/v1/recordings", json: ["room": "cut", "output": "cut.mkv"])
            let recordingID = try #require(recording.json["id"]?.stringValue, "\(recording.text)")
            let ingest = try await daemon.call(
                "POST", "/api/v1/ingests", json: ["room": "cut", "source": JSONValue(way.source)])
            let id = try #require(ingest.json["id"]?.stringValue, "\(ingest.text)")
            let sender = try await way.sender?()
            let flowing = try await daemon.event("media.flowing", room: "cut") { $0["kind"] == "video" }
            let video = try #require(flowing["producerId"]?.stringValue)
            let receiver = try await daemon.receive(video, in: "cut")
            func recordedSeconds() async throws -> Double {
                try await daemon.call("GET", "/api/v1/recordings/\(recordingID)").json["seconds"]?.doubleValue ?? 0
            }
            try await eventually("two seconds in the file\n\(daemon.log)") {
                try await recordedSeconds() >= 2 ? true : nil
            }

            let begin = ContinuousClock.now
            switch cut.manner {
            case .silent: way.relay.cut()
            case .closing: way.relay.close()
            }
            try await Task.sleep(for: .seconds(cut.seconds))
            let healed = ContinuousClock.now
            way.relay.heal()
            try await eventually("media after the cut\n\(daemon.log)") { receiver.firstArrival(after: healed) }
            try await Task.sleep(for: .seconds(3))

            // The longest pause of the wire is the cut's.
            let pause = try #require(receiver.longestPause(after: begin))
            let back = max(.zero, pause.upperBound - healed)
            figure(
                "\(cut.testDescription): back \(milliseconds(back)) ms after it healed, \(milliseconds(pause.upperBound - pause.lowerBound)) ms without packets"
            )
            #expect(back < .seconds(5))

            // One stream for whoever receives it.
            #expect(receiver.ssrcs.count == 1)
            #expect(
                receiver.sequenceSteps.allSatisfy { (1...20).contains($0) },
                "\(receiver.sequenceSteps.filter { $0 != 1 })")
            #expect(receiver.timestampSteps.allSatisfy { $0 >= 0 }, "\(receiver.timestampSteps.filter { $0 < 0 })")
            let ticks = receiver.timestampSteps.reduce(0, +)
            let packets = receiver.packets
            let seconds = milliseconds(packets[packets.count - 1].arrival - packets[0].arrival) / 1000
            #expect(abs(Double(ticks) / 90_000 - seconds) < 1.5, "\(ticks) ticks in \(seconds) s")

            // The same producers all along.
            let events = try await daemon.events(room: "cut")
            #expect(events.filter { $0["type"] == "producer.created" && $0["role"] == "ingest" }.count == 2)
            #expect(!events.contains { $0["type"] == "producer.closed" })
            let turns = events.filter { $0["producerId"]?.stringValue == video }.compactMap { $0["type"]?.stringValue }
                .filter { $0.hasPrefix("media.") }
            if cut.seconds >= 2 {
                #expect(turns == ["media.flowing", "media.not_flowing", "media.flowing"], "\(turns)")
                #expect(events.contains { $0["type"] == "ingest.interrupted" })
                #expect(events.contains { $0["type"] == "ingest.resumed" })
            } else {
                #expect(turns.first == "media.flowing" && turns.last == "media.flowing", "\(turns)")
            }

            // One file, whole.
            try await daemon.call("DELETE", "/api/v1/ingests/\(id)")
            let finished = try await daemon.event("recording.finished", room: "cut")
            withExtendedLifetime((way, sender)) {}
            let file = try #require(finished["file"]?.stringValue)
            let probe = try await onThread { try RecordingProbe(file) }
            #expect(Set(probe.codecs) == ["h264", "opus"])
            #expect(probe.isRising)
            #expect(probe.durationSeconds >= cut.seconds + 4, "\(probe.durationSeconds) s")
            #expect(probe.longestStep <= cut.seconds + 5)
            if cut.kind.isReliable { #expect(probe.decodeErrors == "") }
            let skews = probe.skewsInMilliseconds
            figure("\(cut.testDescription): skews \(skews.map { Int($0.rounded()) }) ms")
            #expect(try FileManager.default.contentsOfDirectory(atPath: daemon.recordings.path).count == 1)
            try await daemon.stop()
        }

        private func way(to kind: Cut.Kind) async throws -> Way {
            switch kind {
            case .rtsp:
                let server = try await RTSPServer()
                let relay = try CutRelay(.tcp, to: server.port)
                return Way(source: server.url(.h264Opus, relayed: relay.port), relay: relay, peers: [server])
            case .srt:
                let (server, port) = try await FFmpegPeer.srtListener()
                let relay = try CutRelay(.udp, to: port)
                return Way(source: "srt://127.0.0.1:\(relay.port)", relay: relay, peers: [server])
            case .udp:
                let port = try LoopbackPort.free(.udp)
                let relay = try CutRelay(.udp, to: port)
                let front = relay.port
                return Way(
                    source: "udp://127.0.0.1:\(port)", relay: relay,
                    sender: {
                        try await eventually("a listener on port \(port)") {
                            LoopbackPort.isOpen(port, .udp) ? true : nil
                        }
                        return try await FFmpegPeer.udpSender(to: front)
                    })
            }
        }
    }
}

/// Rounded to whole ones.
func milliseconds(_ duration: Duration) -> Double { (duration / .milliseconds(1)).rounded() }

extension RTPReceiver {
    /// The longest time between two packets, of which the second came after an instant.
    func longestPause(after instant: ContinuousClock.Instant) -> Range<ContinuousClock.Instant>? {
        let packets = packets
        let pauses = zip(packets, packets.dropFirst()).filter { $1.arrival > instant && $0.arrival < $1.arrival }
        return pauses.map { $0.arrival..<$1.arrival }.max {
            $0.upperBound - $0.lowerBound < $1.upperBound - $1.lowerBound
        }
    }
}
