import Base
import Congestion
import ORTC
import RTCP
import RTP
import SFU
import TestSupport
import Testing

/// A transport's bandwidth towards its receivers at the engine's edge: what packets carry, what is heard, what is refused.
@Suite struct BandwidthTests {
    enum Means { case transportWide, remb }

    /// Capabilities of a receiver with MID, abs-send-time and, if wanted, transport-wide numbers.
    static func capabilities(_ means: Means) -> RTPCapabilities {
        var capabilities = Parameters.everythingWithMID
        capabilities.headerExtensions.append(
            RTPHeaderExtension(kind: .video, uri: RTPHeaderExtensionURI.absSendTime.rawValue, preferredID: 4))
        if means == .transportWide {
            capabilities.headerExtensions.append(
                RTPHeaderExtension(kind: .video, uri: RTPHeaderExtensionURI.transportWideCC.rawValue, preferredID: 5))
        }
        return capabilities
    }

    static func vp8(_ means: Means) -> RTPParameters {
        let uri: RTPHeaderExtensionURI = means == .transportWide ? .transportWideCC : .absSendTime
        return Parameters.vp8(
            feedback: [
                RTCPFeedback("nack", "pli"), RTCPFeedback(means == .transportWide ? "transport-cc" : "goog-remb"),
            ],
            extensions: [RTPHeaderExtensionParameters(uri: uri.rawValue, id: 7)])
    }

    static func stats(_ stage: Stage, _ id: TransportID) throws -> JSONValue {
        guard case .array(let all) = try stage.engine.stats(of: id, now: stage.now), let first = all.first else {
            return .null
        }
        return first
    }

    static func element(_ id: UInt8, of sent: Sent) -> [UInt8]? {
        guard let element = sent.header?.headerExtension(id: id, in: sent.bytes.span.bytes) else { return nil }
        return Array(sent.bytes[element.offset..<element.offset + element.length])
    }

    // The engine is no copyable value, so the macros of tests can't look into it themselves.
    static func bitrates(_ stage: Stage, _ port: Stage.Port) -> OutgoingBitrates? {
        stage.engine.outgoingBitrates(of: port.id)
    }

    static func available(_ stage: Stage, _ port: Stage.Port) -> Int64? { bitrates(stage, port)?.available }

