import Base
import COpenSSL

/// One DTLS 1.2 association with a WebRTC peer (RFC 5763, RFC 5764): handshake, check of the fingerprint, SRTP keys,
/// application data, end. It has no socket and no clock; what is to be done comes out as `DTLSEffect`s, in order.
///
/// Not copyable: a copy would send under the same keys.
public struct DTLSSession: ~Copyable {
    /// Of a datagram that we send, in bytes: what passes everywhere, IPv6 tunnels included.
    public static let defaultMaximumDatagramLength = 1200
    /// What encryption adds: header 13, nonce 8, tag 16.
    private static let overhead = 37
    /// More records than a datagram can hold.
    private static let mostRecords = 1500

    public private(set) var state = DTLSState.new
    public private(set) var role: DTLSRole?
    /// What `send` takes, in bytes.
    public let maximumDataLength: Int

    private let identity: DTLSIdentity
    private let maximumDatagramLength: Int
    private var connection: TLSConnection?
    private var remoteFingerprint: DTLSFingerprint?
    private var isHandshakeDone = false
    private var retransmission: Retransmission?
    /// Of the flight that `retransmission` is for.
    private var flight = 0

    /// - Parameter maximumDatagramLength: At least 256 bytes.
    public init(
        _ identity: DTLSIdentity, maximumDatagramLength: Int = DTLSSession.defaultMaximumDatagramLength
    ) {
        precondition(maximumDatagramLength >= 256, "a DTLS datagram of \(maximumDatagramLength) bytes is too small")
        self.identity = identity
        self.maximumDatagramLength = maximumDatagramLength
        maximumDataLength = maximumDatagramLength - Self.overhead
    }

    /// When `advance(to:into:)` has something to do; nil: only a datagram or a call changes anything. A server that waits
    /// for the client's first word has no deadline, as with mediasoup: whether anybody is there is ICE's to know.
    public var nextDeadline: Instant? { retransmission?.deadline }

    // MARK: - Commands

    /// Takes a role; the client says hello at once. While it is `connecting`, another role starts over: a transport that
    /// became server because nobody had told it anything may be told to be client later. The same role changes nothing.
    public mutating func start(as role: DTLSRole, now: Instant, into effects: inout [DTLSEffect]) {
        switch state {
        case .new: change(to: .connecting, &effects)
        case .connecting where role != self.role && !isHandshakeDone: break
        default: return
        }
        self.role = role
        (retransmission, flight) = (nil, 0)
        do {
            connection = try TLSConnection.make(identity, role, maximumDatagramLength: maximumDatagramLength)
        } catch {
            return end(.failed(reason: "no handshake can begin: \(error)"), &effects)
        }
        if role == .client { run(now, &effects) }
    }

    /// What signaling says of the remote side's certificate. May come before or after the handshake, which counts for
    /// nothing until then; once it was checked, another one changes nothing.
    public mutating func setRemoteFingerprint(_ fingerprint: DTLSFingerprint, into effects: inout [DTLSEffect]) {
        remoteFingerprint = fingerprint
        if state == .connecting, isHandshakeDone { check(fingerprint, &effects) }
    }

    /// Encrypts one message into one datagram.
    /// - Parameter data: 1…`maximumDataLength` bytes. Of nothing, nothing is sent.
    /// - Throws: `notConnected`, `tooLong`, `library`.
    public mutating func send(_ data: RawSpan, into effects: inout [DTLSEffect]) throws(DTLSError) {
        guard case .connected = state else { throw .notConnected }
        guard data.byteCount <= maximumDataLength else {
            throw .tooLong(maximum: maximumDataLength, got: data.byteCount)
        }
        guard data.byteCount > 0 else { return }
        let isWritten = connection?.write(data) ?? false
        transmitWritten(&effects)
        guard isWritten else { throw .openSSL("SSL_write") }
    }

    /// Says goodbye (close_notify) if the handshake is done, and is closed.
    public mutating func close(into effects: inout [DTLSEffect]) {
        guard !isOver else { return }
        end(.closed, &effects)
    }

    // MARK: - Input

