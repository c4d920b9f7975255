import Base
import GStreamer
import Testing

@Suite struct `The library` {
    @Test func `says its version`() throws {
        try GStreamerRuntime.ensureStarted()
        #expect(GStreamerRuntime.version.hasPrefix("1."))
    }
}

/// The appsink named out.
private func sink(_ pipeline: Pipeline, _ caps: String, buffers: Int) throws -> AppSink {
    let element = try #require(pipeline.element(named: "out"))
    let caps = try #require(Caps(caps))
    return try #require(AppSink(element, caps: caps, buffers: buffers))
}

/// In one process, and one after the other: the registry is everybody's.
@Suite(.serialized) struct `A pipeline` {
    private func frames(_ launch: String, caps: String = "video/x-raw") throws -> [AppSink.Sample] {
        let pipeline = try Pipeline(launch: launch)
        let sink = try sink(pipeline, caps, buffers: 3)
        _ = try pipeline.play()
        var frames: [AppSink.Sample] = []
        while !sink.hasEnded {
            if let frame = sink.pull(waiting: .seconds(10)) { frames.append(frame) }
        }
        return frames
    }

    @Test func `gives its frames with times, one by one, and holds them back until they are taken`() throws {
        let launch = """
            videotestsrc num-buffers=20 timestamp-offset=3000000000
            ! video/x-raw,format=GRAY8,width=16,height=8,framerate=10/1 ! appsink name=out
            """
        let frames = try frames(launch)
        #expect(frames.count == 20)
        #expect(frames.allSatisfy { $0.bytes.count == 128 && $0.isKey && $0.duration == .milliseconds(100) })
        #expect(frames.compactMap(\.time) == (0..<20).map { .milliseconds(3000 + 100 * $0) })
        let caps = try #require(frames[0].caps)
        #expect(caps.mediaType == "video/x-raw")
        #expect((caps.integer("width"), caps.integer("height"), caps.rate("framerate")) == (16, 8, 10))
        #expect(caps.text("format") == "GRAY8")
        #expect(caps.integer("depth") == nil)
    }

    /// x264enc shifts its timestamps by a thousand hours; a segment takes that back.
    @Test func `tells running times, whatever an encoder does to timestamps`() throws {
        let launch = """
            videotestsrc num-buffers=10 ! video/x-raw,width=64,height=64,framerate=10/1 ! x264enc tune=zerolatency
            ! appsink name=out
            """
        let frames = try frames(launch, caps: "video/x-h264, stream-format=(string)byte-stream")
        #expect(frames.compactMap(\.time) == (0..<10).map { .milliseconds(100 * $0) })
        #expect(frames.map(\.isKey) == [true] + Array(repeating: false, count: 9))
    }

    @Test func `makes a key frame when it is asked for`() throws {
        let pipeline = try Pipeline(
            launch:
                "videotestsrc ! video/x-raw,width=64,height=64 ! vp8enc deadline=1 keyframe-max-dist=1000 ! appsink name=out"
        )
        let sink = try sink(pipeline, "video/x-vp8", buffers: 1)
        #expect(try pipeline.play() == .asTaken)
        var keys: [Int] = []
        for number in 0..<40 {
            if number == 10 { sink.requestKeyFrame() }
            let frame = try #require(sink.pull(waiting: .seconds(10)))
            if frame.isKey { keys.append(number) }
        }
        #expect(keys.count == 2)
        #expect(keys.first == 0)
        #expect((10...16).contains(keys.last ?? 0), "\(keys)")
    }

    @Test func `knows what is live`() throws {
        let live = try Pipeline(launch: "videotestsrc is-live=true ! appsink name=out")
        let out = try sink(live, "video/x-raw", buffers: 1)
        #expect(try live.play() == .live)
        #expect(out.pull(waiting: .seconds(10)) != nil)
        #expect(out.isLive)
        let other = try Pipeline(launch: "videotestsrc num-buffers=1 ! appsink name=out")
        let taken = try sink(other, "video/x-raw", buffers: 1)
        #expect(try other.play() == .asTaken)
        #expect(taken.pull(waiting: .seconds(10)) != nil)
        #expect(!taken.isLive)
        #expect(taken.pull(waiting: .seconds(10)) == nil)
        var hasEnded = false
        while !hasEnded, let message = other.nextMessage(waiting: .seconds(10)) {
            if case .end = message { hasEnded = true }
        }
        #expect(hasEnded)
    }

