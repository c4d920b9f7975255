import Base
import STUN
import Testing

@Suite struct VectorTests {
    @Test func `the request of RFC 5769 is read, and its integrity holds`() throws {
        let bytes = RFC5769.request
        let message = try STUNMessage(bytes)
        #expect(message.kind == .request)
        #expect(message.method == STUNMethod.binding)
        #expect(message.transaction == RFC5769.transaction)
        #expect(message.length == 108)
        #expect(message.username(bytes) == "evtj:h6vY")
        #expect(message.software(bytes) == "STUN test client")
        #expect(message.priority == 0x6E00_01FF)
        #expect(message.controlled == 0x932F_F9B1_5126_3B36)
        #expect(message.controlling == nil)
        #expect(!message.usesCandidate)
        #expect(message.hasFingerprint)
        #expect(message.isAuthentic(Sample.key, bytes))
        #expect(!message.isAuthentic(STUNKey("VOkJxbRl1RmTxUk/WvJxBT"), bytes))
    }

    @Test func `the answers of RFC 5769 name the mapped addresses`() throws {
        let v4 = try STUNMessage(RFC5769.answerIPv4)
        #expect(v4.kind == .success)
        #expect(v4.mappedAddress == SocketAddress("192.0.2.1", port: 32853))
        #expect(v4.isAuthentic(Sample.key, RFC5769.answerIPv4))
        #expect(v4.software(RFC5769.answerIPv4) == "test vector")
        let v6 = try STUNMessage(RFC5769.answerIPv6)
        #expect(v6.mappedAddress == SocketAddress("2001:db8:1234:5678:11:2233:4455:6677", port: 32853))
        #expect(v6.isAuthentic(Sample.key, RFC5769.answerIPv6))
    }

    @Test func `the long-term request of RFC 5769 has a name in Japanese, no fingerprint, and another kind of key`()
        throws
    {
        let message = try STUNMessage(RFC5769.longTerm)
        #expect(message.username(RFC5769.longTerm) == "マトリックス")
        #expect(!message.hasFingerprint)
        #expect(message.isAuthentic(STUNKey(RFC5769.longTermKey), RFC5769.longTerm))
        #expect(!message.isAuthentic(Sample.key, RFC5769.longTerm))
    }

    // Made with Python's hmac, hashlib and zlib.
    @Test func `a request is written byte for byte`() throws {
        let request = STUNBindingRequest(
            Sample.transaction, username: "evtj:h6vY", role: .controlling(0x932F_F9B1_5126_3B36), priority: 0x6E00_01FF,
            usesCandidate: true, nomination: 7)
        let golden = [UInt8](
            hex: """
                000100502112a4420102030405060708090a0b0c 000600096576746a3a68367659000000 802a0008932ff9b151263b36
                00250000 c001000400000007 002400046e0001ff 00080014e2f1eb8c5aaf9345ebe0d94acb4c3ad4e29687a7 80280004aa6cb9be
                """)
        let written = Sample.written { request.write(Sample.key, into: &$0) }
        #expect(written == golden)
        let message = try STUNMessage(golden)
        #expect(message.controlling == 0x932F_F9B1_5126_3B36)
        #expect(message.usesCandidate)
        #expect(message.nomination == 7)
        #expect(message.isAuthentic(Sample.key, golden))
    }

    @Test(arguments: [
        (
            "192.0.2.1",
            """
            0101002c2112a4420102030405060708090a0b0c 002000080001a147e112a643
            000800140c1c805526bf5a0fbd5c0349c74777e4ac2f8625 802800047a0cae8d
            """
        ),
        (
            "2001:db8:1234:5678:11:2233:4455:6677",
            """
            010100382112a4420102030405060708090a0b0c 002000140002a1470113a9fa1336557c0517253b4d5f6d7b
            00080014b9d8aed94583bffb3a966c3eccd704380874c75b 80280004fb86d850
            """
        ),
    ])
    func `a success is written byte for byte`(address: String, golden: String) throws {
        let request = try STUNMessage(Sample.message { $0.fingerprint(into: &$1) })
        let remote = try #require(SocketAddress(address, port: 32853))
        let written = Sample.written { STUNAnswer.success(to: request, seenFrom: remote, Sample.key, into: &$0) }
        #expect(written == [UInt8](hex: golden))
        #expect(try #require(written).count <= STUNAnswer.maximumLength)
    }

    @Test(arguments: [
        (STUNErrorCode.badRequest, "00000400 80280004 2809710a"), (.unauthorized, "00000401 80280004 5f0e419c"),
        (.roleConflict, "00000457 80280004 dd06b55d"),
    ])
    func `a refusal is written byte for byte`(code: STUNErrorCode, end: String) throws {
        let request = try STUNMessage(Sample.message { $0.fingerprint(into: &$1) })
        let golden = [UInt8](hex: "011100102112a4420102030405060708090a0b0c 00090004" + end)
        let written = Sample.written { STUNAnswer.refusal(of: request, code, into: &$0) }
        #expect(written == golden)
        let message = try STUNMessage(golden)
        #expect(message.kind == .failure)
        #expect(message.errorCode == code.rawValue)
        #expect(golden.count == STUNAnswer.refusalLength)
    }

    @Test func `a key longer than a block of SHA-1 is hashed first`() throws {
        let golden = [UInt8](
            hex: """
                000100282112a4420102030405060708090a0b0c 00060003613a6200
                00080014db8c58077a5296b4538f16a5fc95ee0b5b2ca296 802800043d1b506b
                """)
        let key = STUNKey(String(repeating: "0123456789", count: 10))
        let written = Sample.message {
            $0.username("a:b", into: &$1)
            $0.messageIntegrity(key, into: &$1)
            $0.fingerprint(into: &$1)
        }
        #expect(written == golden)
        #expect(try STUNMessage(golden).isAuthentic(key, golden))
    }
}
