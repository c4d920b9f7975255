import COpenSSL

/// Why something was refused that the caller asked for. What goes wrong with the remote side is a state
/// (`DTLSState.failed`), not an error.
public enum DTLSError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A certificate or key that can't be used, and what to do about it.
    case file(path: String, cause: String, remedy: String)
    /// The library refused to work.
    case library(call: String, reason: String)
    /// Data for the remote side before the session is connected, or after its end.
    case notConnected
    /// More bytes than one datagram carries.
    case tooLong(maximum: Int, got: Int)

    public var description: String {
        switch self {
        case .file(let path, let cause, let remedy): "\(path): \(cause); \(remedy)"
        case .library(let call, let reason): "OpenSSL refused \(call): \(reason)"
        case .notConnected: "DTLS session that is not connected: nothing can be sent"
        case .tooLong(let maximum, let got): "\(got) bytes for one DTLS datagram, which carries \(maximum)"
        }
    }

    /// With what OpenSSL says of its last failure. Its queue, one for each thread, is empty afterwards.
    static func openSSL(_ call: String) -> DTLSError { .library(call: call, reason: Self.lastReason().text) }

    /// What OpenSSL says first of its last failure, and whether that is an alert of the remote side.
    static func lastReason() -> (text: String, isAlert: Bool) {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return ("no reason given", false) }
        // The library's texts are constants of its own.
        let text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
        // Reasons of alerts that came in are the alert's number and this offset; Swift sees no macro with a cast.
        return (text, ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET)
    }
}
