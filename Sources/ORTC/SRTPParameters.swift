/// How one side of a transport protects what it sends, as it is signalled: mediasoup's `SrtpParameters`.
///
/// Prints without the key.
public struct SRTPParameters: Sendable, Hashable {
    /// "AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80" or "AES_CM_128_HMAC_SHA1_32".
    public var cryptoSuite: String
    /// Master key and master salt.
    public var keyBase64: String

    public init(cryptoSuite: String, keyBase64: String) {
        self.cryptoSuite = cryptoSuite
        self.keyBase64 = keyBase64
    }
}

extension SRTPParameters: CustomStringConvertible, CustomReflectable {
    public var description: String { "\(cryptoSuite) •••" }
    public var customMirror: Mirror { Mirror(self, children: ["cryptoSuite": cryptoSuite]) }
}
