/// Where the search begins: recorded conversations and golden JSON from Tests/Vectors, cut up as each target wants them.
extension FuzzTarget {
    /// - Parameter file: The bytes of a file by its path below Tests/Vectors.
    public func seeds(from file: (String) throws -> [UInt8]) throws -> [[UInt8]] {
        switch self {
        case .rtpHeader: try Self.captures.flatMap { Self.datagrams(try file($0)) }
        case .vp8: try ["rtp/vp8-ffmpeg.rtp4571", "rtp/vp8-gst.rtp4571"].map(file)
        case .vp9: try ["rtp/vp9-ffmpeg.rtp4571", "rtp/vp9-gst.rtp4571"].map(file)
        case .h264: try ["rtp/h264-ffmpeg.rtp4571", "rtp/h264-gst.rtp4571"].map(file)
        case .h265: Self.h265Payloads
        case .dependencyDescriptor: Self.dependencyDescriptors
        case .opus: try ["rtp/opus-ffmpeg.rtp4571", "rtp/opus-gst.rtp4571"].map(file)
        case .rtcp:
            try ["rtcp/sr-sdes-ffmpeg.bin", "rtcp/sr-sdes-bye-gst.bin"].map(file) + Self.writtenRTCP
        case .ortc:
            try ["ortc/router-capabilities-standard.json", "mediasoup-3.14.16/router-capabilities-demo.json"].map(file)
                + Self.requests
        case .sdp: try Self.offers.map { try file("sdp/offers/\($0).sdp") } + [Self.fragment]
        case .protoo: ProtooSeeds.all
        case .srtp: Self.conversations
        case .stun: STUNSeeds.all
        case .dtls: Self.dtlsScripts
        case .sctp: SCTPSeeds.all
        case .engine: try Self.scripts(file)
        }
    }

