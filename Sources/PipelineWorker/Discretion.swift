import PipelineControl
import Synchronization

/// Keeps the job's secrets out of everything that this process says.
enum Discretion {
    private static let address = Mutex<SourceAddress?>(nil)

    static func keep(secretsOf address: SourceAddress) { self.address.withLock { $0 = address } }

    static func clean(_ text: String) -> String { address.withLock { $0 }?.cleaned(text) ?? text }

    static func clean(_ failure: PipelineFailure) -> PipelineFailure {
        PipelineFailure(code: failure.code, message: clean(failure.message))
    }
}
