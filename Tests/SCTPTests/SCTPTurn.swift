import TestSupport
import Testing

/// The tests of a suite have SCTP for themselves, one after the other.
struct SCTPTurn: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await body() }
        await Turn.sctp.take()
        do { try await body() } catch {
            await Turn.sctp.give()
            throw error
        }
        await Turn.sctp.give()
    }
}

extension Trait where Self == SCTPTurn {
    static var sctpTurn: SCTPTurn { SCTPTurn() }
}
