import ArgumentParser
import Base

/// Follows one ingest or recording to its end, and ends it in order on Ctrl-C.
struct PipelineWatch {
    let client: GatewayClient
    /// Of the ingest or recording under /api/v1.
    let path: String
    let json: Bool
    /// Lines for people, given a status and the one before.
    let describe: @Sendable (JSONValue, JSONValue?) -> [String]

    private enum Outcome {
        case ended(JSONValue?)
        case interrupted
    }

    @discardableResult
    func run(query: String = "") async throws -> JSONValue {
        let interrupts = Interrupts()
        let signals = interrupts.stream
        let last = try await withThrowingTaskGroup(of: Outcome.self) { group -> JSONValue? in
            let (client, path) = (client, path)
            group.addTask {
                for await _ in signals { return .interrupted }
                return .interrupted
            }
            // Lines are written by this task alone; the stream ends when the pipeline has.
            let show = Printer(json: json, describe: describe)
            group.addTask {
                try await client.follow(path + "/progress" + query) { event in
                    try await show.print(JSONValue(parsing: event.data))
                    return true
                }
                return .ended(await show.last)
            }
            var stopping = false
            while let outcome = try await group.next() {
                switch outcome {
                case .ended(let status):
                    group.cancelAll()
                    return status
                case .interrupted where !stopping:
                    stopping = true
                    Console.note("stopping; once more to leave at once")
                    group.addTask {
                        try await client.call(.DELETE, path)
                        // The stream's end brings the final status.
                        try await Task.sleep(for: .seconds(30))
                        return .interrupted
                    }
                case .interrupted:
                    group.cancelAll()
                    throw ExitStatus.interrupted
                }
            }
            return nil
        }
        try Self.requireFinished(last)
        return last ?? .null
    }

    /// Complains, and ends with the status of failed work, unless this final status is a good one.
    static func requireFinished(_ status: JSONValue?) throws {
        guard status?["state"]?.stringValue != "finished" else { return }
        Console.complain(
            status?["failure"]?["message"]?.stringValue ?? "it ended without a word from the gateway")
        throw ExitStatus.failed
    }

    /// Remembers the status before, to tell what is new.
    private actor Printer {
        let json: Bool
        let describe: @Sendable (JSONValue, JSONValue?) -> [String]
        private(set) var last: JSONValue?

        init(json: Bool, describe: @escaping @Sendable (JSONValue, JSONValue?) -> [String]) {
            self.json = json
            self.describe = describe
        }

        func print(_ status: JSONValue) {
            for line in json ? [status.text] : describe(status, last) {
                if json { Console.out(line) } else { Console.note(line) }
            }
            last = status
        }
    }
}
