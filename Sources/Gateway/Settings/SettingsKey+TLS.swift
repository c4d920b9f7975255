import Base

extension SettingsKey {
    /// HTTPS.
    static let tls: [SettingsKey] = [
        one(
            "tls.certificate", "path", flag: "--tls-cert",
            "The file with the certificate for HTTPS and those that lead to its root; without one it is HTTP.",
            value: { JSONValue($0.tlsCertificate) }
        ) { settings, input throws(SettingRefusal) in settings.tlsCertificate = try input.path() },
        one(
            "tls.key", "path", flag: "--tls-key", "The file with its key; without one it is in the certificate's file.",
            value: { JSONValue($0.tlsKey) }
        ) { settings, input throws(SettingRefusal) in settings.tlsKey = try input.path() },
        one(
            "tls.selfSigned", "true or false", flag: "--tls-self-signed",
            "HTTPS with a certificate that is made at the first start and that nobody else signed.",
            value: { JSONValue($0.tlsSelfSigned) }
        ) { settings, input throws(SettingRefusal) in settings.tlsSelfSigned = try input.bool() },
    ]
}
