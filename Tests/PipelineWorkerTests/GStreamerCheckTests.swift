import Base
import PipelineControl
import PipelineDescription
import TestSupport
import Testing

extension WorkerProcess {
    /// What `check` says.
    static func complaints(about plan: GStreamerPlan) throws -> [PlanComplaint] {
        let worker = try WorkerProcess()
        try worker.send(.check(plan))
        let complaints = try worker.await("checked") { if case .checked(let list) = $0 { list } else { nil } }
        #expect(worker.exit() == 0)
        return complaints
    }
}

/// A plan, and what is wrong with it: part, word that the complaint points at, and words of the message.
struct WrongPlan: Sendable, CustomTestStringConvertible {
    var plan: GStreamerPlan
    var complaints: [(part: String, word: String?, message: String)]

    var testDescription: String { plan.launch + plan.branches.values.joined() }

    init(
        _ launch: String, branches: [String: String] = [:],
        set: [(String, String, JSONValue)] = [], input: String? = nil, _ complaints: [(String, String?, String)]
    ) {
        plan = GStreamerPlan(
            launch: launch, branches: branches,
            properties: set.map { GStreamerPlan.Property(element: $0.0, property: $0.1, value: $0.2) }, input: input)
        self.complaints = complaints.map { (part: $0.0, word: $0.1, message: $0.2) }
    }

    static let end = "! vp8enc ! appsink name=video"

