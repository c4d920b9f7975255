import Base
import PipelineControl
import PipelineDescription
import Pipelines
import Testing

private let nothing = PipelineProgress(seconds: 0, tracks: [])
private let job = PipelineCommand.ingest(
    IngestJob(source: .test(TestSource()), loop: false, videoCodec: .vp8, routerCodecs: []))
private let record = PipelineCommand.record(
    RecordJob(fileName: "a.mkv", container: .matroska, listenIP: "127.0.0.1"))
private let plan = PipelineCommand.receive(ReceivePlan(ip: "127.0.0.1", port: 1, tracks: []))
private let opened = PipelineReport.opened(OpenedSource(durationSeconds: nil, tracks: []))
private let interrupted = PipelineReport.interrupted(SourceInterruption(reason: "gone", attempts: 1))
private let failure = PipelineFailure(code: .media, message: "m")

/// One line of a conversation.
private enum Said {
    case we(PipelineCommand)
    case it(PipelineReport)
}

@Suite struct `A conversation` {
    private func hold(_ kind: PipelineKind, _ lines: [Said]) throws -> PipelineConversation {
        var conversation = PipelineConversation(kind: kind)
        for line in lines {
            switch line {
            case .we(let command):
                let fits = conversation.sent(command)
                try #require(fits)
            case .it(let report): try conversation.received(report)
            }
        }
        return conversation
    }

    @Test func `of an ingest climbs, and knows whose turn it is`() throws {
        let lines: [(Said, PipelineState, PipelineConversation.Debt?)] = [
            (.we(job), .building, .firstAnswer), (.it(opened), .building, nil), (.we(.send([])), .starting, .ready),
            (.it(.ready), .starting, nil), (.we(.play), .starting, .running), (.it(.running), .running, .word),
            (.it(.progress(nothing)), .running, .word), (.we(.finish), .draining, .finished),
            (.it(.progress(nothing)), .draining, .finished), (.it(.finished(nothing)), .draining, .exit),
        ]
        for count in 1...lines.count {
            let conversation = try hold(.ingest, lines.prefix(count).map(\.0))
            #expect(conversation.state == lines[count - 1].1)
            #expect(conversation.debt == lines[count - 1].2)
        }
    }

    @Test func `of a recording climbs, and knows whose turn it is`() throws {
        let lines: [(Said, PipelineState, PipelineConversation.Debt?)] = [
            (.we(record), .building, .firstAnswer), (.it(.listening(port: 1)), .building, nil),
            (.we(plan), .starting, .ready), (.it(.ready), .starting, .running), (.it(.running), .running, .word),
            (.we(.endTrack("a")), .running, .word), (.it(.finished(nothing)), .draining, .exit),
        ]
        for count in 1...lines.count {
            let conversation = try hold(.record, lines.prefix(count).map(\.0))
            #expect(conversation.state == lines[count - 1].1)
            #expect(conversation.debt == lines[count - 1].2)
        }
    }

    @Test func `waits for its source as long as it says so`() throws {
        let lines: [(Said, PipelineConversation.Debt?)] = [
            (.we(job), .firstAnswer),
            // Nobody has come, or it can't be opened yet: hours, perhaps.
            (.it(interrupted), .word), (.it(interrupted), .word), (.it(opened), nil),
            // It is our turn; the source goes away meanwhile.
            (.it(interrupted), nil), (.we(.send([])), .ready), (.it(interrupted), .word), (.it(.ready), nil),
            (.it(interrupted), nil), (.we(.play), .running), (.it(interrupted), .word), (.it(.running), .word),
            (.it(interrupted), .word), (.it(.progress(nothing)), .word), (.it(.resumed), .word),
            (.it(interrupted), .word), (.we(.finish), .finished), (.it(interrupted), .finished),
            (.it(.resumed), .finished), (.it(.finished(nothing)), .exit),
        ]
        for count in 1...lines.count {
            #expect(try hold(.ingest, lines.prefix(count).map(\.0)).debt == lines[count - 1].1, "\(count)")
        }
    }

    @Test func `about a description is one question and one answer`() throws {
        let check = PipelineCommand.check(GStreamerPlan(launch: "fakesink"))
        for kind in PipelineKind.allCases {
            var conversation = try hold(kind, [.we(check)])
            #expect(conversation.debt == .firstAnswer)
            for command in [check, job, record] {
                let fits = conversation.sent(command)
                #expect(!fits)
            }
            try conversation.received(.checked([]))
            #expect(conversation.debt == .exit && conversation.end?.failure == nil)
        }
    }

