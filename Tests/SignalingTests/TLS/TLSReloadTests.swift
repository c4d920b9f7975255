import Base
import DTLS
import Foundation
import Logging
import NIOSSL
import Signaling
import TestSupport
import Testing

/// Certificates change while the gateway runs.
@Suite struct TLSReloadTests {
    private func isTrusted(_ certificate: NIOSSLCertificate, on port: Int) async -> Bool {
        (try? await RawClient(port: port, trusts: certificate)("GET", "/api/v1/version").status) == 200
    }

    @Test func `a new pair of files serves new connections, and old ones go on`() async throws {
        let folder = try TLSFolder()
        let first = try folder.put(TLSFolder.pair())
        let log = LogLines()
        try await Gateway.run(folder.configuration(), logger: log.logger) { gateway in
            let port = gateway.client.port
            let peer = try await ProtooClient.open(port, "roomId=r&peerId=p", trusts: first)
            let second = try folder.put(TLSFolder.pair())
            let line = await log.next("loaded anew")
            #expect(line?.contains("\(folder.files.certificate) was loaded anew; valid until 20") == true)
            #expect(await isTrusted(second, on: port))
            #expect(await !isTrusted(first, on: port))
            #expect(try await peer.ask("getRouterRtpCapabilities")["ok"] == true)
        }
    }

    @Test func `a pair that is no pair, or no certificate, changes nothing but the log`() async throws {
        let folder = try TLSFolder()
        let first = try folder.put(TLSFolder.pair())
        let log = LogLines()
        try await Gateway.run(folder.configuration(), logger: log.logger) { gateway in
            let port = gateway.client.port
            let stays = "error: the certificate that was loaded before stays in use: "
            let next = try TLSFolder.pair()
            try folder.put("cert.pem", next.certificate)
            let mismatch = await log.next("stays in use")
            #expect(mismatch?.hasPrefix("\(stays)tls.key: \(folder.files.key): its key does not belong") == true)
            #expect(await isTrusted(first, on: port))
            try folder.put("cert.pem", "nothing of the kind")
            let damaged = await log.next("stays in use")
            #expect(damaged?.hasPrefix("\(stays)tls.certificate: \(folder.files.certificate): holds no") == true)
            #expect(await isTrusted(first, on: port))
            try FileManager.default.removeItem(atPath: folder.files.certificate)
            let missing = await log.next("stays in use")
            #expect(missing?.contains("No such file or directory; check the path") == true)
            #expect(await isTrusted(first, on: port))
            // What was wrong is put right.
            let second = try folder.put(next)
            #expect(await log.next("loaded anew") != nil)
            #expect(await isTrusted(second, on: port))
        }
    }

    /// live/example/fullchain.pem → ../../archive/example/fullchain2.pem.
    @Test func `links that lead elsewhere are a change`() async throws {
        let folder = try TLSFolder()
        @Sendable func lead(to number: Int) throws {
            for name in ["cert", "key"] {
                let link = "\(folder.path)/\(name).pem"
                try FileManager.default.createSymbolicLink(
                    atPath: "\(link).new", withDestinationPath: "\(name)\(number).pem")
                #expect(rename("\(link).new", link) == 0)
            }
        }
        var trusted: [NIOSSLCertificate] = []
        for number in 1...2 {
            let pair = try TLSFolder.pair()
            try folder.put("cert\(number).pem", pair.certificate)
            try folder.put("key\(number).pem", pair.key)
            trusted.append(try TLSFolder.trust(pair))
        }
        try lead(to: 1)
        let log = LogLines()
        try await Gateway.run(folder.configuration(), logger: log.logger) { [trusted] gateway in
            #expect(await isTrusted(trusted[0], on: gateway.client.port))
            try lead(to: 2)
            #expect(await log.next("loaded anew") != nil)
            #expect(await isTrusted(trusted[1], on: gateway.client.port))
        }
    }
}
