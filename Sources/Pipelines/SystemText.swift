import CLinux
import Glibc

/// The system's words for an error number: "No such file or directory".
func systemText(_ number: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
        // A temporary allocation of 128 bytes has an address.
        let start = text.baseAddress.unsafelyUnwrapped
        ladle_error_text(number, start, text.count)
        return String(cString: start)
    }
}

/// "SIGKILL" for 9; the number for those that nobody names.
func signalName(_ number: Int32) -> String {
    switch number {
    case SIGHUP: "SIGHUP"
    case SIGINT: "SIGINT"
    case SIGQUIT: "SIGQUIT"
    case SIGILL: "SIGILL"
    case SIGTRAP: "SIGTRAP"
    case SIGABRT: "SIGABRT"
    case SIGBUS: "SIGBUS"
    case SIGFPE: "SIGFPE"
    case SIGKILL: "SIGKILL"
    case SIGSEGV: "SIGSEGV"
    case SIGPIPE: "SIGPIPE"
    case SIGTERM: "SIGTERM"
    case SIGXCPU: "SIGXCPU"
    case SIGSYS: "SIGSYS"
    default: "signal \(number)"
    }
}
