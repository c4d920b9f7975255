import Base
import ICE
import TestSupport
import Testing

/// Against the candidates that mediasoup 3.14.16 made.
@Suite struct CandidateTests {
    private static func golden(_ group: String, _ name: String) throws -> [JSONValue] {
        let rows = try #require(try Vectors.json("mediasoup-3.14.16/validation-cases.json").arrayValue)
        let row = try #require(rows.first { $0["group"]?.stringValue == group && $0["name"]?.stringValue == name })
        let list = row["result"]?.arrayValue ?? row["result"]?["iceCandidates"]?.arrayValue
        return try #require(list)
    }

    /// With the ports that the recording had, which are random.
    private static func listens(_ list: [(ICEProtocol, String)], like golden: [JSONValue]) -> [ICEListen] {
        zip(list, golden).map { listen, candidate in
            guard case .integer(let port) = candidate["port"] else {
                return ICEListen(listen.0, address: listen.1, port: 0)
            }
            return ICEListen(listen.0, address: listen.1, port: UInt16(port))
        }
    }

    @Test(arguments: [("{}", Set<ICEProtocol>()), (#"{"preferTcp":true}"#, Set([ICEProtocol.tcp]))])
    func `on a server the preferred protocol is raised`(name: String, prefers: Set<ICEProtocol>) throws {
        let golden = try Self.golden("webrtc transport candidates with a server", name)
        let listens = Self.listens([(.udp, "127.0.0.1"), (.tcp, "127.0.0.1")], like: golden)
        #expect(ICECandidate.candidates(of: listens, prefers: prefers).map(\.json) == golden)
    }

    @Test(arguments: [
        ("{}", [(ICEProtocol.udp, "127.0.0.1"), (.udp, "9.9.9.9")]),
        (
            #"{"preferUdp":true,"enableTcp":true}"#,
            [(.udp, "127.0.0.1"), (.tcp, "127.0.0.1"), (.udp, "9.9.9.9"), (.tcp, "9.9.9.9")]
        ),
        (#"{"enableUdp":false,"enableTcp":true}"#, [(.tcp, "127.0.0.1"), (.tcp, "9.9.9.9")]),
    ])
    func `with sockets of its own each listener ranks below the one before`(
        name: String, list: [(ICEProtocol, String)]
    ) throws {
        let golden = try Self.golden("webrtc transport candidates with listenIps", name)
        #expect(ICECandidate.candidates(of: Self.listens(list, like: golden)).map(\.json) == golden)
    }

    @Test func `an announced host name is told as it is`() throws {
        let golden = try Self.golden("webrtc transport", "properties with SCTP")
        let list: [(ICEProtocol, String)] = [(.udp, "127.0.0.1"), (.tcp, "127.0.0.1"), (.udp, "a.example.org")]
        #expect(ICECandidate.candidates(of: Self.listens(list, like: golden)).map(\.json) == golden)
    }

    @Test func `what a transport does not take of a server leaves the others' ranks as they are`() {
        let listens = [
            ICEListen(.udp, address: "10.99.0.1", port: 44444), ICEListen(.tcp, address: "10.99.0.1", port: 44444),
        ]
        let candidates = ICECandidate.candidates(of: listens, accepts: [.tcp])
        // As recorded from the demo's server for a client that forces TCP.
        #expect(candidates.map(\.priority) == [1_076_276_479])
        #expect(candidates.map(\.foundation) == ["tcpcandidate"])
        #expect(ICECandidate.candidates(of: listens, accepts: []).isEmpty)
    }

    @Test func `a hundred and more listeners have priorities all the same`() {
        let listens = (0..<200).map { ICEListen(.udp, address: "192.0.2.1", port: UInt16(1000 + $0)) }
        let priorities = ICECandidate.candidates(of: listens).map(\.priority)
        #expect(priorities == priorities.sorted(by: >))
        #expect(priorities.last == 1_073_742_079)
    }
}
