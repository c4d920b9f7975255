import Base
import ORTC
import SFU
import SRTP
import Testing

private let remote = Stage.address("198.51.100.7", 6000)

extension Stage {
    fileprivate func pipe(_ name: String, srtp: Bool = false) throws -> Port {
        let id = TransportID(rawValue: name)
        let local = makeEndpoint()
        let tuples = try engine.createPipeTransport(
            PipeTransportSetup(router: Stage.room, id: id, local: local, enableSRTP: srtp), now: now)
        return Port(id: id, rtp: local.socket, rtcp: nil, tuples: tuples)
    }

    fileprivate func connectPipe(_ port: Port, _ parameters: SRTPParameters? = nil, ip: String? = "198.51.100.7") throws
    {
        _ = try engine.connectPipe(
            port.id, ip: ip, port: 6000, srtpParameters: parameters, now: now, into: &outbox)
        collect()
    }

    fileprivate func refusal(_ port: Port, _ parameters: SRTPParameters?, ip: String? = "198.51.100.7") -> String? {
        do {
            try connectPipe(port, parameters, ip: ip)
            return nil
        } catch { return "\(error)" }
    }
}

@Suite struct PipeTransportTests {
    @Test func `it has one port, and no key unless asked for one`() throws {
        let stage = try Stage()
        let pipe = try stage.pipe("p")
        #expect(pipe.tuples.rtp == EndpointTuple(localAddress: "192.0.2.1", localPort: 40_001, remote: nil))
        #expect(pipe.tuples.rtcp == nil)
        #expect(stage.srtpParameters(of: pipe) == nil)
        let own = stage.srtpParameters(of: try stage.pipe("protected", srtp: true))
        #expect(own?.cryptoSuite == "AEAD_AES_256_GCM")
        let key = try SRTPMasterKey(.aeadAES256GCM, base64: own?.keyBase64 ?? "")
        #expect(key.bytes.count == 44)
    }

    @Test func `connect is refused in mediasoup's words, and works once`() throws {
        let stage = try Stage()
        let end = "[method:pipeTransport.connect]"
        let plain = try stage.pipe("plain")
        let right = try SRTPPeer(.aeadAES256GCM).parameters
        let not = stage.refusal(plain, right)
        #expect(not == "TypeError: invalid srtpParameters (SRTP not enabled) \(end)")
        #expect(stage.refusal(plain, nil, ip: nil) == "TypeError: missing ip \(end)")
        #expect(stage.refusal(plain, nil) == nil)
        #expect(stage.refusal(plain, nil) == "Error: connect() already called \(end)")

        let pipe = try stage.pipe("protected", srtp: true)
        let key = stage.srtpParameters(of: pipe)
        #expect(stage.refusal(pipe, nil) == "TypeError: missing srtpParameters (SRTP enabled) \(end)")
        let other = try SRTPPeer(.aeadAES128GCM).parameters
        #expect(
            stage.refusal(pipe, other) == "TypeError: invalid/unsupported srtpParameters.cryptoSuite \(end)")
        let short = SRTPParameters(cryptoSuite: "AEAD_AES_256_GCM", keyBase64: "AAAA")
        #expect(stage.refusal(pipe, short) == "TypeError: invalid decoded SRTP key length \(end)")
        #expect(stage.refusal(pipe, right) == nil)
        #expect(stage.srtpParameters(of: pipe) == key)
        #expect(stage.refusal(pipe, right) == "Error: connect() already called \(end)")
    }

    @Test func `a plain transport is not connected as a pipe`() throws {
        let stage = try Stage()
        let port = try stage.transport("plain", comedia: false)
        #expect(
            stage.refusal(port, nil)
                == "Error: Channel request handler with ID plain not found [method:pipeTransport.connect]")
    }

    @Test(arguments: [false, true])
    func `media come in from the connected side alone`(srtp: Bool) throws {
        let stage = try Stage()
        let pipe = try stage.pipe("p", srtp: srtp)
        let peer = try SRTPPeer(.aeadAES256GCM)
        try stage.produce("audio", on: pipe, Parameters.opus(), kind: .audio)
        try stage.receiver("c", of: "audio", at: 5000)
        func packet(_ sequence: Int) throws -> [UInt8] {
            let plain = try Packets.rtp(payloadType: 100, sequence: sequence, ssrc: 1111, payload: [1, 2, 3])
            return srtp ? try peer.protect(plain) : plain
        }
        // Never comedia.
        stage.feed(try packet(1), on: pipe.rtp, from: remote)
        #expect(srtp ? stage.drops(pipe).noKey == 1 : stage.drops(pipe).notConnected == 1)
        try stage.connectPipe(pipe, srtp ? peer.parameters : nil)
        stage.feed(try packet(2), on: pipe.rtp, from: Stage.source)
        #expect(stage.drops(pipe).foreignSource == 1)
        stage.feed(try packet(3), on: pipe.rtp, from: remote)
        #expect(stage.media(to: 5000).count == 1)
    }

    @Test func `its statistics are a pipe's`() throws {
        let stage = try Stage()
        let pipe = try stage.pipe("p")
        try stage.connectPipe(pipe)
        let stats = try #require(try stage.engine.stats(of: pipe.id, now: stage.now).arrayValue?.first)
        #expect(stats["type"] == "pipe-transport")
        #expect(stats["tuple"]?["remotePort"] == 6000)
        #expect(stats["rtcpMux"] == nil && stats["comedia"] == nil)
    }
}
