import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

/// What the core can be told and asked beside `MediaCore`.
@Suite struct SurfaceTests {
    /// Two encodings of VP8, SSRCs 1001 and 1002, two temporal layers each.
    private func produceSimulcast(_ stage: Stage, on transport: TransportID) async throws -> ProducerDescription {
        let vp8 = RTPCodecParameters(
            mimeType: "video/VP8", payloadType: 101, clockRate: 90_000, channels: nil, parameters: [:],
            rtcpFeedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli")])
        let encodings = [1001, 1002].map { RTPEncodingParameters(ssrc: $0, scalabilityMode: "L1T2") }
        return try await stage.core.produce(
            on: transport,
            ProduceOptions(kind: .video, rtpParameters: RTPParameters(codecs: [vp8], encodings: encodings)))
    }

    @Test func `a consumer's options and layers`() async throws {
        let stage = try await Stage()
        let (inlet, outlet) = (try await stage.inlet(), try await stage.outlet(to: 9))
        let producer = try await produceSimulcast(stage, on: inlet.id)
        let consumer = try await stage.core.consume(
            on: outlet.id,
            ConsumeOptions(
                producer: producer.id, rtpCapabilities: stage.router.rtpCapabilities, mid: "left",
                preferredLayers: WantedLayers(spatialLayer: 0, temporalLayer: 0), priority: 7))
        #expect(consumer.type == "simulcast" && consumer.rtpParameters.mid == "left")
        #expect(consumer.preferredLayers == ForwardedLayers(spatialLayer: 0, temporalLayer: 0))
        #expect(try await stage.core.dump(consumer.id)["priority"] == 7)
        let wanted = try await stage.core.setPreferredLayers(WantedLayers(spatialLayer: 9), of: consumer.id)
        #expect(wanted == ForwardedLayers(spatialLayer: 1, temporalLayer: 1))
        #expect(try await stage.core.currentLayers(of: consumer.id) == nil)
        try await stage.core.setPriority(200, of: consumer.id)
        #expect(try await stage.core.dump(consumer.id)["priority"] == 200)
        try await stage.core.unsetPriority(of: consumer.id)
        #expect(try await stage.core.dump(consumer.id)["priority"] == 1)
        await #expect(throws: MediaCoreError.self) { try await stage.core.setPriority(0, of: consumer.id) }
        // A wrong priority leaves no consumer behind.
        let before = stage.core.objectCount
        await #expect(throws: MediaCoreError.self) {
            _ = try await stage.core.consume(
                on: outlet.id,
                ConsumeOptions(
                    producer: producer.id, rtpCapabilities: stage.router.rtpCapabilities, priority: 256))
        }
        #expect(stage.core.objectCount == before)
        #expect(try await stage.core.dump(outlet.id)["consumerIds"]?.arrayValue?.count == 1)
        await stage.core.shutDown()
    }