    @Test(arguments: [
        ("videotestsrc ! nothing ! fakesink", GStreamerError.Kind.noSuchElement, "nothing"),
        ("videotestsrc zzz=1 ! fakesink", .noSuchProperty, "zzz"), ("videotestsrc ! opusenc ! fakesink", .link, "link"),
        ("videotestsrc pattern=zzz ! fakesink", .property, "pattern"), ("videotestsrc ! ! fakesink", .syntax, ""),
        ("", .syntax, ""), ("!", .syntax, ""),
    ])
    func `of a broken text is an error of its kind`(launch: String, kind: GStreamerError.Kind, word: String) {
        let error = #expect(throws: GStreamerError.self) { try Pipeline(launch: launch) }
        #expect(error?.kind == kind, "\(launch): \(String(describing: error))")
        #expect(error?.cause.contains(word) == true)
    }

    @Test func `tells who failed and what the system said`() throws {
        let pipeline = try Pipeline(launch: "filesrc name=film location=/nowhere/film.mkv ! fakesink")
        let error = #expect(throws: GStreamerError.self) { _ = try pipeline.play() }
        #expect(error?.element == "film")
        #expect(error?.cause.contains("/nowhere/film.mkv") == true, "\(String(describing: error))")
        #expect(error?.description.contains("\n") == false)
    }

    @Test func `takes frames, and what comes out is what went in`() throws {
        let pipeline = try Pipeline(launch: "appsrc name=in ! identity ! appsink name=out")
        let text = "video/x-vp8, width=(int)64, height=(int)64"
        let caps = try #require(Caps(text))
        let (input, output) = (
            try #require(pipeline.element(named: "in")), try #require(pipeline.element(named: "out"))
        )
        let source = try #require(AppSource(input, caps: caps))
        let sink = try sink(pipeline, text, buffers: 3)
        #expect(AppSource(output, caps: caps) == nil)
        #expect(AppSink(input, caps: caps, buffers: 1) == nil)
        _ = try pipeline.play()
        for number in 0..<5 {
            #expect(
                source.push(
                    [UInt8(number), 7], at: .milliseconds(number * 40), duration: .milliseconds(40), isKey: number == 0)
            )
        }
        source.end()
        for number in 0..<5 {
            let frame = try #require(sink.pull(waiting: .seconds(10)))
            #expect(frame.bytes == [UInt8(number), 7])
            #expect(frame.time == .milliseconds(number * 40))
            #expect(frame.isKey == (number == 0))
        }
        #expect(sink.pull(waiting: .seconds(10)) == nil)
        #expect(sink.hasEnded)
        #expect(source.bytesWaiting == 0)
    }

    @Test func `lets what is not wanted run into nothing`() throws {
        let pipeline = try Pipeline(launch: "videotestsrc num-buffers=3 ! tee name=t ! queue t. ! queue ! fakesink")
        pipeline.capOutputs()
        _ = try pipeline.play()
        var messages: [String] = []
        while let message = pipeline.nextMessage(waiting: .seconds(10)) {
            messages.append("\(message)")
            if case .end = message { break }
        }
        #expect(messages == ["end"])
    }

    @Test func `tells what feeds an element`() throws {
        let pipeline = try Pipeline(
            launch: "videotestsrc ! vp8enc ! appsink name=out videoconvert name=alone ! fakesink name=fake")
        let out = try #require(pipeline.element(named: "out"))
        let above = out.allUpstream.compactMap { $0.factory?.name }
        #expect(above == ["vp8enc", "videotestsrc"])
        #expect(pipeline.element(named: "alone")?.hasUnlinkedInput == true)
        #expect(pipeline.element(named: "fake")?.hasUnlinkedInput == false)
        #expect(pipeline.element(named: "nobody") == nil)
    }

    @Test func `forgets factories and remembers them`() throws {
        try GStreamerRuntime.ensureStarted()
        let factory = try #require(ElementFactory(named: "filesrc"))
        #expect(factory.isURISource && factory.schemes == ["file"] && factory.plugin == "coreelements")
        #expect(ElementFactory.all.contains { $0.name == "filesrc" })
        for _ in 0..<3 {
            factory.forget()
            #expect(ElementFactory(named: "filesrc") == nil)
            #expect(throws: GStreamerError.self) { try Pipeline(launch: "filesrc ! fakesink") }
            factory.remember()
            #expect(ElementFactory(named: "filesrc") != nil)
            _ = try Pipeline(launch: "filesrc ! fakesink")
        }
    }
}