    @Test(
        arguments: [
            (PipelineKind.ingest, [], interrupted), (.record, [.we(record)], interrupted),
            (.ingest, [.we(job)], .resumed), (.ingest, [.we(job), .it(opened)], .resumed),
            (.ingest, [.we(job)], .checked([])),
            (.ingest, [.we(.check(GStreamerPlan(launch: "fakesink")))], opened),
            (.ingest, [.we(.check(GStreamerPlan(launch: "fakesink")))], interrupted),
            (PipelineKind.ingest, [Said.we(job)], PipelineReport.ready),
            (.ingest, [.we(job)], .listening(port: 1)),
            (.ingest, [], opened),
            (.ingest, [.we(job), .it(opened)], opened),
            (.ingest, [.we(job), .it(opened), .we(.send([])), .it(.ready)], .running),
            (.ingest, [.we(job), .it(opened), .we(.send([]))], .progress(nothing)),
            (.ingest, [.we(job), .it(.failed(failure))], .finished(nothing)),
            (.record, [.we(record)], opened),
            (.record, [.we(record), .it(.listening(port: 1)), .we(plan)], .running),
        ] as [(PipelineKind, [Said], PipelineReport)])
    fileprivate func `refuses a report out of order`(kind: PipelineKind, lines: [Said], report: PipelineReport) throws {
        var conversation = try hold(kind, lines)
        let error = #expect(throws: PipelineFailure.self) { try conversation.received(report) }
        #expect(error?.code == .protocolError)
        #expect(error?.message.contains("\"\(report.name)\"") == true)
    }

    @Test(
        arguments: [
            (PipelineKind.ingest, [], PipelineCommand.play), (.ingest, [], record), (.ingest, [.we(job)], job),
            (.ingest, [.we(job)], .send([])), (.ingest, [.we(job), .it(opened)], plan),
            (.ingest, [.we(job), .it(opened), .we(.finish)], .send([])), (.ingest, [.we(.finish)], .finish),
            (.ingest, [.we(job), .it(.finished(nothing))], .finish), (.record, [.we(record)], .endTrack("a")),
            (.record, [.we(record)], .play),
        ] as [(PipelineKind, [Said], PipelineCommand)])
    fileprivate func `sends no command out of order`(kind: PipelineKind, lines: [Said], command: PipelineCommand) throws
    {
        var conversation = try hold(kind, lines)
        let before = (conversation.state, conversation.debt)
        let fits = conversation.sent(command)
        #expect(!fits)
        #expect((conversation.state, conversation.debt) == before)
    }

    @Test func `ends with the last word, or else with what is known of the end`() throws {
        var said = try hold(.ingest, [.we(job), .it(.failed(failure))])
        var end = said.close(with: PipelineFailure(code: .crashed, message: "c"))
        #expect(end == .failed(failure))
        #expect(said.state == .failed)
        var silent = try hold(.ingest, [.we(job), .it(opened)])
        end = silent.close(with: failure)
        #expect(end == .failed(failure))
        var good = try hold(.record, [.we(record), .we(.finish), .it(.finished(nothing))])
        end = good.close(with: failure)
        #expect(end == .finished(nothing))
        #expect(good.state == .finished)
        let fits = good.sent(.finish)
        #expect(!fits)
    }
}

@Suite struct `Log lines` {
    private let start = Instant(nanoseconds: 5_000_000_000)

    @Test func `come whole however the bytes are cut`() {
        let text = Array("one\r\n\ntwo\nthree".utf8)
        for cut in 0...text.count {
            var lines = LogLines()
            var got = lines.append(text[..<cut], now: start) + lines.append(text[cut...], now: start)
            got += lines.end(now: start)
            #expect(got == ["one", "two", "three"])
        }
    }

    @Test func `are cut to length and made printable`() {
        var lines = LogLines()
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 10_000)
        var got = lines.append(long + [10], now: start)
        #expect(got.first?.utf8.count == LogLines.lengthLimit)
        got = lines.append(Array("\u{1B}[31mred\tbell\u{7}\n".utf8), now: start)
        #expect(got == ["\u{FFFD}[31mred\tbell\u{FFFD}"])
        got = lines.append([0xFF, 0xFE, 10], now: start)
        #expect(got == ["\u{FFFD}\u{FFFD}"])
    }

    @Test func `are no more than so many a second, and the rest is counted`() {
        var lines = LogLines()
        let flood = [UInt8]("x\n".utf8)
        var kept = 0
        for _ in 0..<500 { kept += lines.append(flood, now: start).count }
        #expect(kept == LogLines.linesPerSecond)
        let later = lines.append(flood, now: start + .seconds(1)) + lines.end(now: start + .seconds(1))
        #expect(later == ["(400 more lines left out)", "x"])
    }
}