    static let all: [WrongPlan] = [
        WrongPlan(
            "videotestsrc ! vp8enk ! appsink name=video",
            [
                ("launch", "vp8enk", "there is no element \"vp8enk\"; is \"vp8enc\" meant?")
            ]),
        WrongPlan(
            "videotestsrc ! svthevcenc ! appsink name=video",
            [
                ("launch", "svthevcenc", "not installed; the Debian package gstreamer1.0-plugins-bad has it")
            ]),
        WrongPlan(
            "pipewiresrc ! opusenc ! appsink name=audio",
            [
                ("launch", "pipewiresrc", "not installed; the Debian package gstreamer1.0-pipewire has it")
            ]),
        WrongPlan(
            "videotestsrc ! avenc_nothing ! appsink name=video",
            [
                ("launch", "avenc_nothing", "the Debian package gstreamer1.0-libav has it")
            ]),
        WrongPlan(
            "videotestsrc patern=ball ! vp8enc dedline=1 zzz=1 ! appsink name=video",
            [
                ("launch", "patern", "videotestsrc has no property \"patern\"; is \"pattern\" meant?"),
                ("launch", "dedline", "vp8enc has no property \"dedline\"; is \"deadline\" meant?"),
                ("launch", "zzz", "vp8enc has no property \"zzz\""),
            ]),
        WrongPlan("videotestsrc pattern=balll \(end)", [("launch", "pattern=", "could not set property")]),
        WrongPlan(
            "videotestsrc ! ! vp8enc ! appsink name=video",
            [
                ("launch", "! vp8enc", "two \"!\" with nothing between")
            ]),
        WrongPlan("! videotestsrc \(end)", [("launch", "! videotestsrc", "with nothing before it")]),
        WrongPlan("videotestsrc \(end) !", [("launch", "!$", "with nothing behind it")]),
        WrongPlan(
            "videotestsrc ! capsfilter caps=\"video/x-raw ! vp8enc ! appsink name=video",
            [
                ("launch", "\"video", "this quote is not closed"), ("launch", nil, "no appsink named video or audio"),
            ]),
        WrongPlan("( videotestsrc \(end)", [("launch", "(", "without \")\"")]),
        WrongPlan("videotestsrc & \(end)", [("launch", "&", "\"&\" is not understood here")]),
        WrongPlan("pattern=ball videotestsrc \(end)", [("launch", "pattern", "pattern= stands behind no element")]),
        WrongPlan("", [("launch", nil, "no element in it"), ("launch", nil, "no appsink")]),
        // Two links that can't be, both told.
        WrongPlan(
            "videotestsrc ! opusenc ! appsink name=audio audiotestsrc ! vp8enc ! appsink name=video",
            [
                ("launch", "! opusenc", "could not link videotestsrc to opusenc"),
                ("launch", "! vp8enc", "could not link audiotestsrc to vp8enc"),
            ]),
        WrongPlan(
            "videotestsrc name=picture", branches: ["vp8": "picture. ! opusenc ! appsink name=video"],
            [("branches.vp8", "! opusenc", "could not link picture to opusenc")]),
        WrongPlan(
            "videotestsrc ! funnel name=back ! tee name=t \(end) t. ! queue ! back.",
            [("launch", "funnel", "a cycle: back ! t ! queue ! back leads back to itself")]),
        WrongPlan(
            "videotestsrc name=picture ! fakesink", branches: ["vp8": "pictures. \(end)"],
            [
                ("branches.vp8", "pictures", "no element is named pictures; is \"picture\" meant?")
            ]),
        WrongPlan(
            "videotestsrc name=a ! vp8enc name=a ! appsink name=video",
            [
                ("launch", "vp8enc", "another element is named a already")
            ]),
        // Slots of an ingest.
        WrongPlan("videotestsrc ! fakesink", [("launch", nil, "there is no appsink named video or audio")]),
        WrongPlan(
            "videotestsrc ! vp8enc ! appsink name=out",
            [
                ("launch", "appsink", "nobody takes what comes here: name it video or audio"),
                ("launch", nil, "there is no appsink named video or audio"),
            ]),
        WrongPlan(
            "videotestsrc name=video ! vp8enc ! fakesink",
            [
                ("launch", "videotestsrc", "video must be an appsink, and videotestsrc is none"),
                ("launch", nil, "there is no appsink"),
            ]),
        WrongPlan(
            "videotestsrc name=p",
            branches: ["vp8": "p. ! vp8enc ! fakesink", "h264": "p. ! x264enc ! appsink name=video"],
            [
                ("branches.vp8", nil, "it does not end in appsink name=video")
            ]),
        WrongPlan(
            "videotestsrc \(end)", input: "input",
            [
                ("launch", nil, "no element is named input, which gets the file: fdsrc name=input")
            ]),
        WrongPlan(
            "videotestsrc name=input \(end)", input: "input",
            [
                ("launch", "videotestsrc", "input gets the file as its property fd, which videotestsrc does not have")
            ]),
        // Slots of a recording.
        WrongPlan(
            "matroskamux name=m ! filesink name=output location=/dev/null", branches: ["vp8": "appsrc name=video ! m."],
            [
                ("launch", "filesink", "output gets the file as its property fd, which filesink does not have")
            ]),
        WrongPlan(
            "matroskamux name=m ! fdsink",
            branches: ["vp8": "appsrc name=video ! m.", "opus": "appsrc name=sound ! m."],
            [
                ("launch", nil, "no element is named output, which gets the file: fdsink name=output"),
                ("branches.opus", nil, "it does not begin with appsrc name=audio"),
                ("branches.opus", "appsrc", "nobody feeds this appsrc"),
            ]),
        // What values set.
        WrongPlan(
            "videotestsrc name=picture ! capsfilter name=size caps=video/x-raw,width=640 \(end)",
            set: [
                ("pictur", "pattern", "ball"), ("picture", "pattern", "bal"), ("picture", "pattern", 3.5),
                ("picture", "is-live", 1), ("picture", "num-buffers", 5_000_000_000), ("picture", "num-buffers", -2),
                ("picture", "patern", .null), ("size", "caps.height", 3), ("size", "caps.width", "wide"),
                ("size", "caps.width", 320), ("pipeline", "minutes", 3), ("pipeline", "seconds", 0),
                ("picture", "pattern", "ball ! fakesink"),
            ],
            [
                ("properties.pictur.pattern", nil, "no element is named pictur; is \"picture\" meant?"),
                ("properties.picture.pattern", nil, "\"bal\" does not fit pattern, which takes one of smpte, snow, "),
                ("properties.picture.pattern", nil, "3.5 does not fit pattern"),
                ("properties.picture.is-live", nil, "1 does not fit is-live, which takes true or false"),
                ("properties.picture.num-buffers", nil, "5000000000 is out of range for num-buffers"),
                ("properties.picture.num-buffers", nil, "-2 is out of range for num-buffers, which takes -1 to "),
                ("properties.picture.patern", nil, "has no property \"patern\"; is \"pattern\" meant?"),
                ("properties.size.caps.height", nil, "have no \"height\" that could be set"),
                ("properties.size.caps.width", nil, "\"wide\" does not fit caps.width, which takes an integer"),
                ("properties.pipeline.minutes", nil, "pipeline has no property \"minutes\", only seconds"),
                ("properties.pipeline.seconds", nil, "0 is no number of seconds"),
                ("properties.picture.pattern", nil, "\"ball ! fakesink\" does not fit pattern"),
            ]),
        // Everything at once.
        WrongPlan(
            "videotestsrc patern=1 ! vp8enk ! appsink name=out", branches: ["opus": "nowhere. ! opusenc"],
            [
                ("launch", "patern", "no property"), ("launch", "vp8enk", "no element"),
                ("launch", "appsink", "nobody takes"),
                ("branches.opus", "nowhere", "no element is named nowhere"),
                ("branches.opus", nil, "appsink name=audio"),
            ]),
        WrongPlan(
            "rtspsrc location=rtsp://me:topsecret@camera/1 latancy=3 ! rtpvp8depay ! appsink name=video",
            [
                ("launch", "latancy", "is \"latency\" meant?")
            ]),
    ]
}

