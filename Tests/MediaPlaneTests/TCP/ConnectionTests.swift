import Base
import MediaCore
import MediaPlane
import Testing

/// One port for all, chosen by the system.
func webRTCConfiguration(_ addresses: [ListenAddress] = []) -> MediaPlaneConfiguration {
    var configuration = MediaPlaneConfiguration(workers: 1)
    configuration.webRTCPort = 0
    // A busy machine may take long between a connection and its first check.
    configuration.strangerPatience = patience
    configuration.webRTCAddresses = addresses
    return configuration
}

@Suite struct ConnectionTests {
    private let payload = [UInt8](repeating: 7, count: 1000)

    private func connections(_ stage: Stage) async -> Int {
        await stage.core.measurements(within: patience).reduce(0) { $0 + ($1?.connections ?? 0) }
    }

    @Test func `media pass from one client to another, both over TCP`() async throws {
        let stage = try await Stage(webRTCConfiguration())
        let publisher = try await TCPPeer(stage)
        try await publisher.connect(stage)
        let producer = try await stage.produceAudio(on: publisher.transport.id, ssrc: 5)
        let viewer = try await TCPPeer(stage)
        try await viewer.connect(stage)
        _ = try await stage.consume(producer.id, on: viewer.transport.id)
        for number in 1...50 as ClosedRange<UInt16> {
            try publisher.sendRTP(rtpPacket(ssrc: 5, sequence: number, payload: [UInt8(number)] + payload))
        }
        for number in 1...50 as ClosedRange<UInt8> {
            let packet = try #require(try viewer.receiveRTP())
            #expect(packet.payload.first == number && packet.payload.dropFirst().elementsEqual(payload))
        }
        #expect(await stage.core.counters().overflowed == 0)
        await stage.core.shutDown()
    }

    @Test func `a client that stops reading loses its own packets, whole ones, and nobody else's`() async throws {
        let stage = try await Stage(webRTCConfiguration())
        let inlet = try await stage.inlet()
        let producer = try await stage.produceAudio(on: inlet.id, ssrc: 9)
        let (slow, quick) = (try await TCPPeer(stage, receiveBuffer: 4096), try await TCPPeer(stage))
        for viewer in [slow, quick] {
            try await viewer.connect(stage)
            _ = try await stage.consume(producer.id, on: viewer.transport.id)
        }
        let source = try TestSocket()
        var sequence: UInt16 = 0
        func send() throws -> UInt16 {
            sequence += 1
            source.send(rtpPacket(ssrc: 9, sequence: sequence, payload: payload), to: inlet.tuple.localPort)
            return sequence
        }
        var last: UInt16?
        for _ in 0..<900 {
            _ = try send()
            let packet = try #require(try quick.receiveRTP())
            if let last { #expect(packet.sequence == last &+ 1) }
            last = packet.sequence
        }
        let lost = await stage.core.counters().overflowed
        #expect(lost > 0)
        // What it gets is in order and in one piece; behind the gap it goes on.
        let first = try #require(try slow.receiveRTP()).sequence
        var (received, offset) = (1, UInt16(0))
        func next() throws {
            let packet = try #require(try slow.receiveRTP())
            #expect(packet.payload.elementsEqual(payload) && packet.sequence &- first > offset)
            offset = packet.sequence &- first
            received += 1
        }
        while received < 900 - Int(lost) { try next() }
        _ = try send()
        while offset < 900 { try next() }
        #expect(received < 900)
        await stage.core.shutDown()
    }

    @Test func `a frame in pieces is one, and several at once are several`() async throws {
        let stage = try await Stage(webRTCConfiguration())
        let peer = try await TCPPeer(stage)
        for byte in TCPClient.frame(try peer.check()) { peer.client.sendRaw([byte]) }
        #expect(peer.client.receive()?.first == 1)
        peer.client.sendRaw(
            TCPClient.frame(try peer.check()) + [0, 0] + TCPClient.frame(try peer.check()) + [0])
        #expect(peer.client.receive()?.first == 1 && peer.client.receive()?.first == 1)
        await stage.core.shutDown()
    }

    @Test(arguments: [
        Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), [0x16, 0x03, 0x01, 0x02, 0x00, 0x01], [0xFF, 0xFF],
        TCPClient.frame([1, 2, 3, 4]), TCPClient.frame([0x80, 111] + [UInt8](repeating: 0, count: 30)),
    ])
    func `what is no client is closed at once`(_ bytes: [UInt8]) async throws {
        let stage = try await Stage(webRTCConfiguration())
        let peer = try await TCPPeer(stage)
        peer.client.sendRaw(bytes)
        #expect(peer.client.isClosedByServer())
        #expect(await connections(stage) == 0)
        await stage.core.shutDown()
    }

    @Test func `a check of a name that nobody has closes, a wrong password is refused and its connection closed later`()
        async throws
    {
        var configuration = webRTCConfiguration()
        configuration.strangerPatience = .milliseconds(300)
        let stage = try await Stage(configuration)
        let (stranger, guesser, silent, friend) = (
            try await TCPPeer(stage), try await TCPPeer(stage), try await TCPPeer(stage), try await TCPPeer(stage)
        )
        try friend.arrive()
        stranger.client.send(try stranger.check(name: "nobody"))
        #expect(stranger.client.isClosedByServer())
        guesser.client.send(try guesser.check(password: "a guess of many letters"))
        // An error response to Binding.
        #expect(guesser.client.receive().map { Array($0.prefix(2)) } == [1, 0x11])
        #expect(guesser.client.isClosedByServer())
        silent.client.sendRaw([0, 200, 0])
        #expect(silent.client.isClosedByServer())
        try friend.arrive()
        await stage.core.shutDown()
    }

    @Test func `a connection that ends takes its client's way along`() async throws {
        let stage = try await Stage(webRTCConfiguration())
        let events = EventLog(stage.core)
        let id: TransportID
        do {
            let peer = try await TCPPeer(stage)
            id = peer.transport.id
            try await peer.connect(stage)
            #expect(await events.has(.iceState(id, .completed)))
        }
        #expect(await events.has(.iceState(id, .disconnected)))
        #expect(await connections(stage) == 0)
        await stage.core.shutDown()
    }

    @Test func `of too many strangers the oldest gives way`() async throws {
        let stage = try await Stage(webRTCConfiguration())
        let first = try await TCPPeer(stage)
        let port = try #require(first.transport.iceCandidates.first { $0.transportProtocol == .tcp }).port
        var others: [TCPClient] = []
        for _ in 0..<128 { others.append(try TCPClient(to: port)) }
        #expect(first.client.isClosedByServer())
        let friend = try await TCPPeer(stage)
        try friend.arrive()
        #expect(await connections(stage) <= 129)
        await stage.core.shutDown()
        #expect(friend.client.isClosedByServer())
    }

    @Test func `nothing is left over when the core ends`() async throws {
        // In a process of its own: the other tests open and close descriptors meanwhile.
        await #expect(processExitsWith: .success) {
            let before = openDescriptors()
            for _ in 0..<5 {
                let stage = try await Stage(webRTCConfiguration())
                let peer = try await TCPPeer(stage)
                try await peer.connect(stage)
                await stage.core.shutDown()
                #expect(peer.client.isClosedByServer())
            }
            // Swift's own runtime opens three some time; each core left behind would be six.
            #expect(await eventually { openDescriptors() <= before + 3 })
        }
    }
}
