import Base
import SRTP
import Testing

/// The numbers that the RFCs print.
@Suite struct VectorTests {
    @Test func `session keys as RFC 3711 B.3 derives them`() throws {
        let master = [UInt8](hex: "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")
        let keys = try SRTPSessionKeys(.rtp, from: SRTPMasterKey(.aesCM128HMACSHA1Tag80, master))
        #expect(keys.encryption == [UInt8](hex: "C61E7A93744F39EE10734AFE3FF7A087"))
        #expect(keys.salt == [UInt8](hex: "30CBBC08863D8C85D49DB34A9AE1"))
        // The RFC goes on to 94 bytes; HMAC-SHA1 takes 20.
        #expect(keys.authentication == [UInt8](hex: "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"))
    }

    /// That keys of 256 bits are right is shown by what libsrtp makes of them.
    @Test(arguments: SRTPCryptoSuite.allCases)
    func `RTP and RTCP get keys of their own, as long as the suite wants them`(suite: SRTPCryptoSuite) throws {
        let master = try Sample.key(suite)
        let (rtp, rtcp) = (try SRTPSessionKeys(.rtp, from: master), try SRTPSessionKeys(.rtcp, from: master))
        for keys in [rtp, rtcp] {
            #expect(keys.encryption.count == suite.keyLength)
            #expect(keys.salt.count == suite.saltLength)
            #expect(keys.authentication.count == (suite.isAEAD ? 0 : 20))
        }
        #expect(rtp.encryption != rtcp.encryption)
        #expect(rtp.salt != rtcp.salt)
        #expect(suite.isAEAD || rtp.authentication != rtcp.authentication)
    }

    /// Zeros under the keys, SSRC 0 and index 0 come out as the key stream itself.
    @Test func `the key stream of RFC 3711 B.2, first blocks and around 65280`() throws {
        let keys = SRTPSessionKeys(
            encryption: [UInt8](hex: "2B7E151628AED2A6ABF7158809CF4F3C"),
            authentication: [UInt8](repeating: 0, count: 20),
            salt: [UInt8](hex: "F0F1F2F3F4F5F6F7F8F9FAFBFCFD"))
        var sender = try SRTPSender(.aesCM128HMACSHA1Tag80, rtp: keys, rtcp: keys)
        let blocks = 0xFF02
        var slots = ByteArea(capacity: 16 * blocks + 100)
        slots.store(UInt8(0x80), at: 0)
        let length = try sender.protect(&slots, at: 0, headerLength: 12, count: 16 * blocks, index: 0, ssrc: 0)
        #expect(length == 12 + 16 * blocks + 10)
        for (block, stream) in [
            (0x0000, "E03EAD0935C95E80E166B16DD92B4EB4"), (0x0001, "D23513162B02D0F72A43A2FE4A5F97AB"),
            (0x0002, "41E95B3BB0A2E8DD477901E4FCA894C0"), (0xFEFF, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
            (0xFF00, "362B7C3C6773516318A077D7FC5073AE"), (0xFF01, "6A2CC3787889374FBEB4C81B17BA6C44"),
        ] {
            let start = 12 + 16 * block
            #expect(slots.bytes(start..<start + 16) == [UInt8](hex: stream), "block \(block)")
        }
    }

    // MARK: - RFC 7714

    static let salt = [UInt8](hex: "517569642070726f2071756f")
    static let plain = [UInt8](
        hex: """
            8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e6973206469766973612069
            6e207061727465732074726573
            """)
    static let plainRTCP = [UInt8](
        hex: """
            81c8000d4d617273 4e5450314e545032525450200000042a0000e9304c756e61
            deadbeefdeadbeefdeadbeefdeadbeefdeadbeef
            """)

    static func keys(_ suite: SRTPCryptoSuite) -> SRTPSessionKeys {
        SRTPSessionKeys(encryption: (0..<UInt8(suite.keyLength)).map { $0 }, authentication: [], salt: salt)
    }

    @Test(arguments: [
        (
            SRTPCryptoSuite.aeadAES128GCM,
            """
            8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833
            899d7f27beb16a9152cf765ee4390cce
            """
        ),
        (
            .aeadAES256GCM,
            """
            8040f17b8041f8d35501a0b2 32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b
            7aa3db36dfffd6b0f9bb7878d7a76c13
            """
        ),
    ])
    func `RTP of RFC 7714 16`(suite: SRTPCryptoSuite, hex: String) throws {
        let keys = Self.keys(suite)
        var sender = try SRTPSender(suite, rtp: keys, rtcp: keys)
        let protected = try sender.protect(Self.plain)
        #expect(protected == [UInt8](hex: hex))
        let inPlace = try sender.protectInPlace(Self.plain)
        #expect(inPlace == protected)
        var receiver = try SRTPReceiver(suite, rtp: keys, rtcp: keys)
        let received = try receiver.unprotect(protected)
        #expect(received == Self.plain)
    }

    @Test(arguments: [
        (
            SRTPCryptoSuite.aeadAES128GCM,
            """
            81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded
            0bb9275bc84aa45896cf4d2fc5abf87245d9eade 800005d4
            """
        ),
        (
            .aeadAES256GCM,
            """
            81c8000d4d617273 d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de047
            6f1b6fad1d1eb30c4446839f57ff6f6cb26ac3be 800005d4
            """
        ),
    ])
    func `RTCP of RFC 7714 17, the packet with number 0x5d4`(suite: SRTPCryptoSuite, hex: String) throws {
        let keys = Self.keys(suite)
        var sender = try SRTPSender(suite, rtp: keys, rtcp: keys)
        for _ in 1..<0x5D4 { _ = try sender.protectRTCP(Self.plainRTCP) }
        let protected = try sender.protectRTCP(Self.plainRTCP)
        #expect(protected == [UInt8](hex: hex))
        var receiver = try SRTPReceiver(suite, rtp: keys, rtcp: keys)
        let received = try receiver.unprotectRTCP(protected)
        #expect(received == Self.plainRTCP)
    }
}
