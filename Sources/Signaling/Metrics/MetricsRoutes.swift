/// Brings the figures of the whole gateway. Implemented by the assembly, which knows all parts.
public protocol MetricsSource: Sendable {
    /// Answers within two seconds, whatever is stuck, and disturbs nothing: it may be asked by many at once.
    func metrics() async -> [Metric]
}

/// A gateway whose figures nobody collects.
public struct NoMetrics: MetricsSource {
    public init() {}

    public func metrics() async -> [Metric] { [] }
}

/// What Prometheus scrapes. Needs the token as the API does: the figures tell how much goes on here.
struct MetricsRoutes: Sendable {
    let source: any MetricsSource

    var routes: [Route] { [Route(.get, "/metrics", show)] }

    private func show(_ call: Call) async throws -> Answer {
        Answer(body: .text(PrometheusText.render(await source.metrics())), contentType: PrometheusText.contentType)
    }
}