    /// Scripts for the engine: each track plays a capture of its codec, or bytes of any kind; receivers report, ask for
    /// packets and key frames, and change their layers in between.
    private static func scripts(_ file: (String) throws -> [UInt8]) throws -> [[UInt8]] {
        let sources: [(tracks: [UInt8], capture: String)] = [
            ([0, 1, 2], "rtp/vp8-gst.rtp4571"), ([3], "rtp/vp9-gst.rtp4571"), ([4], "rtp/vp9-gst.rtp4571"),
            ([5], "rtp/h264-gst.rtp4571"), ([6], "rtp/opus-ffmpeg.rtp4571"),
        ]
        return try sources.map { tracks, capture in
            var script: [UInt8] = []
            for (number, datagram) in datagrams(try file(capture)).prefix(24).enumerated() {
                let payload = datagram.dropFirst(12).prefix(400)
                for track in tracks {
                    // Names and send times every time, the content's extension not: its bytes are the fuzzer's to find.
                    let flags: UInt8 = 2 | 4 | (datagram[1] & 0x80) >> 7
                    script += [1, track, flags, number % 7 == 6 ? 2 : 1, UInt8(number % 2 * 8), 0, UInt8(number), 0]
                    script += [0, UInt8(number), UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)] + payload
                }
                let (step, receiver) = (UInt8(number), UInt8(2 + number % 4))
                script += [3, 20, 2, receiver, step % 8, step &* 5, 3, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8]
                if number % 4 == 3 { script += [4, 4 + step % 8, step, step, step &* 9, 1, 0] }
            }
            return script
        }
    }

    private static let captures = [
        "rtp/vp8-gst.rtp4571", "rtp/vp9-gst.rtp4571", "rtp/h264-gst.rtp4571", "rtp/opus-ffmpeg.rtp4571",
    ]

    private static let offers = [
        "chromium-simulcast", "chromium-recvonly-and-data", "chromium-screen-vp9-svc", "firefox-simulcast",
        "firefox-recvonly-audio-video", "gstreamer-sendonly-h264", "gstreamer-recvonly-audio-video",
    ]

    private static let fragment = Array(
        """
        a=ice-ufrag:EsAw
        a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
        m=audio 9 RTP/AVP 0
        a=mid:0
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host
        a=end-of-candidates

        """.utf8)

    private static func datagrams(_ bytes: [UInt8]) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        var offset = 0
        while offset + 2 <= bytes.count {
            let end = min(bytes.count, offset + 2 + Int(bytes[offset]) << 8 + Int(bytes[offset + 1]))
            datagrams.append(Array(bytes[offset + 2..<end]))
            offset = end
        }
        return datagrams
    }

    /// For each suite: a packet of ours that comes back, the same changed, RTCP of ours, and two that nobody protected.
    private static let conversations: [[UInt8]] = (0..<4).map { suite in
        let rtp: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4]
        let rtcp: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 7]
        func step(_ what: UInt8, _ change: UInt8, _ packet: [UInt8]) -> [UInt8] {
            [what, change, 0, UInt8(packet.count)] + packet
        }
        return [UInt8(suite)] + step(2, 0, rtp) + step(2, 3, rtp) + step(2, 0x85, rtp) + step(3, 0, rtcp)
            + step(0, 0, rtp + [UInt8](repeating: 9, count: 16)) + step(1, 0, rtcp + [UInt8](repeating: 9, count: 20))
    }

    /// One of each kind that captures lack.
    private static let writtenRTCP: [[UInt8]] = [
        // Receiver report with a block; XR with receiver reference time and DLRR (RFC 3611).
        [0x81, 201, 0, 7] + [UInt8](repeating: 3, count: 28),
        [0x80, 207, 0, 8, 0, 0, 0, 1, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 5, 0, 0, 3]
            + [UInt8](repeating: 9, count: 12),
        // Generic NACK of two items, transport-wide feedback (RFC 4585; draft-holmer-rmcat-transport-wide-cc).
        [0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0x80, 1, 0xFF, 0xFF, 0xFF, 0xFF],
        [0x8F, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 3, 0, 0, 1, 5, 0x20, 3, 4, 4],
        // PLI, FIR of one item, REMB of one source.
        [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
        [0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 5, 0, 0, 0],
        [0x8F, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0x52, 0x45, 0x4D, 0x42, 1, 0x0A, 0xFF, 0xFF, 0, 0, 0, 2],
        // BYE of two sources with a reason, then an application packet with padding.
        [
            0x82, 203, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 3, 0x62, 0x79, 0x65, 0xA0, 204, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
            0, 4,
        ],
    ]

    private static let requests: [[UInt8]] = [
        #"""
        {"kind":"video","rtpParameters":{"mid":"0","codecs":[{"mimeType":"video/VP8","payloadType":96,"clockRate":90000,
        "rtcpFeedback":[{"type":"nack"},{"type":"nack","parameter":"pli"}]},{"mimeType":"video/rtx","payloadType":97,
        "clockRate":90000,"parameters":{"apt":96}}],"headerExtensions":[{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid",
        "id":1}],"encodings":[{"rid":"r0","scalabilityMode":"L1T3"},{"rid":"r1","dtx":true,"maxBitrate":900000}],
        "rtcp":{"cname":"x","reducedSize":true}}}
        """#,
        #"""
        {"kind":"audio","rtpParameters":{"codecs":[{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,
        "channels":2,"parameters":{"useinbandfec":1,"stereo":"1"}}],"encodings":[{"ssrc":1111,"rtx":{"ssrc":1112}}]},
        "rtpCapabilities":{"codecs":[{"kind":"audio","mimeType":"audio/opus","preferredPayloadType":100,
        "clockRate":48000,"channels":2}],"headerExtensions":[]}}
        """#,
        #"""
        {"mediaCodecs":[{"kind":"video","mimeType":"video/H264","clockRate":90000,"parameters":{"packetization-mode":1,
        "profile-level-id":"42e01f","level-asymmetry-allowed":1}}],"kind":"video","rtpParameters":{"codecs":[
        {"mimeType":"video/h264","payloadType":103,"clockRate":90000,"parameters":{"packetization-mode":1,
        "profile-level-id":"42e02a"}}],"encodings":[{"ssrc":7,"scalabilityMode":"S2T3h"}]},
        "profile-level-id":"640c1f","scalabilityMode":"L3T3_KEY"}
        """#,
    ].map { Array($0.utf8) }
}
