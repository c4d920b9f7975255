import Base

/// What supervisors and load balancers ask. No token: their probes have none, and the answers say nothing that the mere
/// opening of the port does not, but for what is wrong.
struct HealthRoutes: Sendable {
    let health: any HealthSource

    var routes: [Route] {
        [
            Route(.get, "/health/live", isOpen: true, live),
            Route(.get, "/health/ready", isOpen: true, ready),
        ]
    }

    /// The process serves requests; more is not asked. Who restarts what fails here must not restart a gateway whose
    /// disk is full.
    private func live(_ call: Call) async throws -> Answer { .json(["live": true]) }

    private func ready(_ call: Call) async throws -> Answer {
        let reasons = await health.reasonsNotReady()
        guard !reasons.isEmpty else { return .json(["ready": true]) }
        var answer = Answer.json(["ready": false, "reasons": .array(reasons.map { .string($0) })])
        answer.status = .serviceUnavailable
        return answer
    }
}
