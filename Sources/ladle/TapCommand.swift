import ArgumentParser
import Base
import FoundationEssentials
import Glibc
import ORTC
import SDP

struct TapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tap", abstract: "Fresh plain RTP consumers of a room, and the SDP to look at them with.",
        discussion: """
            Media starts with a whole picture as soon as a player opens the first port. The consumers live as long as \
            this command.
            """)

    @OptionGroup var gateway: GatewayOptions
    @Option(name: .long, help: "The room.") var room = "demo"
    @Option(name: .long, help: "Where the player runs; an address the gateway can send to.") var address = "127.0.0.1"
    @Option(name: .long, help: "Only the tracks of the broadcaster with this id.") var broadcaster: String?
    @Option(name: .long, help: "Where to write the SDP; by default a temporary file.") var output: String?
    @Flag(name: .long, help: "Start ffplay, and end with it.") var play = false

    func run() async throws {
        try usage {
            guard SocketAddress(address, port: 0) == nil else { return }
            throw UsageError("--address is '\(address)'; it must be an IPv4 or IPv6 address")
        }
        // Before anything is in the room: whoever interrupts now leaves nothing behind either.
        let interrupts = Interrupts()
        let signals = interrupts.stream
        try await gateway.withClient { client in
            var tap = Tap(client: client, room: room, address: address)
            do {
                try await tap.open(onlyFrom: broadcaster)
                let file = output ?? Self.temporaryFile(for: room)
                try write(tap.description.text, to: file)
                Console.out(tap.description.text)
                explain(file)
                try await wait(for: tap, file, signals)
            } catch {
                await tap.close()
                throw error
            }
            await tap.close()
        }
    }

    private static func temporaryFile(for room: String) -> String {
        FileManager.default.temporaryDirectory.path + "/ladle-tap-\(room.asPathSegment)-\(getpid()).sdp"
    }

    private func write(_ text: String, to file: String) throws {
        // Not Foundation's own: its errors are pages.
        guard let target = fopen(file, "w") else { throw GatewayRefusal(cantWrite: file) }
        let written = fputs(text, target)
        guard fclose(target) == 0, written >= 0 else { throw GatewayRefusal(cantWrite: file) }
    }

    private func explain(_ file: String) {
        guard !play else { return }
        Console.note("look at it with:")
        Console.note("  ffplay -protocol_whitelist file,udp,rtp -i \(file)")
        Console.note("  gst-launch-1.0 filesrc location=\(file) ! sdpdemux ! decodebin ! autovideosink")
        Console.note("Ctrl-C ends the tap")
    }

    /// Resumes the consumers whenever a player opens their ports, until Ctrl-C or the player's end.
    private func wait(for tap: Tap, _ file: String, _ signals: AsyncStream<Int32>) async throws {
        let player = play ? try Player(file: file) : nil
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in signals { return } }
            group.addTask { try await tap.serve() }
            if let player { group.addTask { try await player.wait() } }
            // However it ends: the player must not stay.
            defer {
                group.cancelAll()
                player?.stop()
            }
            try await group.next()
        }
    }
}

extension GatewayRefusal {
    fileprivate init(cantWrite file: String) {
        self.init(status: 0, message: "can't write \(file): \(String(cString: strerror(errno)))")
    }
}
