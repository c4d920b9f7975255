import Base
import DTLS
import ORTC
import SCTP
import SFU
import TestSupport
import Testing

private let client = Stage.address("203.0.113.5", 7000)

/// Data channels over a bad network, from the first check on.
@Suite(.sctpTurn) struct WebRTCDataNetworkTests {
    private func path(_ role: DTLSRole, seed: UInt64 = 1, loss: Double = 0, disorder: Double = 0) throws -> WebRTCPath {
        try WebRTCPath(
            Stage(), at: client, role: role, seed: seed, loss: loss, duplication: disorder, reordering: disorder,
            hasChannels: true)
    }

    private func isOpen(_ path: WebRTCPath) -> Bool {
        path.channels?.state == .connected && path.stage.sctpState("t") == .connected
    }

    /// Messages come back in order, and each once.
    private func expectEcho(_ path: WebRTCPath, _ comment: Comment) throws {
        let channels = try #require(path.channels)
        try path.stage.produceData("up", on: "t", stream: try SCTPStreamParameters(streamID: 0))
        try path.stage.consumeData("back", on: "t", of: "up")
        let texts = (0..<20).map { "message \($0)" }
        for text in texts {
            try channels.send(text, stream: 0)
            try path.pass(.milliseconds(20))
        }
        try path.pass(.seconds(60)) { channels.messages.count >= texts.count }
        try path.pass(.milliseconds(100))
        #expect(channels.messages.map { String(decoding: $0.payload, as: UTF8.self) } == texts, comment)
        #expect(channels.states == [.connecting, .connected], comment)
    }

    @Test(arguments: [DTLSRole.client, .server])
    func `whichever one datagram is lost until the channels are open, they open`(role: DTLSRole) throws {
        let whole = try path(role)
        try whole.pass(.seconds(5)) { isOpen(whole) }
        #expect(isOpen(whole))
        let count = whole.carried
        // A check, the handshake of DTLS and that of SCTP, with their answers.
        #expect(10...40 ~= count)
        for lost in 0..<count {
            let path = try path(role)
            path.isLost = { $0 == lost }
            try path.pass(.seconds(30)) { isOpen(path) }
            #expect(isOpen(path), "without datagram \(lost): \(path.dtlsStates)")
            if lost % 4 == 0 { try expectEcho(path, "without datagram \(lost)") }
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>, [DTLSRole.client, .server])
    func `a network that loses, doubles and reorders delays messages, and does no more`(seed: UInt64, role: DTLSRole)
        throws
    {
        let path = try path(role, seed: seed, loss: 0.1, disorder: 0.15)
        try path.pass(.seconds(60)) { isOpen(path) }
        #expect(isOpen(path), "seed \(seed): \(path.dtlsStates)")
        try expectEcho(path, "seed \(seed)")
    }

    @Test func `what somebody sends again is heard once`() throws {
        let path = try path(.client)
        try path.pass(.seconds(5)) { isOpen(path) }
        _ = try path.stage.direct("direct")
        try path.stage.produceData("up", on: "t", stream: try SCTPStreamParameters(streamID: 0))
        try path.stage.consumeData("ear", on: "direct", of: "up")
        _ = path.stage.heard()
        let channels = try #require(path.channels)
        try channels.send("once", stream: 0)
        let packet = try #require(channels.outgoing.first)
        try path.peer.sendData(packet)
        let datagram = try #require(path.peer.outgoing.last)
        for _ in 0..<5 { path.stage.feed(datagram, on: Stage.shared.socket, from: client) }
        #expect(path.stage.heard()["ear"]?.count == 1)
        // Nor does a stranger's copy get anywhere.
        let stray = path.stage.strayCount
        path.stage.feed(datagram, on: Stage.shared.socket, from: Stage.address("192.0.2.66", 1))
        #expect(path.stage.strayCount == stray + 1)
    }
}
