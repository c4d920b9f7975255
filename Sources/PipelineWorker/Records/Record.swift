import Base
import PipelineControl

final class Record: PipelineMachine {
    init(_ job: RecordJob, descriptor: Int32?, channel: ControlChannel, waiter: Waiter) throws(PipelineFailure) {
        throw PipelineFailure(code: .media, message: "not yet")
    }
    var descriptors: [Int32] { [] }
    var deadline: Instant { .distantFuture }
    func receive(_ command: PipelineCommand) throws(PipelineFailure) {}
    func finish() {}
    func turn(now: Instant) throws(PipelineFailure) -> PipelineProgress? { nil }
    func abandon() {}
}
