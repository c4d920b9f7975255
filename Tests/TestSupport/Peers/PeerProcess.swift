import Glibc

/// A program that runs beside a test (a server, one who publishes) and ends with this object.
public final class PeerProcess: Sendable {
    public let pid: pid_t
    private let log: TemporaryFile
    /// What it says on standard output is read here.
    private let output: Int32
    /// Its standard input ends when this closes.
    private let input: Int32

    public init(_ arguments: [String]) throws {
        var (inputs, outputs): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&inputs) == 0, pipe(&outputs) == 0 else {
            throw ExternalTool.Failure(description: "no pipe for a peer")
        }
        for end in inputs + outputs { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        log = try TemporaryFile()
        pid = try ExternalTool.spawn(arguments, input: inputs[0], output: outputs[1], errors: log.descriptor)
        close(inputs[0])
        close(outputs[1])
        (input, output) = (inputs[1], outputs[0])
    }

    deinit {
        close(input)
        kill(pid, SIGKILL)
        _ = ExternalTool.wait(for: pid)
        close(output)
    }

    /// What it complained about.
    public var errors: String { log.text }

    /// The number in its line "port N", which is awaited for at most a minute.
    public func port() throws -> UInt16 {
        while true {
            let line = try line()
            if line.hasPrefix("port "), let port = UInt16(line.dropFirst(5)) { return port }
        }
    }

    /// The next line that it says, awaited for at most a minute.
    public func line() throws -> String {
        var said: [UInt8] = []
        while true {
            var polled = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            var byte: UInt8 = 0
            guard poll(&polled, 1, 60_000) > 0, read(output, &byte, 1) == 1 else {
                throw ExternalTool.Failure(description: "a peer says nothing: \(errors)")
            }
            if byte == 10 { return String(decoding: said, as: UTF8.self) }
            said.append(byte)
        }
    }

    /// Asks it to end.
    public func stop() { kill(pid, SIGTERM) }
}
