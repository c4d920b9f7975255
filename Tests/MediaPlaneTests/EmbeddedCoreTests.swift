import Base
import Glibc
import MediaCore
import MediaPlane
import ORTC
import Testing

@Suite struct EmbeddedCoreTests {
    @Test func `a transport without rtcpMux has two ports of the range, and both come back`() async throws {
        let stage = try await Stage(MediaPlaneConfiguration(announcedAddress: "media.example.org"))
        let transport = try await stage.inlet(rtcpMux: false)
        let rtcp = try #require(transport.rtcpTuple)
        #expect((40_000...49_999).contains(transport.tuple.localPort))
        #expect((40_000...49_999).contains(rtcp.localPort))
        // RFC 3550 §11: tools that are told one port reckon the other.
        #expect(transport.tuple.localPort % 2 == 0 && rtcp.localPort == transport.tuple.localPort + 1)
        #expect(transport.tuple.localAddress == "media.example.org")
        #expect(rtcp.localAddress == "media.example.org")
        #expect(transport.tuple.remoteIP == nil)
        #expect(stage.core.portFigures.used == 2)
        await stage.core.close(transport.id)
        await stage.core.close(transport.id)
        #expect(stage.core.portFigures.used == 0)
        await stage.core.shutDown()
    }

    @Test func `a range that is used up refuses, and takes new transports when old ones have closed`() async throws {
        let low = UInt16.random(in: 20_000...29_000)
        let stage = try await Stage(MediaPlaneConfiguration(portRange: low...low + 4))
        var transports: [TransportID] = []
        var refusal: MediaCoreError?
        while refusal == nil, transports.count < 10 {
            do { transports.append(try await stage.inlet(rtcpMux: false).id) } catch let error as MediaCoreError {
                refusal = error
            }
        }
        #expect(refusal?.code == .exhausted)
        #expect(refusal?.message.contains("\(low)-\(low + 4)") == true)
        // A half-made transport has given its first port back.
        #expect(stage.core.portFigures.used == transports.count * 2)
        if let first = transports.first {
            await stage.core.close(first)
            _ = try await stage.inlet(rtcpMux: false)
        }
        await stage.core.shutDown()
    }

    @Test func `transports that come and go leave no descriptor and no thread behind`() async {
        // In a process of its own: other tests open and close descriptors meanwhile.
        await #expect(processExitsWith: .success) {
            let before = openDescriptors()
            do {
                let stage = try await Stage()
                for _ in 0..<100 {
                    let transport = try await stage.inlet(rtcpMux: false)
                    _ = try await stage.produceAudio(on: transport.id, ssrc: 1)
                    await stage.core.close(transport.id)
                }
                // These close with their router, and with the core.
                for _ in 0..<50 { _ = try await stage.inlet(rtcpMux: false) }
                await stage.core.close(stage.router.id)
                let other = try await stage.core.createRouter(mediaCodecs: nil)
                for _ in 0..<50 {
                    _ = try await stage.core.createPlainTransport(on: other.id, PlainTransportOptions())
                }
                #expect(stage.core.portFigures.used == 50)
                await stage.core.shutDown()
            }
            // Swift's own runtime opens three some time.
            #expect(await eventually { openDescriptors() <= before + 3 })
            #expect(await eventually { threads(named: "ladle-media-0") == 0 })
        }
    }

    @Test func `a core that is dropped ends its thread`() async {
        await #expect(processExitsWith: .success) {
            let before = openDescriptors()
            for _ in 0..<10 {
                let stage = try await Stage()
                _ = try await stage.inlet()
            }
            #expect(await eventually { threads(named: "ladle-media-0") == 0 && openDescriptors() <= before + 3 })
        }
    }

    @Test func `after the shut-down commands are refused and events end`() async throws {
        let stage = try await Stage()
        let transport = try await stage.inlet()
        await stage.core.shutDown()
        await stage.core.shutDown()
        await stage.core.close(transport.id)
        await #expect {
            _ = try await stage.inlet()
        } throws: { error in
            (error as? MediaCoreError)?.message == "the media core has been shut down"
        }
        for await _ in stage.core.events {}
    }

    @Test
    func `an unknown SRTP suite is refused in mediasoup's words, and neither it nor an unknown router costs a port`()
        async throws
    {
        let stage = try await Stage()
        await #expect {
            _ = try await stage.core.createPlainTransport(
                on: stage.router.id, PlainTransportOptions(enableSRTP: true, srtpCryptoSuite: "FOO"))
        } throws: { error in
            "\(error)" == "TypeError: invalid SrtpCryptoSuite: FOO"
        }
        await #expect {
            _ = try await stage.core.createPlainTransport(
                on: RouterID(rawValue: "nobody"), PlainTransportOptions(rtcpMux: false))
        } throws: { error in
            (error as? MediaCoreError)?.code == .notFound
        }
        #expect(stage.core.portFigures.used == 0)
        await stage.core.shutDown()
    }

    @Test func `closing tells those it concerns, and not who was closed`() async throws {
        let stage = try await Stage()
        let sink = try TestSocket()
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 1111)
        let outlet = try await stage.outlet(to: sink.address.port)
        let consumer = try await stage.consume(producer.id, on: outlet.id)
        await stage.core.close(producer.id)
        await stage.core.close(stage.router.id)
        await stage.core.shutDown()
        var events: [MediaCoreEvent] = []
        for await event in stage.core.events { events.append(event) }
        #expect(events.contains(.consumerClosed(consumer.id, .producerClosed)))
        #expect(!events.contains(.producerClosed(producer.id)))
        #expect(events.filter { $0 == .transportClosed(inlet.id) }.count == 1)
        #expect(events.filter { $0 == .transportClosed(outlet.id) }.count == 1)
    }

    @Test(
        arguments: [
            (
                MediaPlaneConfiguration(listenIP: "localhost"),
                "TypeError: listenIP: 'localhost' is not a literal IPv4 or IPv6 address"
            ),
            (MediaPlaneConfiguration(workers: 0), "TypeError: workers: '0' is not 1 to 64 workers"),
            (
                MediaPlaneConfiguration(portQuarantine: .seconds(-1)),
                "TypeError: portQuarantine: '-1.0 seconds' is not 0 to 3600 seconds"
            ),
            (MediaPlaneConfiguration(portRange: 0...10), "TypeError: portRange: '0-10' is not ports 1-65535"),
            (
                MediaPlaneConfiguration(gopCacheBytes: 5),
                "TypeError: gopCacheBytes: '5' is not 65536 to 1073741824 bytes"
            ),
            (
                MediaPlaneConfiguration(announcedAddress: "a b"),
                "TypeError: announcedAddress: 'a b' is not an address or host name"
            ),
        ])
    func `a wrong setting is named`(configuration: MediaPlaneConfiguration, message: String) {
        #expect {
            _ = try EmbeddedCore(configuration)
        } throws: {
            "\($0)" == message
        }
    }
}
