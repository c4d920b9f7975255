import Base

extension CaptureDevices {
    /// What there is, for people: addresses to use, names, and what stands in the way.
    public var lines: [String] {
        let width = (cameras + microphones).map(\.address.count).max() ?? 0
        func lines(_ title: String, _ devices: [Device]) -> [String] {
            devices.isEmpty ? [] : [title] + devices.map { $0.line(width: width) }
        }
        return lines("Cameras", cameras) + lines("Microphones", microphones)
    }

    /// What was looked for in vain.
    public var absences: [String] {
        (cameras.isEmpty ? ["no camera: \(Self.cameraFolder) lists none"] : [])
            + (microphones.isEmpty ? ["no microphone: \(Self.soundList) lists nothing that captures"] : [])
    }

    /// One that works, as an argument of `ladle ingest`; nil: there is none.
    public var example: String? {
        let microphone = microphones.first { $0.obstacle == nil }
        guard let camera = cameras.first(where: { $0.obstacle == nil }) else { return microphone?.address }
        guard let microphone else { return camera.address }
        // The "?" is a pattern to shells.
        return "'\(camera.address)?microphone=\(microphone.address.trimmingPrefix("alsa:"))'"
    }

    public var json: JSONValue {
        ["cameras": .array(cameras.map(\.json)), "microphones": .array(microphones.map(\.json))]
    }
}

extension CaptureDevices.Device {
    fileprivate func line(width: Int) -> String {
        let padding = String(repeating: " ", count: max(0, width - address.count))
        return "  \(address)\(padding)  \(name)" + (obstacle.map { " (\($0))" } ?? "")
    }

    fileprivate var json: JSONValue {
        .object(omittingAbsent: [
            "address": .string(address), "name": .string(name), "usable": .bool(obstacle == nil),
            "obstacle": obstacle.map { .string($0) },
        ])
    }
}
