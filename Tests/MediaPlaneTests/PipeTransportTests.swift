import Base
import MediaCore
import MediaPlane
import ORTC
import Testing

@Suite struct PipeTransportTests {
    /// Two cores, as two processes would be.
    @Test(arguments: [false, true]) func `a pipe over UDP carries a producer to another core`(isProtected: Bool)
        async throws
    {
        let (near, far) = (try await Stage(), try await Stage())
        let options = PipeTransportOptions(enableRTX: true, enableSRTP: isProtected)
        let here = try await near.core.createPipeTransport(on: near.router.id, options)
        let there = try await far.core.createPipeTransport(on: far.router.id, options)
        #expect((here.srtpParameters != nil) == isProtected && here.tuple.remoteIP == nil)
        let connected = try await near.core.connectPipe(
            here.id, ip: "127.0.0.1", port: there.tuple.localPort, srtpParameters: there.srtpParameters)
        #expect(connected.tuple.remotePort == there.tuple.localPort)
        _ = try await far.core.connectPipe(
            there.id, ip: "127.0.0.1", port: here.tuple.localPort, srtpParameters: here.srtpParameters)
        await #expect(throws: MediaCoreError.self) {
            _ = try await near.core.connectPipe(here.id, ip: "127.0.0.1", port: 9)
        }
        let dump = try await near.core.dump(here.id)
        #expect(dump["rtx"] == true && dump["direct"] == false && dump["rtcpMux"] == nil)
        #expect(dump["tuple"]?["remotePort"] == JSONValue(there.tuple.localPort))

        let (sender, sink) = (try TestSocket(), try TestSocket())
        let inlet = try await near.inlet()
        let producer = try await near.produceAudio(on: inlet.id, ssrc: 1111)
        let consumer = try await near.consume(producer.id, on: here.id)
        #expect(consumer.type == "pipe")
        let piped = try await far.core.produce(
            on: there.id, ProduceOptions(kind: .audio, rtpParameters: consumer.rtpParameters, id: producer.id))
        #expect(piped.id == producer.id)
        let outlet = try await far.outlet(to: sink.address.port)
        _ = try await far.consume(piped.id, on: outlet.id)
        sender.send(rtpPacket(ssrc: 1111, sequence: 7, payload: [1, 2, 3]), to: inlet.tuple.localPort)
        #expect(sink.receiveRTP().map { Array($0.payload) } == [1, 2, 3])
        await near.core.close(here.id)
        #expect(near.core.portFigures.used == 1)
        await near.core.shutDown()
        await far.core.shutDown()
    }

    @Test func `a pipe for an unknown router costs no port`() async throws {
        let stage = try await Stage()
        await #expect(throws: MediaCoreError.self) {
            _ = try await stage.core.createPipeTransport(on: RouterID(rawValue: "nobody"))
        }
        #expect(stage.core.portFigures.used == 0)
        await stage.core.shutDown()
    }
}
