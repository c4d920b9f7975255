import FoundationEssentials
import Glibc
import Pipelines
import Testing

/// A machine of files.
private final class Machine {
    let root = "/tmp/ladle-devices-\(UUID().uuidString)"

    init(_ files: [String: String]) throws {
        for (path, text) in files {
            let whole = root + path
            let folder = whole.split(separator: "/").dropLast().joined(separator: "/")
            try FileManager.default.createDirectory(atPath: "/" + folder, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: whole))
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }
}

private let files = [
    "/sys/class/video4linux/video0/name": "HD Pro Webcam C920\n",
    "/sys/class/video4linux/video1/name": "HD Pro Webcam C920\n",
    "/sys/class/video4linux/video10/name": "Loopback\n",
    "/sys/class/video4linux/video2/name": "Old\n",
    "/sys/class/video4linux/v4l-subdev0/name": "sensor\n",
    "/dev/video0": "", "/dev/video1": "", "/dev/video10": "", "/dev/snd/pcmC1D0c": "", "/dev/snd/pcmC0D0c": "",
    "/proc/asound/cards": """
     0 [PCH            ]: HDA-Intel - HDA Intel PCH
                          HDA Intel PCH at 0xf7f10000 irq 31
     1 [C920           ]: USB-Audio - HD Pro Webcam C920
                          HD Pro Webcam C920 at usb-0000:00:14.0-1, high speed

    """,
    "/proc/asound/pcm": """
    00-00: ALC257 Analog : ALC257 Analog : playback 1 : capture 1
    00-03: HDMI 0 : HDMI 0 : playback 1
    01-00: USB Audio : USB Audio : capture 1

    """,
]

@Suite struct `The devices of a machine` {
    @Test func `are listed with their addresses, names and what stands in the way`() throws {
        let machine = try Machine(files)
        let devices = CaptureDevices(root: machine.root) { node in
            switch node.dropFirst(machine.root.count) {
            case "/dev/video0": .isCapture
            case "/dev/video1": .isNoCapture
            case "/dev/video10": .refused(EACCES)
            case "/dev/video2": .refused(ENOENT)
            case "/dev/snd/pcmC1D0c": .refused(EBUSY)
            default: .unknown
            }
        }
        #expect(
            devices.cameras == [
                .init(address: "v4l2:/dev/video0", name: "HD Pro Webcam C920"),
                .init(address: "v4l2:/dev/video2", name: "Old", obstacle: "there is no \(machine.root)/dev/video2"),
                .init(
                    address: "v4l2:/dev/video10", name: "Loopback",
                    obstacle: "permission denied: add yourself to the group video"),
            ])
        #expect(
            devices.microphones == [
                .init(address: "alsa:hw:0,0", name: "HDA Intel PCH: ALC257 Analog"),
                .init(
                    address: "alsa:hw:1,0", name: "HD Pro Webcam C920: USB Audio", obstacle: "another program uses it"),
            ])
    }

    @Test func `are really asked`() throws {
        let machine = try Machine(files)
        let devices = CaptureDevices(root: machine.root)
        // Plain files answer no question about cameras and stand in nobody's way; a node that is missing does.
        #expect(devices.cameras.map(\.address).contains("v4l2:/dev/video1"))
        #expect(devices.cameras.first { $0.address == "v4l2:/dev/video2" }?.obstacle != nil)
        #expect(devices.cameras.first { $0.address == "v4l2:/dev/video0" }?.obstacle == nil)
    }

    @Test func `may be none`() throws {
        let machine = try Machine([
            "/proc/asound/pcm": "nonsense\n0-: x\n:::\n", "/proc/asound/cards": "--- no soundcards ---",
        ])
        #expect(CaptureDevices(root: machine.root).cameras.isEmpty)
        #expect(CaptureDevices(root: machine.root).microphones.isEmpty)
        #expect(CaptureDevices(root: machine.root + "/nowhere").microphones.isEmpty)
    }
}
