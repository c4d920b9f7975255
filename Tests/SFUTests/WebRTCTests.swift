import Base
import DTLS
import ICE
import ORTC
import RTP
import SFU
import TestSupport
import Testing

private let sender = Stage.address("203.0.113.5", 7000)
private let viewer = Stage.address("203.0.113.6", 7001)

@Suite struct WebRTCTests {
    @Test(arguments: [DTLSRole.client, .server])
    func `media pass from one client to another over the worker's one socket`(_ role: DTLSRole) throws {
        let stage = try Stage()
        let (source, publisher) = try stage.connected("in", at: sender, peerRole: role)
        #expect(publisher.isSecure)
        #expect(
            story(stage.takeEvents()) == [
                "selected 7000", "ice completed", "dtls connecting", "dtls connected",
            ])
        let (sink, watcher) = try stage.connected("out", at: viewer, peerRole: role)
        #expect(watcher.isSecure)
        try stage.produce("video", on: source, Parameters.vp8())
        try stage.consume("c", on: sink, of: "video")
        var track = VideoTrack()
        for number in 0..<20 {
            for packet in try track.frame(isKeyFrame: number == 0, packets: 2) {
                publisher.outgoing.append(try publisher.protect(packet))
            }
            try stage.exchange([publisher, watcher])
            stage.pass(.milliseconds(33))
            try stage.exchange([publisher, watcher])
        }
        let media = watcher.received.filter { !Sent.isRTCP($0) }
        #expect(media.count == 40)
        #expect(publisher.received.contains { Sent.isRTCP($0) }, "receiver reports go back")
        #expect(watcher.received.contains { Sent.isRTCP($0) }, "sender reports go along")
    }

    @Test func `a check that is quicker than signaling starts the handshake, which waits for the fingerprint`() throws {
        let stage = try Stage()
        let state = try stage.webRTC("in")
        let peer = try WebRTCPeer(sender)
        peer.outgoing.append(try peer.check(state))
        try stage.exchange([peer])
        try peer.start(.client, expecting: try #require(state.fingerprints.last), now: stage.now)
        try stage.exchange([peer])
        #expect(peer.isSecure)
        #expect(story(stage.takeEvents()).last == "dtls connecting")
        _ = try stage.engine.connectWebRTC(
            state.id, role: .client, fingerprint: peer.fingerprint, now: stage.now, into: &stage.outbox)
        stage.collect()
        #expect(story(stage.takeEvents()) == ["dtls connected"])
    }

    @Test func `somebody else's certificate is refused with a reason`() throws {
        let stage = try Stage()
        let state = try stage.webRTC("in")
        let peer = try WebRTCPeer(sender)
        let other = try WebRTCPeer(viewer)
        _ = try stage.engine.connectWebRTC(
            state.id, role: .client, fingerprint: other.fingerprint, now: stage.now, into: &stage.outbox)
        peer.outgoing.append(try peer.check(state))
        try stage.exchange([peer])
        try peer.start(.client, expecting: try #require(state.fingerprints.last), now: stage.now)
        try stage.exchange([peer])
        let failures = stage.takeEvents().compactMap { event -> String? in
            if case .dtlsState(_, .failed(let reason)) = event { reason } else { nil }
        }
        #expect(failures.count == 1)
        #expect(failures.first?.contains("fingerprint") == true)
    }

    @Test func `without consent the client is gone, and it is back with a key frame`() throws {
        let stage = try Stage()
        let source = try stage.transport("in")
        try stage.produce("video", on: source, Parameters.vp8())
        let state = try stage.webRTC("out")
        let watcher = try WebRTCPeer(viewer)
        _ = try stage.engine.connectWebRTC(
            state.id, role: .client, fingerprint: watcher.fingerprint, now: stage.now, into: &stage.outbox)
        watcher.outgoing.append(try watcher.check(state))
        try stage.exchange([watcher])
        try watcher.start(.client, expecting: try #require(state.fingerprints.last), now: stage.now)
        try stage.exchange([watcher])
        let sink = try stage.port(of: state)
        try stage.consume("c", on: sink, of: "video")
        var track = VideoTrack()
        for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
        try stage.exchange([watcher])
        #expect(watcher.received.filter { !Sent.isRTCP($0) }.count == 1)
        stage.pass(.seconds(31))
        #expect(story(stage.takeEvents()).last == "ice disconnected")
        for packet in try track.frame() { stage.feed(packet, on: source.rtp) }
        try stage.exchange([watcher])
        #expect(watcher.received.filter { !Sent.isRTCP($0) }.count == 1, "nothing goes where nobody is")

        watcher.outgoing.append(try watcher.check(state))
        try stage.exchange([watcher])
        #expect(story(stage.takeEvents()) == ["selected 7001", "ice completed"])
        for packet in try track.frame(isKeyFrame: true) { stage.feed(packet, on: source.rtp) }
        try stage.exchange([watcher])
        stage.pass(.milliseconds(50))
        try stage.exchange([watcher])
        #expect(watcher.received.filter { !Sent.isRTCP($0) }.count >= 2)
    }

    @Test func `a goodbye of the client closes DTLS, and closing a transport says goodbye`() throws {
        let stage = try Stage()
        let (_, peer) = try stage.connected("a", at: sender)
        _ = stage.takeEvents()
        try peer.close()
        try stage.exchange([peer])
        #expect(story(stage.takeEvents()) == ["dtls closed"])

        let (port, other) = try stage.connected("b", at: viewer)
        stage.engine.close(port.id, now: stage.now, into: &stage.outbox)
        try stage.exchange([other])
        #expect(other.stateName == "closed")
        let before = stage.strayCount
        stage.feed(
            try other.protect(
                try Packets.rtp(
                    payloadType: 96, sequence: 1, timestamp: 1, ssrc: 1, payload: [0])), on: Stage.shared.socket,
            from: viewer)
        #expect(stage.strayCount == before + 1)
    }

    @Test func `errors are mediasoup's`() throws {
        let stage = try Stage()
        let state = try stage.webRTC("in")
        let peer = try WebRTCPeer(sender)
        _ = try stage.engine.connectWebRTC(
            state.id, role: .auto, fingerprint: peer.fingerprint, now: stage.now, into: &stage.outbox)
        #expect(throws: SFUError(.conflict, "connect() already called [method:webRtcTransport.connect]")) {
            _ = try stage.engine.connectWebRTC(
                state.id, role: .auto, fingerprint: peer.fingerprint, now: stage.now, into: &stage.outbox)
        }
    }
}
