/// Why the HTTP door can't open.
public enum SignalingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A setting is wrong; the text names it.
    case configuration(String)
    /// Another process listens there.
    case addressInUse(host: String, port: Int)
    case cannotListen(host: String, port: Int, cause: String)

    public var description: String {
        switch self {
        case .configuration(let text): text
        case .addressInUse(let host, let port): "another process already listens on \(host):\(port)"
        case .cannotListen(let host, let port, let cause): "can't listen on \(host):\(port): \(cause)"
        }
    }
}
