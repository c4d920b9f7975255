import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

@Suite struct ObserverTests {
    /// Opus with audio levels under id 1 (RFC 6464).
    private func produce(_ stage: Stage, on transport: TransportID, ssrc: UInt32) async throws -> ProducerID {
        let opus = RTPCodecParameters(
            mimeType: "audio/opus", payloadType: 111, clockRate: 48_000, channels: 2, parameters: [:],
            rtcpFeedback: [])
        let level = RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.ssrcAudioLevel.rawValue, id: 1)
        let parameters = RTPParameters(
            codecs: [opus], headerExtensions: [level], encodings: [RTPEncodingParameters(ssrc: ssrc)])
        return try await stage.core.produce(on: transport, ProduceOptions(kind: .audio, rtpParameters: parameters)).id
    }

    /// - Parameter level: 0 is the loudest, 127 silence.
    private func packet(ssrc: UInt32, sequence: UInt16, level: UInt8) -> [UInt8] {
        var packet = rtpPacket(ssrc: ssrc, sequence: sequence, timestamp: UInt32(sequence) * 960, payload: [])
        packet[0] |= 0x10
        return packet + [0xBE, 0xDE, 0, 1, 1 << 4, 0x80 | level, 0, 0] + [0x78, 1, 2]
    }

    @Test func `volumes, silence and the dominant speaker reach the events`() async throws {
        let stage = try await Stage()
        let core = stage.core
        let direct = try await core.createDirectTransport(on: stage.router.id)
        let (loud, quiet) = (
            try await produce(stage, on: direct, ssrc: 1), try await produce(stage, on: direct, ssrc: 2)
        )
        let levels = try await core.createAudioLevelObserver(
            on: stage.router.id, AudioLevelObserverOptions(maximumEntries: 2, interval: .milliseconds(250)))
        let speakers = try await core.createActiveSpeakerObserver(on: stage.router.id, interval: .milliseconds(100))
        for observer in [levels, speakers] {
            try await core.addProducer(loud, to: observer)
            try await core.addProducer(quiet, to: observer)
        }
        #expect(try await core.dump(levels)["producerIds"] == [JSONValue(loud.rawValue), JSONValue(quiet.rawValue)])
        #expect(try await core.dump(stage.router.id)["rtpObserverIds"]?.arrayValue?.count == 2)
        // Speaks until somebody is known to be dominant, and then no more.
        let isHeard = Locked(false)
        let speaking = Task {
            var sequence: UInt16 = 0
            while !isHeard.value {
                try await core.send([packet(ssrc: 1, sequence: sequence, level: 5)], on: loud)
                try await core.send([packet(ssrc: 2, sequence: sequence, level: 70)], on: quiet)
                sequence &+= 1
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        var told: Set<String> = []
        for await event in core.events {
            switch event {
            case .observerVolumes(levels, let volumes):
                #expect(volumes.first == AudioVolume(producer: loud, volume: -5))
                told.insert("volumes")
            case .observerDominantSpeaker(speakers, let producer):
                // The first one is whoever came first.
                if producer == loud { told.insert("dominant") }
            case .observerSilence(levels): told.insert("silence")
            default: continue
            }
            if told.isSuperset(of: ["volumes", "dominant"]) { isHeard.value = true }
            if told.count == 3 { break }
        }
        try await speaking.value
        await core.shutDown()
    }

    @Test func `observers pause, resume, lose producers and close with their router`() async throws {
        let stage = try await Stage()
        let core = stage.core
        let direct = try await core.createDirectTransport(on: stage.router.id)
        let producer = try await produce(stage, on: direct, ssrc: 1)
        let first = try await core.createAudioLevelObserver(on: stage.router.id)
        let second = try await core.createActiveSpeakerObserver(on: stage.router.id)
        try await core.addProducer(producer, to: first)
        try await core.pause(first)
        #expect(try await core.dump(first)["paused"] == true)
        try await core.resume(first)
        #expect(try await core.dump(first)["paused"] == false)
        try await core.removeProducer(producer, from: first)
        #expect(try await core.dump(first)["producerIds"] == [])
        await #expect(throws: MediaCoreError.self) {
            try await core.addProducer(ProducerID(rawValue: "nobody"), to: first)
        }
        await #expect {
            _ = try await core.createAudioLevelObserver(
                on: stage.router.id, AudioLevelObserverOptions(maximumEntries: 0))
        } throws: { error in
            "\(error)" == "TypeError: if given, maxEntries must be a positive number"
        }
        await core.close(first)
        await core.close(first)
        await #expect(throws: MediaCoreError.self) { _ = try await core.dump(first) }
        #expect(core.objectCount == 4)
        await core.close(stage.router.id)
        #expect(core.objectCount == 0)
        await core.shutDown()
        var closed: [RTPObserverID] = []
        for await event in core.events { if case .observerClosed(let id) = event { closed.append(id) } }
        #expect(closed == [second])
    }
}
