import CLibAV

/// libav said no: what was tried, on what, and why not.
public struct LibAVError: Error, Sendable, Hashable, CustomStringConvertible {
    /// libav's own code, negative; an errno value where the system said no.
    public let code: Int32
    /// What could not be done and to what: `read the header of "a.mp4"`.
    public let action: String

    public init(code: Int32, action: String) {
        self.code = code
        self.action = action
    }

    public var description: String { "can't \(action): \(Self.text(of: code))" }

    /// The cause in libav's words, without the subject.
    public var cause: String { Self.text(of: code) }

    /// The errno of an error that came from the system; nil for libav's own.
    public var systemError: Int32? { code < 0 && code > -4096 ? -code : nil }

    static func text(of code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(AV_ERROR_MAX_STRING_SIZE)) { text in
            guard let start = text.baseAddress else { return "error \(code)" }
            start.initialize(repeating: 0, count: text.count)
            av_strerror(code, start, text.count)
            return String(cString: start)
        }
    }

    static func outOfMemory(_ action: String) -> LibAVError { LibAVError(code: ladle_averror(ENOMEM), action: action) }
}

/// Passes a result on and turns a negative one into an error that names its subject.
@discardableResult
func check(_ result: Int32, _ action: @autoclosure () -> String) throws(LibAVError) -> Int32 {
    if result < 0 { throw LibAVError(code: result, action: action()) }
    return result
}

/// Unwraps what libav allocates.
func allocated<Pointer>(_ pointer: Pointer?, _ action: @autoclosure () -> String) throws(LibAVError) -> Pointer {
    guard let pointer else { throw .outOfMemory(action()) }
    return pointer
}

extension LibAVError {
    /// What a server answered, where it did.
    public enum Answer: Sendable, Hashable {
        case badRequest, unauthorized, forbidden, notFound, otherRefusal, serverError
    }

    public var answer: Answer? {
        switch code {
        case ladle_averror_http_bad_request: .badRequest
        case ladle_averror_http_unauthorized: .unauthorized
        case ladle_averror_http_forbidden: .forbidden
        case ladle_averror_http_not_found: .notFound
        case ladle_averror_http_other_4xx: .otherRefusal
        case ladle_averror_http_server_error: .serverError
        default: nil
        }
    }

    /// The bytes are none that libav understands.
    public var isNoMedia: Bool { code == ladle_averror_invalid_data }

    /// Nothing more comes.
    public var isEnd: Bool { code == ladle_averror_eof }

    /// Bytes in the middle are broken; what follows may be whole.
    public var isDamage: Bool { code == ladle_averror_invalid_data || code == ladle_averror_eagain }
}
