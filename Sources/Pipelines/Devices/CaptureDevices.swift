import Glibc

/// The cameras and microphones of this machine, as the kernel lists them; nothing is played or recorded to find out.
public struct CaptureDevices: Sendable, Hashable {
    public struct Device: Sendable, Hashable {
        /// What an ingest calls it: "v4l2:/dev/video0", "alsa:hw:1,0".
        public var address: String
        /// What its maker calls it.
        public var name: String
        /// Why it can't be used, and what would help; nil: it can.
        public var obstacle: String?

        public init(address: String, name: String, obstacle: String? = nil) {
            (self.address, self.name, self.obstacle) = (address, name, obstacle)
        }
    }

    public var cameras: [Device]
    public var microphones: [Device]

    /// Where they are looked for.
    public static let cameraFolder = "/sys/class/video4linux"
    public static let soundList = "/proc/asound/pcm"

    /// How a device node answers.
    public enum Answer: Sendable { case isCapture, isNoCapture, unknown, refused(Int32) }

    /// - Parameter root: Stands before every path that is read; addresses have it not.
    public init(root: String = "") {
        self.init(root: root) { nodeAnswer($0) }
    }

    /// - Parameter ask: In the place of opening a node.
    public init(root: String, ask: (String) -> Answer) {
        cameras = Self.cameras(root: root, ask: ask)
        microphones = Self.microphones(root: root, ask: ask)
    }

    // MARK: Cameras

    private static func cameras(root: String, ask: (String) -> Answer) -> [Device] {
        names(in: root + cameraFolder).compactMap { node -> (Int, Device)? in
            guard node.hasPrefix("video"), let number = Int(node.dropFirst(5)) else { return nil }
            let path = "/dev/\(node)"
            let name = text(of: "\(root)\(cameraFolder)/\(node)/name")?.trimmed
            var device = Device(address: "v4l2:\(path)", name: name ?? node)
            switch ask(root + path) {
            case .isCapture, .unknown: break
            // A camera has further nodes, for its metadata.
            case .isNoCapture: return nil
            case .refused(let number): device.obstacle = obstacle(number, node: root + path, group: "video")
            }
            return (number, device)
        }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    // MARK: Microphones

    /// Lines like "01-00: USB Audio : USB Audio : capture 1" (/proc/asound/pcm: card, device, id, name, streams).
    private static func microphones(root: String, ask: (String) -> Answer) -> [Device] {
        let cards = cardNames(text(of: "\(root)/proc/asound/cards") ?? "")
        return (text(of: root + soundList) ?? "").split(separator: "\n").compactMap { line in
            let parts = line.split(separator: ":").map { String($0).trimmed }
            let numbers = (parts.first ?? "").split(separator: "-").compactMap { Int($0) }
            guard numbers.count == 2, parts.dropFirst(2).contains(where: { $0.hasPrefix("capture") }) else {
                return nil
            }
            let (card, device) = (numbers[0], numbers[1])
            let name = [cards[card], parts.count > 1 ? parts[1] : nil].compactMap(\.self).joined(separator: ": ")
            var found = Device(address: "alsa:hw:\(card),\(device)", name: name)
            let node = "\(root)/dev/snd/pcmC\(card)D\(device)c"
            if case .refused(let number) = ask(node) { found.obstacle = obstacle(number, node: node, group: "audio") }
            return found
        }
    }

    /// Lines like " 1 [C920           ]: USB-Audio - HD Pro Webcam C920", each followed by one of details.
    private static func cardNames(_ text: String) -> [Int: String] {
        var names: [Int: String] = [:]
        for line in text.split(separator: "\n") {
            guard let number = Int(line.prefix { $0 != "[" }.filter { $0 != " " }),
                let dash = line.firstRange(of: " - ")
            else { continue }
            names[number] = String(line[dash.upperBound...]).trimmed
        }
        return names
    }

    // MARK: Nodes

    private static func obstacle(_ number: Int32, node: String, group: String) -> String {
        switch number {
        case EACCES, EPERM:
            "permission denied: add yourself to the group \(self.group(of: node) ?? group)"
        case EBUSY, EAGAIN: "another program uses it"
        case ENOENT: "there is no \(node)"
        case ENODEV, ENXIO: "it is not connected"
        default: systemText(number)
        }
    }

    private static func group(of node: String) -> String? {
        var about = stat()
        guard stat(node, &about) == 0, about.st_gid != 0, let group = getgrgid(about.st_gid) else { return nil }
        return String(cString: group.pointee.gr_name)
    }

    // MARK: Reading

    private static func names(in folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// Files of the kernel have no size; 64 KiB is far beyond these lists.
    private static func text(of path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < 64 * 1024 {
            let part = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            if part.isEmpty { break }
            bytes += part
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Opens a node and, of a camera, asks what it does (VIDIOC_QUERYCAP of linux/videodev2.h).
private func nodeAnswer(_ path: String) -> CaptureDevices.Answer {
    let descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return .refused(errno) }
    defer { close(descriptor) }
    // struct v4l2_capability: driver 16, card 32, bus 32, version 4, capabilities 4, device_caps 4, reserved 12.
    var answer = [UInt32](repeating: 0, count: 26)
    // _IOR('V', 0, struct v4l2_capability); what is no camera does not know it.
    let result = answer.withUnsafeMutableBytes { ioctl(descriptor, 0x8068_5600, $0.baseAddress.unsafelyUnwrapped) }
    guard result == 0 else { return .unknown }
    // V4L2_CAP_DEVICE_CAPS: `device_caps` tells about this node, `capabilities` about the whole device.
    let capabilities = answer[21] & 0x8000_0000 != 0 ? answer[22] : answer[21]
    // V4L2_CAP_VIDEO_CAPTURE and V4L2_CAP_VIDEO_CAPTURE_MPLANE.
    return capabilities & 0x1001 != 0 ? .isCapture : .isNoCapture
}

extension String {
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text = text.dropFirst() }
        while text.last?.isWhitespace == true { text = text.dropLast() }
        return String(text)
    }
}
