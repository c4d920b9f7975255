/// Why an offer can't be answered: whoever made it is told so.
public struct NegotiationError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The text is no description.
        case malformed
        /// There is no section that could carry audio or video.
        case noMedia
        /// The direction is not that of a sender (WHIP) or a receiver (WHEP).
        case badDirection
        /// Several sections without one transport (RFC 8843).
        case notBundled
        /// RTCP on a port of its own (RFC 5761).
        case noRTCPMux
        /// No DTLS-SRTP (RFC 5764).
        case unsupportedProtocol
        /// No ICE credentials, or none that can work.
        case noICE
        /// No certificate fingerprint of a known hash.
        case noFingerprint
        /// No DTLS role, or none that leaves one to the answer.
        case badSetup
        /// Streams can't be told apart.
        case noStreams
        /// Nothing offered is among the room's codecs.
        case noCommonCodec
    }

    public let code: Code
    /// A sentence for the person behind the other side.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// Whether the offer itself is at fault (400); else it is sound, but can't be answered here (406, 422).
    public var isMalformed: Bool { code == .malformed }
}
