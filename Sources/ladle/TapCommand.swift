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
        guard SocketAddress(address, port: 0) != nil else {
            throw ValidationError("--address is '\(address)'; it must be an IPv4 or IPv6 address")
        }
        try await gateway.withClient { client in
            var tap = Tap(client: client, room: room, address: address)
            do {
                try await tap.open(onlyFrom: broadcaster)
                let file = output ?? Self.temporaryFile(for: room)
                try write(tap.description.text, to: file)
                Console.out(tap.description.text)
                explain(file)
                try await wait(for: tap, file)
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
        do { try text.write(toFile: file, atomically: true, encoding: .utf8) } catch {
            throw ValidationError("can't write \(file): \(error)")
        }
    }

    private func explain(_ file: String) {
        guard !play else { return }
        Console.note("look at it with:")
        Console.note("  ffplay -protocol_whitelist file,udp,rtp -i \(file)")
        Console.note("  gst-launch-1.0 filesrc location=\(file) ! sdpdemux ! decodebin ! autovideosink")
        Console.note("Ctrl-C ends the tap")
    }

    /// Resumes the consumers whenever a player opens their ports, until Ctrl-C or the player's end.
    private func wait(for tap: Tap, _ file: String) async throws {
        let interrupts = Interrupts()
        let signals = interrupts.stream
        let player = play ? try Player(file: file) : nil
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in signals { return } }
            group.addTask { try await tap.serve() }
            if let player { group.addTask { try await player.wait() } }
            try await group.next()
            group.cancelAll()
        }
        player?.stop()
    }
}