@Suite(.enabled(if: WorkerProcess.isBuilt, "ladle-pipeline is not built"))
struct GStreamerCheckTests {
    @Test(arguments: WrongPlan.all)
    func `tells everything that is wrong with a plan, and where`(wrong: WrongPlan) async throws {
        let complaints = try await onThread { try WorkerProcess.complaints(about: wrong.plan) }
        for expected in wrong.complaints {
            let found = complaints.first { complaint in
                complaint.part == expected.part && complaint.message.contains(expected.message)
            }
            let complaint = try #require(found, "\(expected.message): not among \(complaints)")
            guard let word = expected.word else {
                #expect(complaint.offset == nil, "\(complaint)")
                continue
            }
            let text =
                expected.part == "launch" ? wrong.plan.launch : wrong.plan.branches[String(expected.part.dropFirst(9))]
            let rest = String(decoding: (text ?? "").utf8.dropFirst(complaint.offset ?? 0), as: UTF8.self)
            #expect(word.hasSuffix("$") ? rest == word.dropLast() : rest.hasPrefix(word), "\(complaint)")
        }
        #expect(complaints.count == wrong.complaints.count, "\(complaints)")
        #expect(complaints.allSatisfy { !$0.message.contains("\n") && !$0.message.contains("ladle-word") })
        #expect(!complaints.contains { $0.message.contains("topsecret") })
    }

    @Test(arguments: [
        "ingest-file-gst", "ingest-test-gst", "ingest-lower-third", "ingest-camera", "ingest-microphone",
        "record-mkv-gst",
        "record-webm-gst",
    ])
    func `has nothing to say about what is shipped but plugins that are not installed`(name: String) async throws {
        let complaints = try await onThread {
            let plan = try #require(try Shipped.blueprint(name).planForChecking)
            return try WorkerProcess.complaints(about: plan)
        }
        #expect(complaints.allSatisfy { $0.message.contains("is not installed; the Debian package") }, "\(complaints)")
    }

    @Test func `a broken description says the same when it is started`() async throws {
        let failure = try await onThread {
            let worker = try WorkerProcess()
            let plan = GStreamerPlan(launch: "videotestsrc patern=1 ! vp8enk ! appsink name=video")
            try worker.send(.ingest(Shipped.ingest(plan, name: "ingest-mine")))
            let failure = try worker.failed()
            #expect(worker.exit() == 1)
            return failure
        }
        #expect(failure.code == .cannotOpen)
        #expect(
            failure.message
                == "ingest-mine can't be built: videotestsrc has no property \"patern\"; is \"pattern\" meant?;"
                + " there is no element \"vp8enk\"; is \"vp8enc\" meant?")
    }

    @Test func `a broken recording says so before anything is received`() async throws {
        let failure = try await onThread {
            let worker = try WorkerProcess()
            let file = try TemporaryFile()
            let plan = GStreamerPlan(
                launch: "matroskamucks name=m ! fdsink name=output", branches: ["vp8": "appsrc name=video ! m."])
            try worker.send(
                .record(RecordJob(fileName: "a.mkv", container: .matroska, listenIP: "127.0.0.1", plan: plan)),
                descriptor: file.descriptor)
            return try worker.failed()
        }
        #expect(failure.code == .cannotWrite)
        #expect(failure.message == "a.mkv can't be written: there is no element \"matroskamucks\"")
    }
}
