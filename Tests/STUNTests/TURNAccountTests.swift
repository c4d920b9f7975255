import STUN
import Testing

@Suite struct TURNAccountTests {
    /// Passwords by `printf %s NAME | openssl dgst -sha1 -hmac SECRET -binary | base64`.
    @Test(
        arguments: [
            ("north", 1_700_000_000, "ladle", "3wYuS9taBf1VdsIU3QF1jP1rToo="),
            ("käse \"und\" brot", 1, "", "w2TKgJDjsds0vBu/92+pYo94Rj4="),
        ] as [(String, Int64, String, String)])
    func `a password is the name's HMAC under the secret`(
        secret: String, expiry: Int64, user: String, password: String
    ) {
        let account = TURNAccount(secret: secret, expiry: expiry, user: user)
        #expect(account.username == "\(expiry):\(user)")
        #expect(account.password == password)
    }
}
