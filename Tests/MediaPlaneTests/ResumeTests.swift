import Base
import MediaCore
import MediaPlane
import Testing

@Suite struct ResumeTests {
    /// The figure is printed, not judged: what leaves with the command itself is shown on a virtual clock elsewhere.
    @Test func `a resumed consumer's key frame is on the wire at once`() async throws {
        let stage = try await Stage()
        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceVideo(on: inlet.id, ssrc: 2222)
        let outlet = try await stage.outlet(to: sink.address.port)
        let consumer = try await stage.consume(producer.id, on: outlet.id)
        var sequence: UInt16 = 0
        func play(_ frames: Int) {
            for frame in 0..<frames {
                let payload: [UInt8] = [0x10, frame == 0 ? 0x10 : 0x11] + [UInt8](repeating: 0, count: 1000)
                sender.send(
                    rtpPacket(
                        ssrc: 2222, sequence: sequence, timestamp: UInt32(sequence) * 3000, payloadType: 101,
                        marker: true, payload: payload), to: inlet.tuple.localPort)
                sequence &+= 1
            }
        }
        play(1)
        _ = try #require(sink.receiveRTP())
        var times: [Duration] = []
        let clock = ContinuousClock()
        for _ in 0..<20 {
            try await stage.core.pause(consumer.id)
            // A new group, so that the consumer begins anew.
            play(30)
            let before = sequence &- 30
            while try await stage.packetCount(of: producer.id) < Int(sequence) { await Task.yield() }
            let start = clock.now
            try await stage.core.resume(consumer.id)
            let first = try #require(sink.receiveRTP())
            times.append(clock.now - start)
            #expect(first.timestamp == UInt32(before) * 3000)
            #expect(first.payload.dropFirst().first == 0x10)
            for _ in 1..<30 { _ = try #require(sink.receiveRTP()) }
        }
        times.sort()
        print("resume to the first key frame packet at its receiver, of 20: median \(times[10]), longest \(times[19])")
        await stage.core.shutDown()
    }
}

extension Stage {
    fileprivate func packetCount(of producer: ProducerID) async throws -> Int {
        guard case .array(let streams) = try await core.stats(producer), case .object(let first)? = streams.first,
            case .integer(let count)? = first["packetCount"]
        else { return 0 }
        return Int(count)
    }
}
