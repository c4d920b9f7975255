import Base
import ORTC
import RTP
import SFU
import TestSupport
import Testing

@Suite struct AudioLevelObserverTests {
    /// As many packets of one level.
    private func feed(
        _ observer: inout AudioLevelObserver<String>, _ track: String, level: UInt8, packets: Int = 10
    ) {
        for _ in 0..<packets { observer.receive(level: level, from: track) }
    }

    @Test func `volumes: the loudest first, as many as were asked for`() {
        var observer = AudioLevelObserver<String>(maximumEntries: 2)
        for (track, level) in [("a", 40), ("b", 20), ("c", 30), ("d", 20)] as [(String, UInt8)] {
            observer.add(track)
            feed(&observer, track, level: level)
        }
        #expect(observer.update() == .volumes([.init(track: "b", volume: -20), .init(track: "d", volume: -20)]))
        // What was told is forgotten: nobody has spoken since.
        #expect(observer.update() == .silence)
        #expect(observer.update() == .nothing)
    }

    @Test func `volumes: means are rounded, and fewer than ten packets don't count`() {
        var observer = AudioLevelObserver<String>(maximumEntries: 9)
        observer.add("a")
        feed(&observer, "a", level: 30, packets: 5)
        feed(&observer, "a", level: 31, packets: 5)
        observer.add("b")
        feed(&observer, "b", level: 1, packets: 9)
        #expect(observer.update() == .volumes([.init(track: "a", volume: -31)]))
    }

    @Test(arguments: [(-50, 50, true), (-50, 51, false), (0, 0, true), (-127, 127, true)] as [(Int, UInt8, Bool)])
    func `volumes: the threshold counts as loud`(threshold: Int, level: UInt8, expected: Bool) {
        var observer = AudioLevelObserver<String>(threshold: threshold)
        observer.add("a")
        feed(&observer, "a", level: level)
        #expect(observer.update() == (expected ? .volumes([.init(track: "a", volume: -Int(level))]) : .nothing))
    }

    @Test func `a paused track is not judged until it is resumed, and strangers never`() {
        var observer = AudioLevelObserver<String>()
        observer.add("a")
        observer.add("a")
        feed(&observer, "a", level: 10)
        feed(&observer, "stranger", level: 1)
        observer.setPaused(true, "a")
        #expect(observer.update() == .nothing)
        observer.setPaused(false, "a")
        feed(&observer, "a", level: 10)
        #expect(observer.update() == .volumes([.init(track: "a", volume: -10)]))
        observer.remove("a")
        feed(&observer, "a", level: 10)
        #expect(observer.update() == .silence)
    }

    @Test func `silence: told when the observer stops after somebody was loud`() {
        var observer = AudioLevelObserver<String>()
        observer.add("a")
        #expect(observer.stop() == .nothing)
        feed(&observer, "a", level: 10)
        _ = observer.update()
        feed(&observer, "a", level: 10)
        #expect(observer.stop() == .silence)
        #expect(observer.update() == .nothing)
    }

    @Test(arguments: [(100, 250), (250, 250), (800, 800), (9000, 5000)])
    func `intervals are brought into bounds`(asked: Int, expected: Int) {
        #expect(AudioLevelObserver<String>(interval: .milliseconds(asked)).interval == .milliseconds(expected))
        let speaker = ActiveSpeakerObserver<String>(interval: .milliseconds(asked)).interval
        #expect(speaker == .milliseconds(min(max(asked, 100), 5000)))
    }
}

@Suite struct ActiveSpeakerObserverTests {
    /// Tracks that talk for some time, a packet each 20 ms, asked each 300 ms.
    struct Talk {
        var observer = ActiveSpeakerObserver<String>()
        var clock = VirtualClock()
        var told: [String] = []

        init(_ tracks: [String]) {
            for track in tracks { _ = observer.add(track, now: clock.now) }
        }

