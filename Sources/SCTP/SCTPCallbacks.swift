import CUsrSCTP
import Glibc

/// What usrsctp calls, on the thread and within the call that caused it.
enum SCTPCallbacks {
    /// A message, a part of one, or a notification. The memory is ours to free.
    static let receive: ladle_sctp_receive = { _, _, data, length, info, flags, context in
        guard let data else { return 1 }
        defer { free(data) }
        guard let port = USRSCTP.port(context) else { return 1 }
        // Good until it is freed on leaving.
        let bytes = UnsafeRawBufferPointer(start: data, count: length)
        if flags & Int32(ladle_sctp_notification) != 0 {
            port.notified(bytes)
        } else {
            port.received(bytes, info, isLast: flags & Int32(ladle_sctp_end_of_record) != 0)
        }
        return 1
    }

    /// There is room in the send buffer.
    static let sent: ladle_sctp_sent = { _, free, context in
        USRSCTP.port(context)?.sent(free: Int(free))
        return 1
    }
}
