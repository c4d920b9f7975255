import Base
import Signaling
import StrictYAML

extension SettingsFile {
    private static let iceServerKeys = ["urls", "credentials", "secret"]

    /// STUN and TURN servers, each with the addresses that it has; those that are right.
    static func iceServers(_ reader: YAMLReader, _ reading: inout SettingsReading) -> [ICEServer] {
        let elements = reading.noting { () throws(YAMLFileError) in try reader.elements() } ?? []
        return elements.flatMap { iceServer($0, &reading) }
    }

    private static func iceServer(_ reader: YAMLReader, _ reading: inout SettingsReading) -> [ICEServer] {
        let members = members(reader, allowed: iceServerKeys, secretsIn: "credentials", &reading)
        guard let members else { return [] }
        guard let urls = members["urls"] else {
            reading.add(reader.error("urls is missing, for instance [\"stun:stun.example.org:3478\"]"))
            return []
        }
        let context = reading
        if members["credentials"] != nil, let entry = members["secret"] {
            reading.add(entry.error("a server has credentials or a secret, not both"))
            return []
        }
        let entry = members["credentials"] ?? members["secret"]
        let account = entry.flatMap { entry in
            reading.noting(entry) { input throws(SettingRefusal) in
                try Account(input, isShared: members["secret"] != nil, context)
            }
        }
        if let account, account.secret.isReadableByOthers, let entry {
            reading.warnings.append(SettingsProblem(entry.error(account.secret.warning)))
        }
        // One address may stand there without brackets, as in browsers' RTCIceServer.
        let addresses = (try? urls.elements()) ?? [urls]
        return addresses.compactMap { address in
            reading.noting(address) { input throws(SettingRefusal) in
                let url = try input.iceServerURL()
                guard !url.hasPrefix("turn") || entry != nil else {
                    throw SettingRefusal(
                        "browsers refuse a TURN server without a name and a password; write user:password into a file of its "
                            + "own, or a systemd credential, and name that with credentials; or what the server has as "
                            + "static-auth-secret, and name that with secret")
                }
                return ICEServer(url: url, account: account?.value)
            }
        }
    }

    /// Who asks, at a TURN server.
    private struct Account {
        let secret: Secret
        let value: ICEServer.Account

        /// - Parameter isShared: The file has what the server makes passwords of, not one of them.
        init(_ input: SettingInput, isShared: Bool, _ reading: SettingsReading) throws(SettingRefusal) {
            secret = try Secret.read(
                input.text("the name of a systemd credential, or the path of a file"), reading)
            if isShared {
                value = .secret(secret.text)
                return
            }
            let parts = secret.text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw SettingRefusal("the first line of the file that it names is not user:password")
            }
            // They travel in a header, in quotes.
            let isPlain = secret.text.unicodeScalars.allSatisfy {
                (0x20...0x7E).contains($0.value) && $0 != "\"" && $0 != "\\"
            }
            guard isPlain else {
                throw SettingRefusal(
                    "the file that it names has characters besides ASCII's, quotes or backslashes in it")
            }
            value = .password(name: String(parts[0]), String(parts[1]))
        }
    }
}

extension SettingInput {
    /// RFC 7064 §3.1, RFC 7065 §3.1: "stun:host:port", "turns:host:port?transport=tcp".
    func iceServerURL() throws(SettingRefusal) -> String {
        let allowed =
            "the address of an ICE server, for instance stun:stun.example.org:3478 or "
            + "turns:turn.example.org:443?transport=tcp"
        let text = try text(allowed, limit: 512)
        guard let scheme = ["stun:", "stuns:", "turn:", "turns:"].first(where: { text.hasPrefix($0) }) else {
            throw refusal(allowed)
        }
        var rest = text.dropFirst(scheme.count)
        if let mark = rest.firstIndex(of: "?") {
            guard scheme.hasPrefix("turn"), ["?transport=udp", "?transport=tcp"].contains(rest[mark...]) else {
                throw refusal(allowed)
            }
            rest = rest[..<mark]
        }
        var host = rest
        if !rest.hasSuffix("]"), let colon = rest.lastIndex(of: ":") {
            guard let port = UInt16(rest[rest.index(after: colon)...]), port > 0 else { throw refusal(allowed) }
            host = rest[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard SocketAddress(String(host.dropFirst().dropLast()), port: 0)?.isIPv4 == false else {
                throw refusal(allowed)
            }
        } else {
            guard !host.contains(":"), (try? SettingInput.text(String(host)).host()) != nil else {
                throw refusal(allowed)
            }
        }
        return text
    }
}
