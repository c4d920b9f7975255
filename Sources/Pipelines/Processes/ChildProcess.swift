import CLinux
import Glibc

/// How a process ended, in the kernel's words.
public enum ProcessExit: Sendable, Hashable, CustomStringConvertible {
    case exited(code: Int32)
    case signaled(Int32)

    public var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .signaled(let number): "was ended by \(signalName(number))"
        }
    }
}

/// The descriptors and the process group of one child; a value that `PipelineProcess` keeps and closes.
struct ChildProcess: Sendable {
    let id: pid_t
    /// Our end of the socket that is the child's descriptor 0.
    let control: Int32
    /// The read end of the child's output.
    let log: Int32
    let pidfd: Int32

    static func spawn(
        path: String, arguments: [String], environment: [String: String]
    ) -> Result<ChildProcess, PipelinesError> {
        var control: [Int32] = [-1, -1]
        var log: [Int32] = [-1, -1]
        var failure = ladle_control_socket(&control)
        guard failure == 0 else { return .failure(refused(path, -failure)) }
        failure = ladle_log_pipe(&log)
        guard failure == 0 else {
            close(control[0])
            close(control[1])
            return .failure(refused(path, -failure))
        }
        var id: pid_t = -1
        var pidfd: Int32 = -1
        let variables = environment.map { "\($0.key)=\($0.value)" }
        failure = withCStrings([path] + arguments) { arguments in
            withCStrings(variables) { variables in
                ladle_spawn(path, arguments, variables, control[1], log[1], &id, &pidfd)
            }
        }
        close(control[1])
        close(log[1])
        guard failure == 0 else {
            close(control[0])
            close(log[0])
            return .failure(refused(path, -failure))
        }
        return .success(ChildProcess(id: id, control: control[0], log: log[0], pidfd: pidfd))
    }

    private static func refused(_ path: String, _ number: Int32) -> PipelinesError {
        PipelinesError(.failed, "can't start \(path): \(systemText(number))", errno: number)
    }

    /// Nil while it runs. It stays a zombie, so that its process group can't become somebody else's.
    func peek() -> ProcessExit? {
        var code: Int32 = 0
        var number: Int32 = 0
        guard ladle_process_peek(pidfd, &code, &number) != 0 else { return nil }
        return number == 0 ? .exited(code: code) : .signaled(number)
    }

    /// Signals the process and all that it started in its group; only before `reap`.
    func signal(_ number: Int32) { kill(-id, number) }

    /// Kills what is left of the group and lets the zombie go; the descriptors stay.
    func reap() {
        signal(SIGKILL)
        var code: Int32 = 0
        var number: Int32 = 0
        _ = ladle_process_reap(pidfd, &code, &number)
    }
}

/// Calls with a null-terminated array of C strings, as exec wants them.
private func withCStrings<Value>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
) -> Value {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
        // Never empty: there is the terminator.
        body(UnsafePointer(buffer.baseAddress.unsafelyUnwrapped))
    }
}