        /// - Parameter levels: Of each track, in −dBov; nil: it sends nothing.
        mutating func talk(_ duration: Duration, _ levels: [String: UInt8?]) {
            let end = clock.now + duration
            var next = clock.now + observer.interval
            while clock.now < end {
                clock.advance(by: .milliseconds(20))
                for (track, level) in levels.sorted(by: { $0.key < $1.key }) {
                    if let level { observer.receive(level: level, from: track, now: clock.now) }
                }
                guard clock.now >= next else { continue }
                next = clock.now + observer.interval
                if let track = observer.update(now: clock.now) { told.append(track) }
            }
        }
    }

    @Test func `dominantspeaker: a single producer is dominant at once`() {
        var talk = Talk(["a"])
        talk.talk(.seconds(1), ["a": 127])
        #expect(talk.told == ["a"])
        let isAdded = talk.observer.add("a", now: talk.clock.now)
        #expect(!isAdded)
    }

    @Test func `dominantspeaker: who talks takes the place of who is silent`() {
        var talk = Talk(["a", "b", "c"])
        talk.talk(.seconds(2), ["a": 30, "b": 90, "c": 90])
        #expect(talk.told == ["a"])
        talk.talk(.seconds(3), ["a": 90, "b": 30, "c": 90])
        #expect(talk.told == ["a", "b"])
        talk.talk(.seconds(3), ["a": 90, "b": 90, "c": 25])
        #expect(talk.told == ["a", "b", "c"])
    }

    @Test func `dominantspeaker: a cough changes nothing`() {
        var talk = Talk(["a", "b"])
        talk.talk(.seconds(2), ["a": 30, "b": 90])
        talk.talk(.milliseconds(60), ["a": 30, "b": 5])
        talk.talk(.seconds(2), ["a": 30, "b": 90])
        #expect(talk.told == ["a"])
    }

    @Test func `dominantspeaker: noise is no speech, however loud`() {
        var talk = Talk(["a", "b"])
        talk.talk(.seconds(2), ["a": 30, "b": nil])
        // A fan: always the same level, which becomes the floor.
        talk.talk(.seconds(5), ["a": 80, "b": 60])
        #expect(talk.told == ["a"])
    }

    @Test func `dominantspeaker: who stops sending loses its level`() {
        var talk = Talk(["a", "b"])
        talk.talk(.seconds(2), ["a": 30, "b": nil])
        talk.talk(.seconds(1), ["a": nil, "b": 90])
        talk.talk(.seconds(2), ["a": nil, "b": 30])
        #expect(talk.told == ["a", "b"])
    }

    @Test func `a paused producer doesn't take part`() {
        var talk = Talk(["a", "b"])
        talk.talk(.seconds(2), ["a": 30, "b": nil])
        talk.observer.setPaused(true, "b")
        talk.talk(.seconds(2), ["a": 90, "b": nil])
        #expect(talk.told == ["a"])
    }

    @Test func `when the dominant one leaves, another one is told`() {
        var talk = Talk(["a", "b"])
        talk.talk(.seconds(2), ["a": 30, "b": 90])
        #expect(talk.observer.remove("a", now: talk.clock.now) == "b")
        #expect(talk.observer.remove("b", now: talk.clock.now) == nil)
        #expect(talk.observer.update(now: talk.clock.now) == nil)
    }
}

@Suite struct RTPObserverTests {
    private let levels = RTPObserverID(rawValue: "levels")
    private let speakers = RTPObserverID(rawValue: "speakers")

    private func scene() throws -> (Stage, Stage.Port) {
        let stage = try Stage()
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("audio", on: source, audio(1111), kind: .audio)
        try stage.engine.createObserver(
            RTPObserverSetup(router: Stage.room, id: levels, kind: .audioLevel()), now: stage.now)
        try stage.engine.createObserver(
            RTPObserverSetup(router: Stage.room, id: speakers, kind: .activeSpeaker()), now: stage.now)
        for id in [levels, speakers] {
            try stage.engine.addProducer(ProducerID(rawValue: "audio"), to: id, now: stage.now)
        }
        return (stage, source)
    }

    private func audio(_ ssrc: UInt32) -> RTPParameters {
        Parameters.opus(
            ssrc: ssrc,
            extensions: [
                RTPHeaderExtensionParameters(uri: RTPHeaderExtensionURI.ssrcAudioLevel.rawValue, id: 5)
            ])
    }