    @Test func `layerschange reaches the events`() async throws {
        let stage = try await Stage()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let (inlet, outlet) = (try await stage.inlet(), try await stage.outlet(to: sink.address.port))
        let producer = try await produceSimulcast(stage, on: inlet.id)
        let consumer = try await stage.core.consume(
            on: outlet.id,
            ConsumeOptions(
                producer: producer.id, rtpCapabilities: stage.router.rtpCapabilities,
                preferredLayers: WantedLayers(spatialLayer: 0)))
        // Key frames of VP8 (RFC 7741 §4.3): start of a partition, and the lowest bit of the frame is 0.
        func sendKeyFrame(_ number: Int) {
            sender.send(
                rtpPacket(
                    ssrc: 1001, sequence: UInt16(number), timestamp: UInt32(number) * 3000, payloadType: 101,
                    marker: true,
                    payload: [0x10, 0, 0, 0, 0x9D, 1, 0x2A, 0]), to: inlet.tuple.localPort)
        }
        sendKeyFrame(1)
        for await event in stage.core.events {
            guard case .consumerLayers(consumer.id, let layers) = event else { continue }
            #expect(layers?.spatialLayer == 0)
            break
        }
        // On a busy machine so much time may have passed that the stream counts as silent: then it comes back.
        var number = 2
        while try await stage.core.currentLayers(of: consumer.id)?.spatialLayer != 0, number < 10_000 {
            sendKeyFrame(number)
            number += 1
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(number < 10_000)
        await stage.core.shutDown()
    }

    @Test func `a producer keeps the id that it was given, and nobody else gets it`() async throws {
        let core = try EmbeddedCore(MediaPlaneConfiguration(workers: 2))
        let (near, far) = (try await Stage(on: core), try await Stage(on: core))
        let opus = RTPCodecParameters(
            mimeType: "audio/opus", payloadType: 111, clockRate: 48_000, channels: 2, parameters: [:],
            rtcpFeedback: [])
        func produce(_ stage: Stage, on transport: TransportID, ssrc: UInt32) async throws -> ProducerDescription {
            try await core.produce(
                on: transport,
                ProduceOptions(
                    kind: .audio,
                    rtpParameters: RTPParameters(codecs: [opus], encodings: [RTPEncodingParameters(ssrc: ssrc)]),
                    keyFrameRequestDelay: .seconds(3), id: ProducerID(rawValue: "mine")))
        }
        let (here, there) = (try await near.inlet(), try await far.inlet())
        #expect(try await produce(near, on: here.id, ssrc: 1).id.rawValue == "mine")
        for (stage, transport) in [(near, here), (far, there)] {
            await #expect {
                _ = try await produce(stage, on: transport.id, ssrc: 2)
            } throws: { error in
                "\(error)" == "TypeError: a Producer with same id \"mine\" already exists"
            }
        }
        // What could not be made has not taken the name.
        await core.close(ProducerID(rawValue: "mine"))
        await #expect(throws: MediaCoreError.self) {
            _ = try await produce(far, on: TransportID(rawValue: "nowhere"), ssrc: 1)
        }
        #expect(try await produce(far, on: there.id, ssrc: 1).id.rawValue == "mine")
        await core.shutDown()
    }

    @Test func `limits of a transport's bandwidth`() async throws {
        let stage = try await Stage()
        let core = stage.core
        let transport = try await core.createPlainTransport(on: stage.router.id, PlainTransportOptions()).id
        try await core.setMaxIncomingBitrate(1_500_000, of: transport)
        try await core.setMaxOutgoingBitrate(900_000, of: transport)
        try await core.setMinOutgoingBitrate(100_000, of: transport)
        let stats = try await core.stats(transport).arrayValue?.first
        #expect(stats?["maxIncomingBitrate"] == 1_500_000)
        #expect(stats?["maxOutgoingBitrate"] == 900_000 && stats?["minOutgoingBitrate"] == 100_000)
        await #expect(throws: MediaCoreError.self) { try await core.setMaxOutgoingBitrate(50_000, of: transport) }
        await #expect(throws: MediaCoreError.self) { try await core.setMinOutgoingBitrate(29_999, of: transport) }
        let direct = try await core.createDirectTransport(on: stage.router.id)
        await #expect {
            try await core.setMaxIncomingBitrate(1, of: direct)
        } throws: { error in
            "\(error)" == "UnsupportedError: setMaxIncomingBitrate() not implemented in DirectTransport"
        }
        await core.shutDown()
    }

    @Test func `what a receiver lets through is traced as bwe`() async throws {
        let stage = try await Stage()
        let core = stage.core
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceVideo(on: inlet.id, ssrc: 2222)
        let outlet = try await core.createPlainTransport(
            on: stage.router.id, PlainTransportOptions(initialAvailableOutgoingBitrate: 333_000))
        _ = try await core.connect(outlet.id, PlainTransportRemote(ip: "127.0.0.1", port: sink.address.port))
        // Plain receivers that estimate say so (goog-remb and abs-send-time).
        var capabilities = stage.router.rtpCapabilities
        capabilities.headerExtensions.removeAll { $0.uri == RTPHeaderExtensionURI.transportWideCC.rawValue }
        for index in capabilities.codecs.indices {
            capabilities.codecs[index].rtcpFeedback.removeAll { $0.type == "transport-cc" }
        }
        _ = try await core.consume(
            on: outlet.id, ConsumeOptions(producer: producer.id, rtpCapabilities: capabilities))
        try #require(try await core.stats(outlet.id).arrayValue?.first?["availableOutgoingBitrate"] == 333_000)
        try await core.enableTraceEvent([.bandwidth, .rtp], of: outlet.id)
        #expect(try await core.dump(outlet.id)["traceEventTypes"] == ["bwe"])
        sender.send(
            rtpPacket(ssrc: 2222, sequence: 1, payloadType: 101, payload: [0x10, 0]), to: inlet.tuple.localPort)
        // REMB (draft-alvestrand-rmcat-remb-03 §2.2) of 60,000 bit/s: far below what was taken to be there.
        sink.send(
            [0x8F, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0] + Array("REMB".utf8) + [1, 0, 0xEA, 0x60, 0, 0, 0, 1],
            to: outlet.tuple.localPort)
        for await event in core.events {
            guard case .transportTrace(outlet.id, let trace) = event else { continue }
            #expect(trace.type == .bandwidth && !trace.isIncoming && trace.json["direction"] == "out")
            #expect(trace.info["bweType"] == "remb" && trace.info["availableBitrate"] == 60_000)
            #expect(
                Set(trace.info.objectValue?.keys ?? [:].keys) == [
                    "bweType", "desiredBitrate", "effectiveDesiredBitrate", "minBitrate", "maxBitrate", "startBitrate",
                    "maxPaddingBitrate", "availableBitrate",
                ])
            break
        }
        await core.shutDown()
    }

    @Test func `traces of producers and consumers`() async throws {
        let stage = try await Stage()
        let core = stage.core
        let direct = try await core.createDirectTransport(on: stage.router.id)
        let producer = try await stage.produceVideo(on: direct, ssrc: 2222)
        let consumer = try await stage.consume(producer.id, on: direct)
        try await core.enableTraceEvent([.rtp, .senderReport, .bandwidth], of: producer.id)
        try await core.enableTraceEvent([.keyFrame, .senderReport], of: consumer.id)
        #expect(try await core.dump(producer.id)["traceEventTypes"] == ["rtp", "sr"])
        #expect(try await core.dump(consumer.id)["traceEventTypes"] == ["keyframe"])
        try await core.send(
            [
                rtpPacket(
                    ssrc: 2222, sequence: 1, payloadType: 101, marker: true,
                    payload: [0x10, 0, 0, 0, 0x9D, 1, 0x2A, 0])
            ], on: producer.id)
        var (isIn, isOut) = (false, false)
        for await event in core.events {
            switch event {
            case .producerTrace(producer.id, let trace):
                #expect(trace.type == .rtp && trace.isIncoming && trace.info["rtpPacket"]?["ssrc"] == 2222)
                isIn = true
            case .consumerTrace(consumer.id, let trace):
                #expect(trace.type == .keyFrame && !trace.isIncoming)
                isOut = true
            default: continue
            }
            if isIn, isOut { break }
        }
        await core.shutDown()
    }
}