    /// Whatever a peer sent that looks like DTLS (first byte 20…63, RFC 7983). Once the keys are agreed on, what is not
    /// authenticated by them is dropped without a trace; before that, a forged message can end a handshake, as DTLS has it:
    /// only packets of a tuple that ICE knows belong here.
    public mutating func receive(_ datagram: RawSpan, now: Instant, into effects: inout [DTLSEffect]) {
        guard let port = connection?.port else { return }
        let admitted = RecordFilter.admit(datagram)
        guard !admitted.isEmpty else { return }
        port.offer(admitted)
        run(now, &effects)
    }

    /// Sends what was not answered once more, or gives up.
    public mutating func advance(to now: Instant, into effects: inout [DTLSEffect]) {
        switch retransmission?.advance(to: now) {
        case nil, .nothing: return
        case .copy(let number):
            guard let copies = connection?.port.copies, copies.indices.contains(number) else { return }
            effects += copies[number].map { .transmit($0) }
        case .giveUp:
            let seconds = Int(Retransmission.patience.seconds)
            let reason = "no answer of the remote side for \(seconds) s: is it gone, or does a firewall drop DTLS?"
            end(.failed(reason: reason), &effects)
        }
    }

    // MARK: - Steps

    private mutating func run(_ now: Instant, _ effects: inout [DTLSEffect]) {
        var dropped = 0
        while let step = isHandshakeDone ? connection?.read() : connection?.handshake() {
            transmitWritten(&effects)
            switch step {
            case .waits: return followFlight(now)
            case .dropped:
                dropped += 1
                if dropped > Self.mostRecords {
                    return end(.failed(reason: "OpenSSL gave up without a reason"), &effects)
                }
            case .handshakeDone:
                isHandshakeDone = true
                retransmission = nil
                connection?.port.forgetCopies()
                if let remoteFingerprint { check(remoteFingerprint, &effects) }
            case .received(let data):
                // Before the fingerprint is checked nobody knows whose data it is. SCTP sends it again.
                if case .connected = state { effects.append(.received(data)) }
            case .closed:
                return isHandshakeDone
                    ? end(.closed, &effects)
                    : end(.failed(reason: "the remote side ended the handshake"), &effects)
            case .failed(let reason):
                return end(.failed(reason: isHandshakeDone ? reason : "the handshake failed: \(reason)"), &effects)
            }
        }
    }

    /// A new flight has a timer of its own.
    private mutating func followFlight(_ now: Instant) {
        guard !isHandshakeDone, let begun = connection?.port.flightCount, begun != flight else { return }
        flight = begun
        retransmission = Retransmission(now: now)
    }

    /// After the handshake: whether it is who signaling said, and which keys there are.
    private mutating func check(_ fingerprint: DTLSFingerprint, _ effects: inout [DTLSEffect]) {
        guard let certificate = connection?.remoteCertificate() else {
            return end(.failed(reason: "the remote side has no certificate"), &effects)
        }
        defer { X509_free(certificate) }
        do {
            let found = try DTLSFingerprint(fingerprint.algorithm, ofCertificate: certificate)
            guard found == fingerprint else {
                let reason = """
                    the remote side's certificate has the fingerprint \(found), but signaling said \(fingerprint): \
                    it is somebody else, or its signaling was changed on the way
                    """
                return end(.failed(reason: reason), &effects)
            }
            guard let keys = try connection?.keys() else {
                let names = SRTPProfile.allCases.map(\.rawValue).joined(separator: ", ")
                return end(.failed(reason: "the remote side knows no SRTP profile of ours (\(names))"), &effects)
            }
            let text = try DTLSIdentity.text(of: certificate)
            change(to: .connected(DTLSConnection(remoteCertificate: text, keys: keys)), &effects)
        } catch {
            end(.failed(reason: "the handshake can't be used: \(error)"), &effects)
        }
    }

    // MARK: - Effects

    private var isOver: Bool {
        switch state {
        case .failed, .closed: true
        case .new, .connecting, .connected: false
        }
    }

    private mutating func transmitWritten(_ effects: inout [DTLSEffect]) {
        effects += (connection?.port.takeWritten() ?? []).map { .transmit($0) }
    }

    private mutating func change(to next: DTLSState, _ effects: inout [DTLSEffect]) {
        state = next
        effects.append(.changed(next))
    }

    /// Whoever completed a handshake is told that it is over.
    private mutating func end(_ last: DTLSState, _ effects: inout [DTLSEffect]) {
        if isHandshakeDone {
            connection?.shutdown()
            transmitWritten(&effects)
        }
        connection = nil
        retransmission = nil
        change(to: last, &effects)
    }
}