    private func speak(
        _ stage: Stage, _ source: Stage.Port, level: UInt8, packets: Int, ssrc: UInt32 = 1111, from first: Int = 0
    ) throws {
        for number in first..<first + packets {
            stage.feed(
                try Packets.rtp(
                    payloadType: 100, sequence: number, timestamp: UInt32(number * 960), ssrc: ssrc,
                    extensions: [.init(id: 5, data: [0x80 | level])], payload: [1, 2]), on: source.rtp)
            stage.pass(.milliseconds(20))
        }
    }

    private func told(_ stage: Stage) -> [String] {
        stage.takeEvents().compactMap { event in
            guard case .observer(let id, let told) = event else { return nil }
            return switch told {
            case .volumes(let volumes): "\(id) volumes \(volumes.map { "\($0.producer) \($0.volume)" })"
            case .silence: "\(id) silence"
            case .dominantSpeaker(let producer): "\(id) dominantspeaker \(producer)"
            case .closed: "\(id) routerclose"
            }
        }
    }

    @Test func `dominantspeaker, volumes and silence come as recorded`() throws {
        let (stage, source) = try scene()
        try speak(stage, source, level: 20, packets: 105)
        #expect(
            told(stage) == [
                "speakers dominantspeaker audio", "levels volumes [\"audio -20\"]", "levels volumes [\"audio -20\"]",
            ])
        stage.pass(.seconds(3))
        #expect(told(stage) == ["levels silence"])
    }

    @Test func `who hears nobody needs no time, and who was loud is told silent before that`() throws {
        let stage = try Stage()
        try stage.engine.createObserver(
            RTPObserverSetup(router: Stage.room, id: levels, kind: .audioLevel()), now: stage.now)
        #expect(stage.engine.nextDeadline == nil)
        let source = try stage.transport("source", rtcpMux: true)
        try stage.produce("audio", on: source, audio(1111), kind: .audio)
        let producer = ProducerID(rawValue: "audio")
        try stage.engine.addProducer(producer, to: levels, now: stage.now)
        try speak(stage, source, level: 20, packets: 60)
        try stage.engine.removeProducer(producer, from: levels, now: stage.now, into: &stage.outbox)
        stage.pass(.seconds(3))
        #expect(told(stage) == ["levels volumes [\"audio -20\"]", "levels silence"])
        try stage.engine.addProducer(producer, to: levels, now: stage.now)
        try speak(stage, source, level: 20, packets: 60, from: 60)
        #expect(told(stage) == ["levels volumes [\"audio -20\"]"])
    }

    @Test func `a paused producer is excluded until it is resumed`() throws {
        let (stage, source) = try scene()
        let id = ProducerID(rawValue: "audio")
        try stage.engine.pause(id, now: stage.now, into: &stage.outbox)
        try speak(stage, source, level: 20, packets: 60)
        #expect(!told(stage).contains { $0.hasPrefix("levels") })
        try stage.engine.resume(id, now: stage.now, into: &stage.outbox)
        try speak(stage, source, level: 20, packets: 60, from: 60)
        #expect(told(stage) == ["levels volumes [\"audio -20\"]"])
    }

    @Test func `pause and resume of an observer`() throws {
        let (stage, source) = try scene()
        try speak(stage, source, level: 20, packets: 55)
        _ = told(stage)
        try stage.engine.pause(levels, now: stage.now, into: &stage.outbox)
        try stage.engine.pause(levels, now: stage.now, into: &stage.outbox)
        stage.collect()
        #expect(told(stage) == ["levels silence"])
        try speak(stage, source, level: 20, packets: 100, from: 55)
        #expect(told(stage) == [])
        try stage.engine.resume(levels, now: stage.now)
        try speak(stage, source, level: 20, packets: 55, from: 155)
        #expect(told(stage) == ["levels volumes [\"audio -20\"]"])
    }

    @Test func `a closed producer is removed, and so is one on demand`() throws {
        let (stage, source) = try scene()
        try stage.produce("other", on: source, audio(1112), kind: .audio)
        let other = ProducerID(rawValue: "other")
        for id in [levels, speakers] { try stage.engine.addProducer(other, to: id, now: stage.now) }
        try speak(stage, source, level: 20, packets: 30)
        #expect(told(stage) == ["speakers dominantspeaker audio"])
        stage.engine.close(ProducerID(rawValue: "audio"), now: stage.now, into: &stage.outbox)
        stage.collect()
        #expect(told(stage) == ["speakers dominantspeaker other"])
        try stage.engine.removeProducer(other, from: levels, now: stage.now, into: &stage.outbox)
        try stage.engine.removeProducer(other, from: levels, now: stage.now, into: &stage.outbox)
        try speak(stage, source, level: 20, packets: 60, ssrc: 1112)
        #expect(told(stage) == [])
    }

    @Test func `routerclose comes after the transports, and nobody speaks in between`() throws {
        let (stage, source) = try scene()
        try stage.produce("other", on: source, audio(1112), kind: .audio)
        try stage.engine.addProducer(ProducerID(rawValue: "other"), to: speakers, now: stage.now)
        try speak(stage, source, level: 20, packets: 30)
        _ = stage.takeEvents()
        stage.engine.close(Stage.room, now: stage.now, into: &stage.outbox)
        stage.collect()
        let events = stage.takeEvents()
        #expect(
            events.suffix(3) == [.transportClosed(source.id), .observer(levels, .closed), .observer(speakers, .closed)])
        #expect(!events.contains { if case .observer(_, .dominantSpeaker) = $0 { true } else { false } })
        stage.pass(.seconds(5))
        #expect(stage.takeEvents() == [])
    }

    @Test func `a closed observer tells nothing`() throws {
        let (stage, source) = try scene()
        stage.engine.close(levels)
        stage.engine.close(levels)
        stage.engine.close(speakers)
        try speak(stage, source, level: 20, packets: 60)
        #expect(told(stage) == [])
        #expect(throws: SFUError.self) {
            try stage.engine.addProducer(ProducerID(rawValue: "audio"), to: levels, now: stage.now)
        }
    }

    @Test func `errors are as recorded`() throws {
        let (stage, source) = try scene()
        try stage.produce("video", on: source, Parameters.vp8())
        func message(_ group: String, _ name: String) throws -> JSONValue? {
            try Vectors.json("mediasoup-3.14.16/validation-cases.json").arrayValue?.first {
                $0["group"]?.stringValue == group && $0["name"]?.stringValue == name
            }?["error"]?["message"]
        }
        func refusal(_ body: () throws -> Void) -> JSONValue? {
            do {
                try body()
                return nil
            } catch {
                return (error as? SFUError).map { JSONValue($0.message) }
            }
        }
        func add(_ producer: String, _ id: RTPObserverID) -> JSONValue? {
            refusal { try stage.engine.addProducer(ProducerID(rawValue: producer), to: id, now: stage.now) }
        }
        func create(_ kind: RTPObserverSetup.Kind) -> JSONValue? {
            refusal {
                try stage.engine.createObserver(
                    RTPObserverSetup(router: Stage.room, id: .random(), kind: kind), now: stage.now)
            }
        }
        #expect(add("x", levels) == (try message("AudioLevelObserver", "unknown producer")))
        #expect(add("video", levels) == (try message("AudioLevelObserver", "video producer")))
        #expect(add("audio", levels) == nil)
        #expect(add("video", speakers) == (try message("ActiveSpeakerObserver", "video producer")))
        #expect(add("audio", speakers) == (try message("ActiveSpeakerObserver", "audio again")))
        #expect(
            create(.audioLevel(maximumEntries: 0)) == (try message("createAudioLevelObserver", "{\"maxEntries\":0}")))
        #expect(create(.audioLevel(threshold: 1)) == (try message("createAudioLevelObserver", "{\"threshold\":1}")))
        #expect(
            create(.audioLevel(threshold: -128)) == (try message("createAudioLevelObserver", "{\"threshold\":-128}")))
        #expect(create(.audioLevel(interval: .milliseconds(100))) == nil)
        #expect(create(.activeSpeaker(interval: .milliseconds(50))) == nil)
    }
}
