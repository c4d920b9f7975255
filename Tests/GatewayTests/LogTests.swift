import Base
import Gateway
import Glibc
import Logging
import TestSupport
import Testing

@Suite struct `The log` {
    private func line(
        _ format: LogFormat, isJournal: Bool, level: Logger.Level = .warning, _ message: Logger.Message,
        _ fields: Logger.Metadata = [:]
    ) -> String {
        let lines = Locked<[String]>([])
        var logger = Logger(label: "ladle.test") { label in
            GatewayLog.handler(label: label, level: .info, format: format, isJournal: isJournal) { line in
                lines.withLock { $0.append(line) }
            }
        }
        logger[metadataKey: "room"] = "lobby"
        logger.debug("not worth a line")
        logger.log(level: level, message, metadata: fields)
        return lines.withLock { $0 }.joined(separator: "\n")
    }

    @Test func `is lines for people, with ids behind`() throws {
        let text = line(.text, isJournal: false, "it failed", ["pipeline": "ingest-1", "reason": "no room"])
        let parts = text.split(separator: " ", maxSplits: 1)
        #expect(parts.last == "warning ladle.test: it failed pipeline=ingest-1 reason=\"no room\" room=lobby")
        let time = try #require(parts.first)
        #expect(time.count == "2026-11-22T15:32:06.123Z".count && time.hasSuffix("Z") && time.contains("T"))
    }

    @Test(arguments: [
        (Logger.Level.info, 6), (.notice, 5), (.warning, 4), (.error, 3), (.critical, 2),
    ])
    func `has a priority and no time under journald`(_ level: Logger.Level, _ priority: Int) {
        #expect(
            line(.text, isJournal: true, level: level, "it is so") == "<\(priority)>ladle.test: it is so room=lobby")
    }

    @Test func `is one JSON object a line, with ids as members`() throws {
        let text = line(.json, isJournal: false, "two\nlines \"quoted\"", ["producer": "p-1", "time": "noon"])
        #expect(!text.contains("\n"))
        let json = try JSONValue(parsing: text)
        #expect(json["message"] == "two\nlines \"quoted\"" && json["level"] == "warning")
        #expect(json["label"] == "ladle.test" && json["room"] == "lobby" && json["producer"] == "p-1")
        #expect(json["time"] != "noon" && json["time"]?.stringValue?.hasSuffix("Z") == true)
        #expect(line(.json, isJournal: true, "x").hasPrefix("<4>{"))
    }

    @Test func `lets nobody forge lines or steer terminals`() {
        let text = line(.text, isJournal: false, "a\nb\u{1B}[2J", ["name": "c\n<0>d\u{2028}e"])
        #expect(text.split(separator: "\n").count == 1)
        #expect(text.hasSuffix("a; b?[2J name=\"c; <0>d?e\" room=lobby"), "\(text)")
    }

    @Test func `knows journald by device and inode`() throws {
        let file = try TemporaryFile()
        var about = stat()
        try #require(fstat(file.descriptor, &about) == 0)
        let right = ["JOURNAL_STREAM": "\(about.st_dev):\(about.st_ino)"]
        #expect(GatewayLog.isJournal(file.descriptor, environment: right))
        #expect(!GatewayLog.isJournal(file.descriptor, environment: ["JOURNAL_STREAM": "\(about.st_dev):1"]))
        #expect(!GatewayLog.isJournal(file.descriptor, environment: ["JOURNAL_STREAM": "x"]))
        #expect(!GatewayLog.isJournal(file.descriptor, environment: [:]))
    }
}
