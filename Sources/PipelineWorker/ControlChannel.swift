import Base
import CLinux
import Glibc
import PipelineControl

/// The daemon's end of the line: commands with descriptors in, reports out.
///
/// Used from the main thread only.
final class ControlChannel {
    enum Event {
        /// The descriptor that rode along belongs to the receiver now.
        case command(PipelineCommand, descriptor: Int32?)
        /// Nobody will say more: stop.
        case end
        /// What came can't be understood.
        case unreadable(String)
    }

    let descriptor: Int32
    private var lines = LineBuffer()
    /// Rode along with a line whose end has not come yet.
    private var pendingDescriptor: Int32?
    /// Nobody takes our reports any more.
    private(set) var isBroken = false

    /// - Parameter descriptor: a Unix stream socket; stays the caller's.
    init(descriptor: Int32) {
        self.descriptor = descriptor
        // A daemon that reads nothing for this long is gone or hung: a report must not hold the media up for ever.
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        if let pendingDescriptor { close(pendingDescriptor) }
    }

    /// Everything that has come, without waiting.
    func receive() -> [Event] {
        var events: [Event] = []
        var room = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            var rider: Int32 = -1
            let got = ladle_worker_receive(descriptor, &room, room.count, &rider)
            if got == -Int(EAGAIN) { return events }
            if rider >= 0 {
                if let pendingDescriptor { close(pendingDescriptor) }
                pendingDescriptor = rider
            }
            if got <= 0 { return events + [.end] }
            do throws(LineBuffer.Failure) {
                for line in try lines.append(room[..<got]) { events.append(read(line)) }
            } catch {
                return events + [.unreadable("a line of more than \(LineBuffer.limit) bytes")]
            }
        }
    }

    private func read(_ line: [UInt8]) -> Event {
        do throws(PipelineControlError) {
            let command = try PipelineCommand(line: line)
            switch command {
            case .ingest, .record:
                defer { pendingDescriptor = nil }
                return .command(command, descriptor: pendingDescriptor)
            default:
                return .command(command, descriptor: nil)
            }
        } catch {
            return .unreadable(error.description)
        }
    }

    /// Says it; false when nobody listens any more.
    @discardableResult
    func send(_ report: PipelineReport) -> Bool {
        guard !isBroken, let line = try? report.line else { return false }
        var bytes = line + [UInt8(ascii: "\n")]
        while !bytes.isEmpty {
            let sent = ladle_worker_send(descriptor, bytes, bytes.count, -1)
            guard sent > 0 else {
                isBroken = true
                return false
            }
            bytes.removeFirst(sent)
        }
        return true
    }
}
