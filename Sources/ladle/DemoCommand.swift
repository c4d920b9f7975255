import ArgumentParser
import Control
import Events
import Gateway

/// What `make run` starts: a gateway, the test source in a room, and a recording of it.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Run the gateway with a test source in the room \"demo\", recorded.")

    @OptionGroup var options: ServeOptions
    @Option(name: .long, help: "The port to serve HTTP on, on loopback.") var port: UInt16?

    private static let room = "demo"

    func run() async throws {
        // What the machine's service is told is none of a demonstration's business.
        let loaded = try options.load(file: nil)
        var settings = loaded.settings
        if let port { settings.listenPort = port }
        // Firefox sends no media over the loopback, so browsers here are offered this machine's other address as well.
        let says = ["webrtc.addresses", "webrtc.announcedAddresses", "rtp.address", "rtp.announcedAddress"]
        if says.allSatisfy({ loaded.places[$0] == nil }), let own = MachineAddress.main {
            settings.webRTCAddresses = [settings.rtpIP, own]
        }
        // Nobody asked for this port, and clients are told which it is.
        if loaded.places["webrtc.port"] == nil, !MachineCheck(settings).isWebRTCPortFree { settings.webRTCPort = 0 }
        startLogging(loaded, standard: .warning)
        try await runGateway(settings) { running in
            // Printed as they happen, from the very first.
            let events = running.events.subscribe(.beginning)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await Self.start(in: running) }
                group.addTask {
                    // `make run | head`: whoever read has seen enough; the recording gets its end all the same. Asked
                    // for and not only noticed: minutes may pass between two events.
                    while Console.hasReader {
                        guard (try? await Task.sleep(for: .milliseconds(500))) != nil else { return }
                    }
                    running.stop("nobody reads the output any more")
                }
                for await event in events {
                    guard Console.offer(event.line(utcOffsetSeconds: Console.utcOffsetSeconds)) else {
                        running.stop("nobody reads the output any more")
                        break
                    }
                }
                group.cancelAll()
            }
        }
    }

    /// The recording first: the ingest then waits for it, so that nothing is missed.
    private static func start(in running: RunningGateway) async {
        do {
            let recording = try await running.pipelines.startRecording(RecordingRequest(room: room))
            Console.note(explanation(running, recording))
            _ = try await running.pipelines.startIngest(
                IngestRequest(room: room, source: .test, displayName: "test source"))
        } catch {
            Console.complain("\(error)")
        }
    }

    private static func explanation(_ running: RunningGateway, _ recording: RecordingStatus) -> String {
        // As it was called here, so that the lines can be copied.
        let ladle = CommandLine.arguments.first ?? "ladle"
        let gateway = running.url == GatewayClient.standardURL ? "" : " --gateway \(running.url)"
        // wss://localhost:4443 is where web applications written for mediasoup's demo look for their server.
        let trust = running.selfSignedCertificate.map { file in
            """
              browsers:       open \(running.url) once and let the certificate pass, or import
                              \(file)

            """
        }
        return """
            Ladle \(LadleVersion.current) serves \(running.url); the test source goes into the room "\(room)".
              your own file:  \(ladle) ingest FILE --room \(room)\(gateway)
                              (in another terminal; a file below \(running.mediaFolder))
              look at it:     \(running.url)/rooms/\(room)/watch
              send a camera:  \(running.url)/rooms/\(room)/publish
            \(trust ?? "")  the recording:  \(recording.file)
              stop:           Ctrl-C, which finishes the recording

            """
    }
}
