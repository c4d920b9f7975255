import Base
import Glibc
import ORTC
import SFU
import Testing

/// Memory of this process that lies in RAM, in bytes, after the allocator has given back all that it can.
private func residentBytes() -> Int {
    // Of glibc alone, and in no module map; it takes what is to stay, and says whether anything went.
    typealias Trim = @convention(c) (Int) -> Int32
    if let trim = dlsym(nil, "malloc_trim") { _ = unsafeBitCast(trim, to: Trim.self)(0) }
    guard let file = fopen("/proc/self/statm", "r") else { return -1 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { return -1 }
    let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? -1) * sysconf(Int32(_SC_PAGESIZE))
}

/// A camera, and consumers of it with retransmissions and SRTP, each on a transport of its own.
private final class Crowd {
    let stage: Stage
    private let camera: Stage.Port
    private var track = VideoTrack()
    private let capabilities: RTPCapabilities
    private var number = 0

    init() throws {
        stage = try Stage()
        capabilities = Parameters.everything
        camera = try stage.transport("camera", rtcpMux: true)
        var parameters = Parameters.vp8(feedback: [RTCPFeedback("nack"), RTCPFeedback("nack", "pli")])
        parameters.codecs.append(
            RTPCodecParameters(
                mimeType: "video/rtx", payloadType: 97, clockRate: 90_000, parameters: ["apt": 96]))
        try stage.produce("video", on: camera, parameters)
    }

    /// Consumers come, get some pictures, and go; bytes for each of them while they are there.
    func comeAndGo(_ count: Int) throws -> Int {
        let before = residentBytes()
        var ports: [Stage.Port] = []
        for place in 0..<count {
            number += 1
            let port = try stage.transport("out-\(number)", comedia: false, rtcpMux: true, srtp: "AEAD_AES_128_GCM")
            _ = try stage.engine.connect(
                port.id, ip: "198.51.100.7", port: 5000, rtcpPort: nil,
                srtpParameters: stage.engine.srtpParameters(of: port.id), now: stage.now, into: &stage.outbox)
            let consumer = try stage.consume("c-\(number)", on: port, of: "video", capabilities)
            if place == 0 { #expect(consumer.rtpParameters.encodings.first?.rtxSSRC != nil) }
            ports.append(port)
        }
        for picture in 0..<8 {
            for packet in try track.frame(isKeyFrame: picture == 0, packets: 2) { stage.feed(packet, on: camera.rtp) }
            stage.pass(.milliseconds(33))
        }
        #expect(stage.media(to: 5000).count >= 8 * count)
        forget()
        let population = stage.engine.population
        #expect(population.consumers == count && population.transports == count + 1)
        let each = (residentBytes() - before) / count
        for (place, port) in ports.enumerated() {
            // By the consumer, and by the transport that takes it along.
            if place % 2 == 0 {
                stage.engine.close(
                    ConsumerID(rawValue: "c-\(number - count + place + 1)"), now: stage.now, into: &stage.outbox)
            }
            stage.engine.close(port.id, now: stage.now, into: &stage.outbox)
        }
        stage.collect()
        stage.pass(.seconds(3))
        forget()
        return each
    }

    private func forget() {
        stage.sent = []
        stage.closedSockets = []
        stage.events = []
    }
}

@Suite struct MemoryTests {
    @Test func `a thousand video consumers with retransmissions and SRTP leave no memory behind`() async {
        // In a process of its own: other tests take and give memory meanwhile.
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            let crowd = try Crowd()
            // Once in advance, so that all that grows once has grown.
            _ = try crowd.comeAndGo(1000)
            let before = residentBytes()
            let population = crowd.stage.engine.population
            var each = 0
            for _ in 0..<3 { each = try crowd.comeAndGo(1000) }
            let after = residentBytes()
            print("a video consumer with retransmissions and SRTP, its transport included: \(each) bytes")
            print("left of 3000: \(after - before) bytes")
            #expect(crowd.stage.engine.population == population)
            #expect(population.consumers == 0 && population.transports == 1)
            // 400 bytes for each consumer would be found. The thread sanitizer keeps several for each byte of ours.
            let shadow = dlsym(nil, "__tsan_init") == nil ? 1 : 5
            #expect(after - before < shadow * 1_200_000, "\(before) \(after)")
            #expect(each < shadow * 40 << 10)
        }
        // The child's output would be lost.
        print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self), terminator: "")
    }
}
