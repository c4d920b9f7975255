import Base
import SFU
import TestSupport
import Testing

private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

@Test func `the window opens above 0.3 of a core, and does not shut because it helps`() {
    var meter = LoadMeter(SFUConfiguration.Coalescing())
    var cpu = Duration.zero
    // 120,000 packets/s at 4 µs: 0.48 of a core.
    var now: Int64 = 0
    func run(_ periods: Int, packets: Int, costNanoseconds: Int64) {
        for _ in 0..<periods {
            now += 20
            meter.forwarded(packets)
            cpu += .nanoseconds(Int64(packets) * costNanoseconds)
            meter.learned(threadCPUTime: cpu, now: at(now))
        }
    }
    meter.learned(threadCPUTime: cpu, now: at(0))
    #expect(!meter.isOpen)
    run(30, packets: 2400, costNanoseconds: 4000)
    #expect(meter.isOpen)
    // Coalescing brings the cost down to 2 µs; the load that would be without it stays.
    run(100, packets: 2400, costNanoseconds: 2000)
    #expect(meter.isOpen)
    #expect(meter.load > 0.4)
    // Half of the traffic goes away: 0.24 is between the bounds.
    run(30, packets: 1200, costNanoseconds: 2000)
    #expect(meter.isOpen)
    run(30, packets: 600, costNanoseconds: 2000)
    #expect(!meter.isOpen)
}

@Test func `a meter that is switched off stays shut`() {
    var coalescing = SFUConfiguration.Coalescing()
    coalescing.isEnabled = false
    var meter = LoadMeter(coalescing)
    for period in 1...50 {
        meter.forwarded(10_000)
        meter.learned(threadCPUTime: .milliseconds(Int64(period) * 20), now: at(Int64(period) * 20))
    }
    #expect(!meter.isOpen && !meter.isDue(at: at(5000)))
}

/// Video at 2,000 packets a second without marker bits, and a meter that has been told of a busy thread.
private func loadedStage(isEnabled: Bool = true) throws -> (stage: Stage, source: Stage.Port, audio: Stage.Port) {
    var configuration = SFUConfiguration()
    configuration.coalescing.isEnabled = isEnabled
    let stage = try Stage(configuration)
    let source = try stage.transport("source", rtcpMux: true)
    try stage.produce("video", on: source, Parameters.vp8())
    let audio = try stage.transport("audio", rtcpMux: true)
    try stage.produce("audio", on: audio, Parameters.opus(), kind: .audio)
    for number in 0..<20 { try stage.receiver("c\(number)", of: "video", at: UInt16(5000 + 2 * number)) }
    try stage.receiver("a", of: "audio", at: 6000)
    var cpu = Duration.zero
    for number in 0..<2000 {
        let payload = Packets.vp8Payload(isKeyFrame: number == 0)
        stage.feed(try Packets.rtp(sequence: number, timestamp: UInt32(number / 4), payload: payload), on: source.rtp)
        stage.pass(.microseconds(500))
        cpu += .microseconds(400)
        if stage.engine.wantsLoad(at: stage.now) { stage.engine.learned(threadCPUTime: cpu, now: stage.now) }
    }
    stage.pass(.milliseconds(5))
    stage.sent = []
    return (stage, source, audio)
}

@Test func `while the window is open a packet waits a millisecond for others, but not behind a marker`() throws {
    let (stage, source, audio) = try loadedStage()
    let isOpen = stage.engine.load.isWindowOpen
    #expect(isOpen)
    func packet(_ sequence: Int, marker: Bool = false) throws -> [UInt8] {
        try Packets.rtp(marker: marker, sequence: sequence, payload: [0, 1, 2, 3])
    }
    let start = stage.now
    stage.feed(try packet(2000), on: source.rtp)
    #expect(stage.media(to: 5000).isEmpty)
    #expect(stage.isHolding)
    #expect(stage.engine.nextDeadline == start + .milliseconds(1))
    stage.pass(.microseconds(400))
    stage.feed(try packet(2001), on: source.rtp)
    #expect(stage.media(to: 5000).isEmpty)
    stage.pass(.microseconds(600))
    #expect(stage.media(to: 5000).count == 2)
    #expect(!stage.isHolding)
    // The frame's last packet takes the others with it.
    stage.feed(try packet(2002), on: source.rtp)
    stage.feed(try packet(2003, marker: true), on: source.rtp)
    #expect(stage.media(to: 5000).count == 4)
    // 32 are enough for a run.
    for number in 0..<32 { stage.feed(try packet(2004 + number), on: source.rtp) }
    #expect(stage.media(to: 5000).count == 36)
    // Slow streams don't wait.
    stage.feed(try Packets.rtp(payloadType: 100, sequence: 1, ssrc: 1111, payload: [1]), on: audio.rtp)
    #expect(stage.media(to: 6000).count == 1)
}

@Test func `without coalescing every packet leaves in its own turn`() throws {
    let (stage, source, _) = try loadedStage(isEnabled: false)
    stage.feed(try Packets.rtp(sequence: 2000, payload: [0, 1, 2, 3]), on: source.rtp)
    #expect(stage.media(to: 5000).count == 1)
}
