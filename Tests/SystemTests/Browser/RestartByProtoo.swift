import Base
import Foundation
import Testing

extension AllSystemTests.Pages {
    /// Nothing between the browser's own connection and the gateway's messages: what mediasoup-client does, by hand.
    @Test func `ICE begins anew by protoo, and the picture goes on`() async throws {
        let daemon = try await Daemon()
        let driver = try await WebDriver()
        let peer = try await driver.open()
        let viewer = try await driver.open()
        try await peer.go("\(daemon.url)/rooms/anew/publish")
        try await peer.run(Self.peer)
        try await viewer.go("\(daemon.url)/rooms/anew/watch")
        try await viewer.eventually("the picture", Self.pictureGrows)
        let before = try await peer.run("\(Self.way) return way(peer);")
        for _ in 0..<2 {
            let told = try await peer.run("return await peer.restart()")
            let after = try await peer.eventually(
                "a way under the new credentials",
                """
                \(Self.way)
                const now = await way(peer);
                return now.theirs === '\(told.stringValue ?? "")' && now.state === 'connected' && now;
                """)
            #expect(after["fragment"] != before["fragment"] && after["theirs"] != before["theirs"], "\(after.text)")
            try await viewer.eventually("the picture", Self.pictureGrows)
        }
        #expect(try await peer.run("return peer.closed") == .null)
        try await driver.stop()
        try await daemon.stop()
    }

    private static let peer = """
        const socket = new WebSocket(`ws://${location.host}/?roomId=anew&peerId=raw`, 'protoo');
        const waiting = new Map();
        socket.onmessage = ({ data }) => {
            const { response, id, ok, data: result, errorReason } = JSON.parse(data);
            if (response) waiting.get(id)(ok ? result : Promise.reject(new Error(errorReason)));
        };
        socket.onclose = ({ code, reason }) => { peer.closed = `${code} ${reason}`; };
        const ask = (method, data = {}) => new Promise((done) => {
            const id = waiting.size + 1;
            waiting.set(id, done);
            socket.send(JSON.stringify({ request: true, id, method, data }));
        });
        await new Promise((done, fail) => { [socket.onopen, socket.onerror] = [done, fail]; });

        const capabilities = await ask('getRouterRtpCapabilities');
        const transport = await ask('createWebRtcTransport', { forceTcp: false, producing: true, consuming: false });
        await ask('join', {
            displayName: 'raw', device: { flag: 'chrome', name: 'Chrome', version: '1' }, rtpCapabilities: capabilities,
        });
        const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
        const camera = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 360 } });
        const transceiver = pc.addTransceiver(camera.getVideoTracks()[0], { direction: 'sendonly' });
        const vp8 = RTCRtpSender.getCapabilities('video').codecs.filter(({ mimeType }) => mimeType === 'video/VP8');
        transceiver.setCodecPreferences(vp8);
        await pc.setLocalDescription();
        const offer = pc.localDescription.sdp;
        const [, payloadType] = offer.match(/^a=rtpmap:(\\d+) VP8/m);
        const [, ssrc, cname] = offer.match(/^a=ssrc:(\\d+) cname:(\\S+)/m);
        const [, hash, value] = offer.match(/^a=fingerprint:(\\S+) (\\S+)/m);

        const answer = ({ usernameFragment, password }) => ({
            type: 'answer',
            sdp: [
                'v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=ice-lite', 'a=group:BUNDLE 0',
                `m=video 9 UDP/TLS/RTP/SAVPF ${payloadType}`, 'c=IN IP4 127.0.0.1', 'a=mid:0', 'a=recvonly', 'a=rtcp-mux',
                `a=rtpmap:${payloadType} VP8/90000`, `a=rtcp-fb:${payloadType} nack`, `a=rtcp-fb:${payloadType} nack pli`,
                `a=ice-ufrag:${usernameFragment}`, `a=ice-pwd:${password}`, 'a=setup:passive',
                ...transport.dtlsParameters.fingerprints.map(({ algorithm, value }) => `a=fingerprint:${algorithm} ${value}`),
                ...transport.iceCandidates.map(({ foundation, protocol, priority, ip, port, tcpType }) =>
                    `a=candidate:${foundation} 1 ${protocol} ${priority} ${ip} ${port} typ host`
                        + (tcpType ? ` tcptype ${tcpType}` : '')),
                'a=end-of-candidates', '',
            ].join('\\r\\n'),
        });
        const feedback = [{ type: 'nack', parameter: '' }, { type: 'nack', parameter: 'pli' }];
        globalThis.peer = {
            pc, closed: null,
            restart: async () => {
                const parameters = await ask('restartIce', { transportId: transport.id });
                await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
                await pc.setRemoteDescription(answer(parameters));
                return parameters.usernameFragment;
            },
        };
        await ask('connectWebRtcTransport', {
            transportId: transport.id, dtlsParameters: { role: 'client', fingerprints: [{ algorithm: hash, value }] },
        });
        await pc.setRemoteDescription(answer(transport.iceParameters));
        await ask('produce', {
            transportId: transport.id, kind: 'video', appData: {},
            rtpParameters: {
                mid: '0', headerExtensions: [], encodings: [{ ssrc: Number(ssrc) }], rtcp: { cname },
                codecs: [{ mimeType: 'video/VP8', payloadType: Number(payloadType), clockRate: 90000, rtcpFeedback: feedback }],
            },
        });
        """
}
