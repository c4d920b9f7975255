import SDP
import Testing

@Suite struct TrickleICEFragmentTests {
    /// RFC 8840 §9.2 and RFC 9725 §4.3.2, of one transport.
    static let candidates = """
        a=group:BUNDLE 0 1
        m=audio 9 UDP/TLS/RTP/SAVPF 111
        a=mid:0
        a=ice-ufrag:EsAw
        a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
        a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ srflx raddr 192.0.2.1 rport 61764
        a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0
        a=end-of-candidates

        """

    @Test func `a fragment is read, and written again it is the same`() throws {
        let fragment = try TrickleICEFragment(parsing: Self.candidates)
        #expect(fragment.credentials?.usernameFragment == "EsAw")
        #expect(fragment.groups == [MediaGroup(.bundle, mids: ["0", "1"])])
        let section = try #require(fragment.media.first)
        #expect(section.mid == "0")
        #expect(section.endsCandidates)
        #expect(section.candidates.map(\.type) == ["host", "srflx", "host"])
        #expect(section.candidates[1].relatedAddress == "192.0.2.1")
        #expect(section.candidates[1].relatedPort == 61_764)
        #expect(section.candidates[2].tcpType == "active")
        #expect(section.candidates[0].extensions.contains(FormatParameter("ufrag", "EsAw")))
        #expect(try TrickleICEFragment(parsing: fragment.text) == fragment)
    }

    @Test func `candidates of the whole session may stand before the sections`() throws {
        let fragment = try TrickleICEFragment(
            parsing: "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuv\na=candidate:1 1 UDP 5 x.local 9 typ host\n")
        #expect(fragment.credentials?.password == "abcdefghijklmnopqrstuv")
        #expect(fragment.candidates.first?.transport == "udp")
        #expect(fragment.media.isEmpty)
    }

    @Test func `a whole description is no fragment`() {
        let error = #expect(throws: SDPParseError.self) {
            _ = try TrickleICEFragment(parsing: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n")
        }
        #expect(error?.description == "SDP line 1 \"v=0\": expected an m= or a= line, as fragments have")
    }
}
