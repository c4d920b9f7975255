import COpenSSL

/// An SSL of the library: one handshake and what is sent under its keys. The library's errors, which wait in a queue of the
/// thread, are taken out after each call that failed, and whatever lies there before a call is none of ours.
struct TLSConnection: ~Copyable {
    enum Step {
        /// All input is used up.
        case waits
        /// A record came to nothing.
        case dropped
        case handshakeDone
        case received([UInt8])
        case closed
        case failed(String)
    }

    private let ssl: OpaquePointer
    let port: DatagramPort
    private let role: DTLSRole

    /// A function, because a value with a deinit can't fail halfway through its init.
    static func make(
        _ identity: DTLSIdentity, _ role: DTLSRole, maximumDatagramLength: Int
    ) throws(DTLSError) -> TLSConnection {
        ERR_clear_error()
        guard let ssl = SSL_new(identity.context) else { throw .openSSL("SSL_new") }
        let port = DatagramPort(maximumDatagramLength: maximumDatagramLength)
        do { try port.attach(to: ssl) } catch {
            SSL_free(ssl)
            throw error
        }
        guard SSL_ctrl(ssl, SSL_CTRL_SET_MTU, maximumDatagramLength, nil) != 0 else {
            SSL_free(ssl)
            throw .openSSL("datagrams of \(maximumDatagramLength) bytes")
        }
        // The library keeps room for the largest record it may write: not 16 KB, then. It takes no less than 512.
        _ = SSL_ctrl(ssl, SSL_CTRL_SET_MAX_SEND_FRAGMENT, max(512, maximumDatagramLength), nil)
        if role == .server { SSL_set_accept_state(ssl) } else { SSL_set_connect_state(ssl) }
        return TLSConnection(ssl: ssl, port: port, role: role)
    }

    private init(ssl: OpaquePointer, port: DatagramPort, role: DTLSRole) {
        (self.ssl, self.port, self.role) = (ssl, port, role)
    }

    /// The BIO goes with it; the port, which that points at, afterwards.
    deinit { SSL_free(ssl) }

    // MARK: - Steps

    func handshake() -> Step {
        prepare()
        let result = SSL_do_handshake(ssl)
        return result == 1 ? .handshakeDone : step(after: result)
    }

    /// The next record's data.
    func read() -> Step {
        prepare()
        return withUnsafeTemporaryAllocation(byteCount: Int(SSL3_RT_MAX_PLAIN_LENGTH), alignment: 1) { room in
            let result = SSL_read(ssl, room.baseAddress, Int32(room.count))
            return result > 0 ? .received(Array(room.prefix(Int(result)))) : step(after: result)
        }
    }

    private func step(after result: Int32) -> Step {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .waits
        case SSL_ERROR_ZERO_RETURN: return .closed
        // The library says so of a record without content, and then goes on. There is no system call that could have failed.
        case SSL_ERROR_SYSCALL where ERR_peek_error() == 0: return .dropped
        default:
            let (reason, isAlert) = DTLSError.lastReason()
            return .failed(isAlert ? "the remote side refused: \(reason)" : reason)
        }
    }

    /// - Returns: Whether it was written.
    func write(_ data: RawSpan) -> Bool {
        prepare()
        // The library copies the bytes while it encrypts them.
        return data.withUnsafeBytes { SSL_write(ssl, $0.baseAddress, Int32($0.count)) > 0 }
    }

    /// Writes close_notify, if the handshake is done.
    func shutdown() {
        prepare()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }

    private func prepare() {
        ERR_clear_error()
        port.prepare()
    }

    // MARK: - What the handshake brought

    /// An X509 with a reference that the caller frees.
    func remoteCertificate() -> OpaquePointer? { SSL_get1_peer_certificate(ssl) }

    /// Nil: no profile was agreed on.
    func keys() throws(DTLSError) -> SRTPKeyingMaterial? {
        guard let selected = SSL_get_selected_srtp_profile(ssl) else { return nil }
        let name = String(cString: selected.pointee.name)
        guard let profile = SRTPProfile.allCases.first(where: { $0.libraryName == name }) else { return nil }
        var exported = [UInt8](repeating: 0, count: 2 * (profile.keyLength + profile.saltLength))
        defer { OPENSSL_cleanse(&exported, exported.count) }
        let label = "EXTRACTOR-dtls_srtp"
        ERR_clear_error()
        guard
            SSL_export_keying_material(ssl, &exported, exported.count, label, label.utf8.count, nil, 0, 0) == 1
        else { throw .openSSL("SSL_export_keying_material") }
        return SRTPKeyingMaterial(profile, exported: exported, role: role)
    }
}