    @Test func `packets carry send time and a number of their transport beside the MID, each as negotiated`() throws {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("video", on: source, Parameters.vp8())
        let both = try stage.transport("both", comedia: false)
        try stage.connect(both, to: 5000)
        try stage.consume("a", on: both, of: "video", Self.capabilities(.transportWide))
        try stage.consume("b", on: both, of: "video", Self.capabilities(.transportWide))
        try stage.receiver("time", of: "video", at: 6000, Self.capabilities(.remb))
        try stage.receiver("none", of: "video", at: 7000, Parameters.everythingWithMID)
        var track = VideoTrack()
        for number in 0..<4 {
            for packet in try track.frame(isKeyFrame: number == 0) { stage.feed(packet, on: source.rtp) }
            stage.pass(.milliseconds(33))
        }
        let counted = stage.media(to: 5000)
        #expect(counted.count == 8)
        let numbers = counted.compactMap { Self.element(5, of: $0) }
        #expect(numbers == (0..<8).map { [0, UInt8($0)] }, "one count for both consumers")
        for sent in counted + stage.media(to: 6000) {
            let time = try #require(Self.element(4, of: sent))
            #expect(time.count == 3 && time != [0, 0, 0])
            #expect(Self.element(1, of: sent) != nil, "the MID")
        }
        #expect(stage.media(to: 6000).allSatisfy { Self.element(5, of: $0) == nil })
        for sent in stage.media(to: 7000) {
            #expect(
                Self.element(4, of: sent) == nil && Self.element(5, of: sent) == nil && Self.element(1, of: sent) != nil
            )
        }
        #expect(stage.media(to: 6000).count == 4 && stage.media(to: 7000).count == 4)
        // The clock said 1 s when the first packet left.
        #expect(Self.element(4, of: counted[0]) == [0x04, 0, 0])
    }

    @Test func `an audio consumer neither carries them nor has its transport managed`() throws {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("audio", on: source, Parameters.opus(), kind: .audio)
        var capabilities = Parameters.everything
        capabilities.headerExtensions = [
            RTPHeaderExtension(kind: .audio, uri: RTPHeaderExtensionURI.absSendTime.rawValue, preferredID: 4)
        ]
        let port = try stage.receiver("a", of: "audio", at: 5000, capabilities)
        stage.feed(
            try Packets.rtp(payloadType: 100, sequence: 1, ssrc: 1111, payload: [1, 2, 3]), on: source.rtp)
        #expect(stage.media(to: 5000).count == 1)
        #expect(stage.media(to: 5000).allSatisfy { Self.element(4, of: $0) == nil })
        #expect(try Self.stats(stage, port.id)["availableOutgoingBitrate"] == nil)
        #expect(Self.bitrates(stage, port) == nil)
    }

    @Test func `limits are refused with mediasoup's words`() throws {
        let stage = try Stage()
        let id = try stage.transport("t").id
        func message(_ body: () throws -> Void) -> String? {
            do { try body() } catch let error as SFUError { return error.description } catch {}
            return nil
        }
        func most(_ bitrate: Int64) -> String? {
            message { try stage.engine.setMaxOutgoingBitrate(id, bitrate, now: stage.now, into: &stage.outbox) }
        }
        func least(_ bitrate: Int64) -> String? {
            message { try stage.engine.setMinOutgoingBitrate(id, bitrate, now: stage.now, into: &stage.outbox) }
        }
        #expect(
            most(29_999)
                == "TypeError: bitrate must be >= 30000 or 0 (unlimited) [method:transport.setMaxOutgoingBitrate]")
        #expect(
            least(29_999)
                == "TypeError: bitrate must be >= 30000 or 0 (unlimited) [method:transport.setMinOutgoingBitrate]")
        #expect(most(30_000) == nil)
        #expect(
            least(30_001)
                == "TypeError: bitrate must be <= current max outgoing bitrate (30000) or 0 (unlimited) [method:transport.setMinOutgoingBitrate]"
        )
        #expect(most(500_000) == nil && least(400_000) == nil)
        #expect(
            most(300_000)
                == "TypeError: bitrate must be >= current min outgoing bitrate (400000) or 0 (unlimited) [method:transport.setMaxOutgoingBitrate]"
        )
        let stats = try Self.stats(stage, id)
        #expect(stats["maxOutgoingBitrate"] == 500_000 && stats["minOutgoingBitrate"] == 400_000)
        #expect(most(0) == nil && least(0) == nil)
        #expect(try Self.stats(stage, id)["maxOutgoingBitrate"] == nil)
    }

    @Test func `a priority is 1 to 255`() throws {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("video", on: source, Parameters.vp8())
        try stage.receiver("a", of: "video", at: 5000)
        func set(_ priority: Int) -> Bool {
            (try? stage.engine.setPriority(
                ConsumerID(rawValue: "a"), priority, now: stage.now, into: &stage.outbox)) != nil
        }
        #expect([-1, 0, 1, 255, 256].map(set) == [false, false, true, true, false])
    }

    @Test func `REMBs and reported losses of a receiver move the estimate`() throws {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("video", on: source, Parameters.vp8())
        let port = try stage.receiver("a", of: "video", at: 5000, Self.capabilities(.remb))
        #expect(Self.available(stage, port) == 600_000)
        func hear(_ bytes: [UInt8]) {
            stage.feed(bytes, on: port.rtcp ?? port.rtp, from: Stage.address("198.51.100.7", 5001))
        }
        hear(
            Packets.write { rtcp, bytes in
                let none: [UInt32] = []
                rtcp.receiverEstimatedMaximumBitrate(
                    senderSSRC: 1, bitrateBitsPerSecond: 256_000, ssrcs: none.span, into: &bytes)
            })
        #expect(Self.available(stage, port) == 256_000)
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
        let ssrc = try #require(stage.media(to: 5000).first?.header?.ssrc)
        stage.pass(.seconds(3))
        hear(
            Packets.receiverReport(
                ReportBlock(
                    ssrc: ssrc, fractionLost: 64, packetsLost: 1, extendedHighestSequence: 1, jitter: 0,
                    lastSenderReport: 0, delaySinceLastSenderReport: 0)))
        #expect(Self.available(stage, port) == 224_000, "an eighth of it")
        #expect(try Self.stats(stage, port.id)["availableOutgoingBitrate"] == 224_000)
        #expect(try Self.stats(stage, port.id)["rtpPacketLossSent"] == 0.25)
    }

    @Test func `a stream's reported loss counts as much as it has sent`() throws {
        let stage = try Stage()
        var tracks = [VideoTrack(), VideoTrack()]
        tracks[1].ssrc = 3333
        let sources = [try stage.transport("big"), try stage.transport("small")]
        let port = try stage.transport("a", comedia: false, rtcpMux: true)
        _ = try stage.connect(port)
        var ssrcs: [UInt32] = []
        for (place, name) in ["big", "small"].enumerated() {
            var parameters = Parameters.vp8()
            parameters.encodings[0].ssrc = tracks[place].ssrc
            try stage.produce(name, on: sources[place], parameters)
            let consumer = try stage.consume("c-\(name)", on: port, of: name, Self.capabilities(.remb))
            ssrcs.append(try #require(consumer.rtpParameters.encodings[0].ssrc))
        }
        func hear(_ bytes: [UInt8]) { stage.feed(bytes, on: port.rtp, from: Stage.address("198.51.100.7", 5000)) }
        hear(
            Packets.write { rtcp, bytes in
                let none: [UInt32] = []
                rtcp.receiverEstimatedMaximumBitrate(
                    senderSSRC: 1, bitrateBitsPerSecond: 256_000, ssrcs: none.span, into: &bytes)
            })
        /// 100 packets of the big stream and 5 of the small one, then a report of both.
        func report(round: Int, lostOfBig: UInt8, lostOfSmall: UInt8) throws {
            for (place, count) in [100, 5].enumerated() {
                for packet in try tracks[place].frame(isKeyFrame: round == 1, packets: count) {
                    stage.feed(packet, on: sources[place].rtp)
                }
            }
            stage.pass(.seconds(3))
            let newest = ssrcs.map { ssrc in
                UInt32(stage.media(to: 5000).last { $0.header?.ssrc == ssrc }?.sequence ?? 0)
            }
            hear(
                Packets.write { rtcp, bytes in
                    rtcp.receiverReport(ssrc: 1, into: &bytes)
                    for (place, fraction) in [lostOfBig, lostOfSmall].enumerated() {
                        rtcp.reportBlock(
                            ReportBlock(
                                ssrc: ssrcs[place], fractionLost: fraction, packetsLost: 0,
                                extendedHighestSequence: newest[place], jitter: 0, lastSenderReport: 0,
                                delaySinceLastSenderReport: 0), into: &bytes)
                    }
                })
        }
        try report(round: 1, lostOfBig: 0, lostOfSmall: 0)
        let before = try #require(Self.available(stage, port))
        // Half of the small stream is 2 % of all; for the mean of both streams it would be a quarter.
        try report(round: 2, lostOfBig: 0, lostOfSmall: 128)
        #expect(try #require(Self.available(stage, port)) >= before)
        try report(round: 3, lostOfBig: 128, lostOfSmall: 0)
        #expect(try #require(Self.available(stage, port)) < before)
    }

    @Test func `what is desired follows the streams, and falls at once when a consumer pauses or closes`() throws {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("video", on: source, Parameters.vp8())
        let port = try stage.receiver("a", of: "video", at: 5000, Self.capabilities(.remb))
        func flow(seconds: Int, from first: Int) throws {
            for number in first..<first + 100 * seconds {
                stage.feed(
                    try Packets.rtp(
                        sequence: number, timestamp: UInt32(number * 900),
                        payload: Packets.vp8Payload(isKeyFrame: number == 0, size: 988)), on: source.rtp)
                stage.pass(.milliseconds(10))
            }
        }
        try flow(seconds: 4, from: 0)
        let desired = try #require(Self.bitrates(stage, port)?.desired)
        #expect(760_000...840_000 ~= desired)
        #expect(Double(Self.bitrates(stage, port)?.max ?? 0) / Double(desired) >= 1.34)
        try stage.engine.pause(ConsumerID(rawValue: "a"), now: stage.now, into: &stage.outbox)
        stage.pass(.milliseconds(20))
        #expect(Self.bitrates(stage, port)?.desired == 0 && Self.bitrates(stage, port)?.effectiveDesired == 0)
        try stage.engine.resume(ConsumerID(rawValue: "a"), now: stage.now, into: &stage.outbox)
        #expect(Self.bitrates(stage, port)?.desired ?? 0 > 700_000)
        try stage.consume("b", on: port, of: "video", Self.capabilities(.remb))
        #expect(Self.bitrates(stage, port)?.desired ?? 0 > 1_400_000)
        stage.engine.close(ConsumerID(rawValue: "b"), now: stage.now, into: &stage.outbox)
        stage.pass(.milliseconds(20))
        #expect(700_000...850_000 ~= Self.bitrates(stage, port)?.effectiveDesired ?? 0)
    }

    // MARK: - Over a narrow link

    /// A camera whose packets go through the engine and a bottleneck to a receiver that answers with feedback.
    @Test(arguments: [1, 2] as [UInt64])
    func `the estimate finds a narrow link behind the engine, and the feedback is told as statistics`(seed: UInt64)
        throws
    {
        let stage = try Stage()
        let source = try stage.transport("source")
        try stage.produce("video", on: source, Parameters.vp8())
        let port = try stage.receiver("a", of: "video", at: 5000, Self.capabilities(.transportWide))
        var link = Bottleneck(seed: seed, rate: 400_000, queueLimit: 60_000, jitter: .milliseconds(2))
        var receiver = IncomingBandwidth(mechanism: .transportWide)
        var flying: [(arrival: Instant, number: UInt16)] = []
        var answers: [(arrival: Instant, bytes: [UInt8])] = []
        var (seen, credit, sequence) = (0, 0.0, 0)
        var estimates: [Int64] = []
        for step in 0..<200 * 40 {
            stage.pass(.milliseconds(5))
            // The camera obeys, as one would whose receivers told it: it is the engine's estimate that is looked at.
            let available = Self.available(stage, port) ?? 0
            credit += Double(available) * 0.005 / 8
            while credit > 1000 {
                credit -= 1000
                stage.feed(
                    try Packets.rtp(
                        marker: true, sequence: sequence, timestamp: UInt32(sequence * 3000),
                        payload: Packets.vp8Payload(isKeyFrame: sequence == 0, size: 960)), on: source.rtp)
                sequence += 1
            }
            stage.flush()
            for sent in stage.sent[seen...] where !sent.isRTCP && sent.destination.port == 5000 {
                let number = try #require(Self.element(5, of: sent))
                guard let arrival = link.send(sent.bytes.count, at: stage.now) else { continue }
                flying.append((arrival, UInt16(number[0]) << 8 | UInt16(number[1])))
            }
            seen = stage.sent.count
            while let (arrival, number) = flying.first, arrival <= stage.now {
                flying.removeFirst()
                receiver.receive(transportWide: number, now: arrival)
            }
            if let due = receiver.nextDeadline, due <= stage.now {
                let bytes = Packets.write { rtcp, buffer in
                    _ = receiver.write(senderSSRC: 1, mediaSSRC: 2, now: stage.now, into: &rtcp, &buffer)
                }
                _ = Packets.write { rtcp, buffer in
                    _ = receiver.write(senderSSRC: 1, mediaSSRC: 2, now: stage.now, into: &rtcp, &buffer)
                }
                answers.append((stage.now + .milliseconds(25), bytes))
            }
            while let (arrival, bytes) = answers.first, arrival <= stage.now {
                answers.removeFirst()
                stage.feed(bytes, on: port.rtcp ?? port.rtp, from: Stage.address("198.51.100.7", 5001))
            }
            if step >= 200 * 20 { estimates.append(available) }
        }
        let mean = Double(estimates.reduce(0, +)) / Double(estimates.count)
        #expect(0.65...1.1 ~= mean / 400_000, "seed \(seed): \(mean)")
        let told = try #require(Self.bitrates(stage, port))
        #expect(told.mechanism == .transportWide && told.desired > 100_000)
        #expect(try Self.stats(stage, port.id)["availableOutgoingBitrate"] == JSONValue(told.available))
    }
}
