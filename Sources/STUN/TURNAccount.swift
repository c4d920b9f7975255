import COpenSSL
import Foundation

/// A name and a password that a TURN server takes for a while, made of a secret that it shares with whoever gives them away
/// (draft-uberti-behave-turn-rest-00 §2.2; coturn's `use-auth-secret`): a client that leaks them harms nobody for long.
public struct TURNAccount: Sendable, Hashable {
    /// When it ends, in seconds since 1970, and who made it: `1700000000:ladle`.
    public let username: String
    /// HMAC-SHA1 of the name under the secret, in base64.
    public let password: String

    /// - Parameters:
    ///   - expiry: Seconds since 1970.
    ///   - user: Any text, for the server's log; without colons.
    public init(secret: String, expiry: Int64, user: String) {
        username = "\(expiry):\(user)"
        password = Data(Self.sum(username, under: secret)).base64EncodedString()
    }

    private static func sum(_ text: String, under secret: String) -> [UInt8] {
        let (key, message) = (Array(secret.utf8), Array(text.utf8))
        var sum = [UInt8](repeating: 0, count: 20)
        // 20 bytes are SHA-1's; an array is a pointer for the length of the call.
        let isDone = HMAC(EVP_sha1(), key, Int32(key.count), message, message.count, &sum, nil) != nil
        precondition(isDone, "OpenSSL has no SHA-1")
        return sum
    }
}