@Suite struct `A property` {
    @Test(
        arguments: [
            ("videotestsrc", "pattern", "ball"), ("videotestsrc", "num-buffers", 5), ("videotestsrc", "is-live", true),
            ("audiotestsrc", "freq", 440), ("audiotestsrc", "freq", 440.5), ("filesrc", "location", "/tmp/a b \" ! x"),
            ("videotestsrc", "num-buffers", -1), ("queue", "max-size-time", 1_000_000_000_000),
        ] as [(String, String, JSONValue)])
    func `takes what is of its kind`(factory: String, property: String, value: JSONValue) throws {
        try GStreamerRuntime.ensureStarted()
        let element = try #require(Element(factory: factory))
        #expect(element.canSet(property))
        try element.set(property, to: value)
    }

    @Test(
        arguments: [
            ("videotestsrc", "pattern", "bal", "\"bal\" does not fit pattern, which takes one of smpte, snow"),
            ("videotestsrc", "pattern", 3, "3 does not fit pattern"),
            ("videotestsrc", "num-buffers", "5", "an integer"),
            ("videotestsrc", "num-buffers", 1.5, "an integer"), ("videotestsrc", "is-live", "true", "true or false"),
            ("audiotestsrc", "freq", -1, "-1 is out of range for freq, which takes 0 to "),
            ("audiotestsrc", "volume", 2, "2 is out of range for volume, which takes 0 to 1"),
            ("queue", "max-size-time", -1, "-1 is out of range"), ("filesrc", "location", 3, "a text"),
            ("filesrc", "location", "a\u{0}b", "zero byte"),
            ("capsfilter", "caps", "video/x-raw", "can't be set from outside"),
            ("fakesink", "last-sample", 3, "\"last-sample\" of fakesink can't be set"),
            ("videotestsrc", "patern", 3, "videotestsrc has no property \"patern\"; is \"pattern\" meant?"),
        ] as [(String, String, JSONValue, String)])
    func `refuses what is not`(factory: String, property: String, value: JSONValue, words: String) throws {
        try GStreamerRuntime.ensureStarted()
        let element = try #require(Element(factory: factory))
        let error = #expect(throws: Element.PropertyError.self) { try element.set(property, to: value) }
        #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    }

    @Test func `of caps changes one field, and no other way`() throws {
        let pipeline = try Pipeline(
            launch:
                "videotestsrc num-buffers=1 ! capsfilter name=size caps=video/x-raw,width=640,framerate=30/1 ! appsink name=out"
        )
        let size = try #require(pipeline.element(named: "size"))
        try size.set("caps.width", to: 48)
        try size.set("caps.framerate", to: 12.5)
        for (field, value) in [("height", 3), ("width", "3, height=4"), ("framerate", "x")] as [(String, JSONValue)] {
            #expect(throws: Element.PropertyError.self) { try size.set("caps.\(field)", to: value) }
        }
        let sink = try sink(pipeline, "video/x-raw", buffers: 1)
        _ = try pipeline.play()
        let frame = try #require(sink.pull(waiting: .seconds(10)))
        let caps = try #require(frame.caps)
        #expect(caps.integer("width") == 48)
        #expect(caps.rate("framerate") == 12.5)
    }

    @Test(arguments: [
        ("pattern", "patern", true), ("pattern", "pattren", true), ("pattern", "patterns", true),
        ("pattern", "bettern", false), ("fd", "fb", false), ("abc", "abc", false), ("pattern", "xattern", true),
    ])
    func `is guessed when one slip lies between`(a: String, b: String, isNear: Bool) {
        #expect(a.isNear(b) == isNear)
        #expect(b.isNear(a) == isNear)
    }
}
