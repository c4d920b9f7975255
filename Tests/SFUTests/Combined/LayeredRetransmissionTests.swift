import Base
import ORTC
import SFU
import SRTP
import Testing

/// One way of sending that a scenario is played with.
struct SendingForm: Sendable, CustomStringConvertible {
    var seed: UInt64
    var rtx: Bool
    var suite: SRTPCryptoSuite?

    static let all = [
        SendingForm(seed: 1, rtx: true), SendingForm(seed: 2, rtx: false),
        SendingForm(seed: 3, rtx: true, suite: .aeadAES128GCM), SendingForm(seed: 4, rtx: false, suite: .aeadAES128GCM),
    ]

    var description: String { "seed \(seed), \(rtx ? "RTX" : "no RTX"), \(suite?.rawValue ?? "plain")" }
}

@Suite struct LayeredRetransmissionTests {
    @Test(arguments: SendingForm.all)
    func `under loss, layer switches and temporal drops everything comes again as it was first sent`(
        form: SendingForm
    ) throws {
        let lossy = try LayeredLossyStage(seed: form.seed, rtx: form.rtx, suite: form.suite)
        for round in 0..<18 {
            try lossy.play(11, keys: round % 3 == 0 ? [0, 1, 2] : [])
            try lossy.stage.prefer(UInt8((round * 2) % 3), UInt8(round % 3))
        }
        try lossy.settle()
        lossy.witness.expectNothingWrong("\(form)")
        #expect(lossy.down.lostCount > 10 && lossy.receiver.retransmissions > 10, "\(form)")
        #expect((form.rtx ? lossy.witness.retransmissions : lossy.witness.repetitions) > 10, "\(form)")
        #expect(lossy.receiver.differing == 0, "\(form)")
        // Nothing is missing in the end, and it is one stream: without a gap, picture after picture.
        #expect(lossy.receiver.packets.count == lossy.witness.packets.count, "\(form)")
        let received = lossy.received
        #expect(Set(received.map(\.packet.place)) == [0, 1, 2], "\(form)")
        expectContinuity(received.map(\.packet))
    }

    @Test(arguments: SendingForm.all)
    func `no number is used for two packets, whatever is paused, switched, restarted or overrun`(
        form: SendingForm
    ) throws {
        var configuration = SFUConfiguration()
        configuration.gopCacheBytes = 64 << 10
        let lossy = try LayeredLossyStage(
            seed: form.seed, rtx: form.rtx, suite: form.suite, configuration: configuration, outbox: 8192)
        lossy.lateness = 0.03
        var random = RandomSource.seeded(form.seed)
        for round in 0..<60 {
            try lossy.play(Int.random(in: 1...9, using: &random), keys: round % 4 == 0 ? [0, 1, 2] : [])
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                try lossy.pauseConsumer(true)
                try lossy.play(Int.random(in: 0...6, using: &random), keys: round % 3 == 0 ? [0, 1, 2] : [])
                try lossy.pauseConsumer(false)
            case 1:
                try lossy.pauseProducer(true)
                try lossy.play(Int.random(in: 0...6, using: &random))
                try lossy.pauseProducer(false)
            case 2: try lossy.restartSource()
            case 3: try lossy.overrun(packets: 120)
            default:
                try lossy.stage.prefer(UInt8.random(in: 0...2, using: &random), UInt8.random(in: 0...2, using: &random))
            }
        }
        try lossy.play(1, keys: [0, 1, 2])
        try lossy.settle()
        lossy.witness.expectNothingWrong("\(form)")
        #expect(lossy.receiver.differing == 0, "\(form)")
        #expect(lossy.witness.packets.count > 300, "\(form): \(lossy.witness.packets.count)")
        #expect((form.rtx ? lossy.witness.retransmissions : lossy.witness.repetitions) > 10, "\(form)")
        // It still runs: of four pictures one is of the lowest layer.
        #expect(lossy.received.last?.packet.number ?? 0 >= lossy.source.number - 4, "\(form)")
    }

    @Test(arguments: [false, true])
    func `all holds across a wrap of the numbers`(rtx: Bool) throws {
        let lossy = try LayeredLossyStage(seed: 9, rtx: rtx, suite: .aeadAES128GCM)
        for place in 0..<2 { lossy.source.encodings[place].packets = 60 }
        lossy.source.encodings[2].isOn = false
        var round = 0
        while lossy.witness.packets.keys.max() ?? 0 < 66_500 {
            try lossy.play(20, keys: [0, 1])
            round += 1
            if round % 6 == 0 { try lossy.stage.prefer(UInt8(round / 6 % 2)) }
            try #require(round < 100)
        }
        try lossy.settle()
        lossy.witness.expectNothingWrong("RTX \(rtx)")
        #expect(lossy.receiver.packets.count == lossy.witness.packets.count)
        #expect(lossy.receiver.differing == 0)
        expectContinuity(lossy.received.map(\.packet))
    }
}
