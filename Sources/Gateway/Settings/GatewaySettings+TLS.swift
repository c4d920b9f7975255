import Base
import Glibc
import Signaling

// What the settings of HTTPS come to.
extension GatewaySettings {
    /// Nil: HTTP without TLS.
    var tlsFiles: TLSFiles? {
        if let tlsCertificate { return TLSFiles(certificate: tlsCertificate, key: tlsKey ?? tlsCertificate) }
        guard let file = selfSignedCertificate?.file else { return nil }
        return TLSFiles(certificate: file, key: file)
    }

    var selfSignedCertificate: SelfSignedFiles? {
        guard tlsSelfSigned, let stateFolder else { return nil }
        return SelfSignedFiles(folder: stateFolder, names: selfSignedNames)
    }

    /// What clients may call this gateway, as far as it knows.
    private var selfSignedNames: [String] {
        var names = ["localhost", "127.0.0.1", "::1"]
        var bytes = [CChar](repeating: 0, count: 256)
        if gethostname(&bytes, bytes.count - 1) == 0 {
            let name = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if (try? SettingInput.text(name).host()) != nil { names.append(name) }
        }
        if !["0.0.0.0", "::"].contains(listenIP) { names.append(listenIP) }
        names += hosts
        return names.enumerated().filter { !names[..<$0.offset].contains($0.element) }.map(\.element)
    }

    /// The key whose value can't go with the others, and why; nil: they fit.
    var tlsContradiction: (key: String, message: String)? {
        if tlsKey != nil, tlsCertificate == nil {
            return ("tls.key", "needs tls.certificate (--tls-cert), the certificate that it belongs to")
        }
        guard tlsSelfSigned else { return nil }
        if tlsCertificate != nil {
            return ("tls.selfSigned", "there is tls.certificate (--tls-cert) already; leave one of them out")
        }
        if stateFolder == nil {
            return (
                "tls.selfSigned",
                "there is no folder to keep the certificate in; set HOME, XDG_STATE_HOME or STATE_DIRECTORY"
            )
        }
        return nil
    }

    /// systemd's `StateDirectory=` (the first of its folders), else the user's own (XDG Base Directory Specification).
    public static func stateFolder(_ environment: [String: String]) -> String? {
        func folder(_ name: String) -> String? {
            let path = environment[name].map { String($0.prefix { $0 != ":" }) } ?? ""
            return path.hasPrefix("/") ? path : nil
        }
        return folder("STATE_DIRECTORY") ?? folder("XDG_STATE_HOME").map { "\($0)/ladle" }
            ?? folder("HOME").map { "\($0)/.local/state/ladle" }
    }
}
