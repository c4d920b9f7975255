import Base
import Glibc
import Logging
import NIOSSL

/// Who the gateway is to HTTPS clients: the certificate in its files, read anew when they change. Connections go on with the one
/// that they began with; a file that can't be used changes nothing.
final class TLSKeeper: Sendable {
    private struct State {
        var certificate: TLSCertificate
        /// What the files looked like when they were read last, with or without success.
        var handled: Stamp
        /// What they looked like the last time, when that was something else: two looks alike mean that writing is over.
        var seen: Stamp?
        /// Days since 1970.
        var warnedOn: Int
    }

    private let files: TLSFiles
    private let logger: Logger
    private let state: Locked<State>

    /// - Throws: Which file can't be used, why, and what to do.
    init(_ files: TLSFiles, logger: Logger) throws(SignalingError) {
        // Before they are read: what changes meanwhile is found later.
        let stamp = Stamp(files)
        let certificate = try TLSCertificate(files)
        let now = time(nil)
        (self.files, self.logger) = (files, logger)
        state = Locked(State(certificate: certificate, handled: stamp, seen: nil, warnedOn: now / 86_400))
        warn(of: certificate, now)
    }

    /// For connections that come now.
    var context: NIOSSLContext { state.withLock { $0.certificate.context } }

    /// Looks at the files until it is cancelled.
    func watch(every interval: Duration) async {
        while (try? await Task.sleep(for: interval)) != nil { look(unixSeconds: time(nil)) }
    }

    private func look(unixSeconds now: Int) {
        let stamp = Stamp(files)
        let (isNew, isNewDay) = state.withLock { state in
            let isNewDay = state.warnedOn != now / 86_400
            if isNewDay { state.warnedOn = now / 86_400 }
            guard stamp != state.handled else {
                state.seen = nil
                return (false, isNewDay)
            }
            guard stamp == state.seen else {
                state.seen = stamp
                return (false, isNewDay)
            }
            (state.handled, state.seen) = (stamp, nil)
            return (true, isNewDay)
        }
        if isNew {
            load(now)
        } else if isNewDay {
            warn(of: state.withLock { $0.certificate }, now)
        }
    }

    private func load(_ now: Int) {
        do throws(SignalingError) {
            let certificate = try TLSCertificate(files)
            state.withLock { $0.certificate = certificate }
            logger.info(
                "\(files.certificate) was loaded anew; valid until \(TLSCertificate.day(certificate.validUntil))")
            warn(of: certificate, now)
        } catch {
            logger.error("the certificate that was loaded before stays in use: \(error)")
        }
    }

    private func warn(of certificate: TLSCertificate, _ now: Int) {
        for warning in certificate.warnings(files: files, unixSeconds: now) { logger.warning("\(warning)") }
    }
}

/// What tells one state of the files from another; links are followed, so a link that leads elsewhere is a change.
private struct Stamp: Equatable {
    private struct File: Equatable {
        var device: UInt = 0
        var inode: UInt = 0
        var size = 0
        var seconds = 0
        var nanoseconds = 0
        /// It is not there, or can't be seen.
        var error: Int32 = 0

        init(_ path: String) {
            var about = stat()
            guard stat(path, &about) == 0 else {
                error = errno
                return
            }
            (device, inode, size) = (UInt(about.st_dev), UInt(about.st_ino), Int(about.st_size))
            (seconds, nanoseconds) = (about.st_mtim.tv_sec, about.st_mtim.tv_nsec)
        }
    }

    private let files: [File]

    init(_ files: TLSFiles) { self.files = [File(files.certificate), File(files.key)] }
}
