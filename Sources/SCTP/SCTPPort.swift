import CUsrSCTP
import Glibc

/// Where usrsctp leaves what one association has to say, until the association is asked.
///
/// `@unchecked` holds: touched only while the library's lock is held.
final class SCTPPort: @unchecked Sendable {
    var effects: [SCTPEffect] = []
    private(set) var state = SCTPState.new
    /// Streams that may be sent on, as both sides agreed.
    private(set) var outgoingStreams: Int
    /// Bytes that were given to `send` and not yet acknowledged.
    private(set) var bufferedAmount = 0
    /// Messages of the remote side that were thrown away: larger than was agreed on, or of a kind that is not ours.
    private(set) var dropped: UInt64 = 0

    private let setup: SCTPSetup
    /// A message of which more is to come.
    private var partial: [UInt8] = []
    private var isTooLong = false

    init(_ setup: SCTPSetup) {
        self.setup = setup
        outgoingStreams = Int(setup.outgoingStreams)
    }

    func change(to next: SCTPState) {
        guard state != next else { return }
        state = next
        effects.append(.changed(next))
    }

    func queued(_ count: Int) { bufferedAmount += count }

    /// There is so much room in the send buffer again.
    func sent(free: Int) {
        let amount = max(0, setup.sendBufferSize - free)
        guard amount != bufferedAmount else { return }
        bufferedAmount = amount
        effects.append(.buffered(amount))
    }

    // MARK: - Messages

    func received(_ bytes: UnsafeRawBufferPointer, _ info: sctp_rcvinfo, isLast: Bool) {
        if partial.count + bytes.count > setup.maximumMessageSize { isTooLong = true }
        if isTooLong { partial = [] } else { partial += bytes }
        guard isLast else { return }
        let ppid = UInt32(bigEndian: info.rcv_ppid)
        if isTooLong {
            dropped += 1
        } else {
            effects.append(.received(SCTPMessage(stream: info.rcv_sid, ppid: ppid, payload: partial)))
        }
        forgetPartial()
    }

    private func forgetPartial() {
        partial = []
        isTooLong = false
    }

    // MARK: - Notifications (RFC 6458 §6.1)

    func notified(_ bytes: UnsafeRawBufferPointer) {
        func field(_ offset: Int) -> UInt16? {
            offset + 2 <= bytes.count ? bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self) : nil
        }
        guard let type = field(0), let flags = field(2) else { return }
        switch Int32(type) {
        case SCTP_ASSOC_CHANGE:
            guard let state = field(8), let outgoing = field(12) else { return }
            associationChanged(Int32(state), outgoing: Int(outgoing))
        case SCTP_STREAM_RESET_EVENT:
            // Those that we asked for are ours to know.
            let isRefused = Int32(flags) & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED) != 0
            guard !isRefused, Int32(flags) & SCTP_STREAM_RESET_INCOMING_SSN != 0 else { return }
            effects.append(.streamsReset(stride(from: 12, to: bytes.count - 1, by: 2).compactMap { field($0) }))
        case SCTP_STREAM_CHANGE_EVENT:
            let isRefused = Int32(flags) & (SCTP_STREAM_CHANGED_DENIED | SCTP_STREAM_CHANGE_FAILED) != 0
            guard !isRefused, let outgoing = field(14), outgoing > 0 else { return }
            outgoingStreams = Int(outgoing)
        // The rest of a message that is on its way will not come.
        case SCTP_PARTIAL_DELIVERY_EVENT: forgetPartial()
        default: break
        }
    }

    private func associationChanged(_ state: Int32, outgoing: Int) {
        switch state {
        case SCTP_COMM_UP, SCTP_RESTART:
            // A remote side that began anew has lost what it was in the midst of.
            forgetPartial()
            outgoingStreams = outgoing
            change(to: .connected)
        case SCTP_CANT_STR_ASSOC: change(to: .failed)
        case SCTP_COMM_LOST, SCTP_SHUTDOWN_COMP: change(to: .closed)
        default: break
        }
    }
}
