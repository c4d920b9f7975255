import SRTP
import TestSupport
import Testing

@Suite struct KeyTests {
    @Test(arguments: [
        (SRTPCryptoSuite.aeadAES256GCM, 44, 16, 20), (.aeadAES128GCM, 28, 16, 20),
        (.aesCM128HMACSHA1Tag80, 30, 10, 14), (.aesCM128HMACSHA1Tag32, 30, 4, 14),
    ])
    func `lengths of each suite`(suite: SRTPCryptoSuite, master: Int, rtp: Int, rtcp: Int) {
        #expect(suite.masterLength == master)
        #expect(suite.rtpOverhead == rtp)
        #expect(suite.rtcpOverhead == rtcp)
    }

    @Test func `suites go by mediasoup's names`() {
        #expect(
            SRTPCryptoSuite.allCases.map(\.rawValue) == [
                "AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32",
            ])
    }

    @Test(arguments: [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")])
    func `base64 of RFC 4648 10`(text: String, plain: String) throws {
        // A key of another length says what was decoded.
        #expect(throws: SRTPError.wrongKeyLength(needed: 30, got: plain.utf8.count)) {
            try SRTPMasterKey(.aesCM128HMACSHA1Tag80, base64: text)
        }
    }

    @Test(arguments: SRTPCryptoSuite.allCases)
    func `a key survives base64`(suite: SRTPCryptoSuite) throws {
        var random = SeededGenerator(seed: 5)
        let key = SRTPMasterKey(suite, using: &random)
        #expect(key.bytes.count == suite.masterLength)
        #expect(try SRTPMasterKey(suite, base64: key.base64) == key)
        let unpadded = String(key.base64.prefix { $0 != "=" })
        #expect(try SRTPMasterKey(suite, base64: unpadded) == key)
        #expect(SRTPMasterKey(suite, using: &random) != key)
    }

    @Test func `base64 as others write it`() throws {
        let key = try SRTPMasterKey(.aesCM128HMACSHA1Tag80, [UInt8](repeating: 7, count: 30))
        #expect(key.base64 == "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH")
    }

    @Test(arguments: ["Z", "Zg=", "Zg===", "Z===", "Zm9v====", "Zm 9v", "Zm9v\n", "Zm9-", "=", "Zg==Zg==", "ü"])
    func `what is no base64`(text: String) {
        #expect(throws: SRTPError.badBase64) { try SRTPMasterKey(.aeadAES128GCM, base64: text) }
    }

    @Test func `a key prints as dots, however it is printed`() throws {
        let key = try SRTPMasterKey(.aeadAES128GCM, [UInt8](repeating: 7, count: 28))
        var dumped = ""
        dump(key, to: &dumped)
        let session = try SRTPSessionKeys(.rtp, from: key)
        var dumpedSession = ""
        dump(session, to: &dumpedSession)
        for text in ["\(key)", String(reflecting: key), "\([key])", "\(session)", "\([session])"] {
            #expect(text.contains("•••"))
            #expect(!text.contains("7"))
        }
        for text in [dumped, dumpedSession] { #expect(!text.contains("7,") && !text.contains("- 7")) }
    }
}
