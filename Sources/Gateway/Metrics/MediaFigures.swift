import Base
import MediaPlane
import Signaling

/// The core's figures. Those of a loop that does not answer stay what they were.
final class MediaFigures: Sendable {
    private let core: EmbeddedCore
    private let limit: Duration
    private let last: Locked<[WorkerMeasurements]>

    init(core: EmbeddedCore, limit: Duration) {
        self.core = core
        self.limit = limit
        last = Locked([])
    }

    func metrics() async -> [Metric] {
        let answers = await core.measurements(within: limit)
        let known = last.withLock { last in
            last = answers.indices.map { index in
                answers[index] ?? (last.indices.contains(index) ? last[index] : WorkerMeasurements())
            }
            return last
        }
        return traffic(known) + ports() + loops(areAnswering: answers.map { $0 != nil })
    }

    // MARK: - Helpers

    private func traffic(_ workers: [WorkerMeasurements]) -> [Metric] {
        [
            Metric(
                "ladle_media_packets_total", .counter, "UDP datagrams and TCP frames received and sent for media.",
                directions(workers) { (Double($0.counters.received), Double($0.counters.sent)) }),
            Metric(
                "ladle_media_bytes_total", .counter, "Their bytes, without the headers of UDP and TCP.",
                directions(workers) { (Double($0.counters.receivedBytes), Double($0.counters.sentBytes)) }),
            Metric(
                "ladle_media_packets_lost_total", .counter,
                "RTP packets that never came from producers, and those that receivers report as missing.",
                directions(workers) { (Double($0.receivedLost), Double($0.sentLost)) }),
            Metric(
                "ladle_media_packets_dropped_total", .counter, "Datagrams thrown away here, by reason.",
                samples(workers) { worker in
                    worker.receivedDrops.map { (Double($0.count), [.received, .init("reason", $0.reason)]) }
                        + worker.sentDrops.map { (Double($0.count), [.sent, .init("reason", $0.reason)]) }
                }),
            Metric(
                "ladle_media_unreachable_total", .counter, "ICMP errors: nobody listens where media were sent to.",
                samples(workers) { [(Double($0.counters.refused), [])] }),
            Metric(
                "ladle_media_connections", .gauge, "TCP connections of WebRTC clients.",
                samples(workers) { [(Double($0.connections), [])] }),
        ]
    }

    private func ports() -> [Metric] {
        let ports = core.portFigures
        return [
            Metric("ladle_rtp_ports_in_use", .gauge, "UDP ports that transports hold.", ports.used),
            Metric(
                "ladle_rtp_ports_available", .gauge, "UDP ports of the range that no transport holds.",
                ports.free + ports.quarantined),
            Metric(
                "ladle_rtp_ports_quarantined", .gauge,
                "UDP ports among the available ones that rest after their last use.", ports.quarantined),
        ]
    }

    private func loops(areAnswering: [Bool]) -> [Metric] {
        let lag = core.lag
        return [
            Metric(
                "ladle_media_loop_answering", .gauge,
                "1 when the media loop runs what it is given, 0 when it is stuck.",
                samples(areAnswering) { [($0 ? 1 : 0, [])] }),
            Metric(
                "ladle_media_loop_lag_seconds", .gauge,
                "How late the media loop was at worst in the last 10 to 20 seconds: with timers, and with commands.",
                samples(lag) {
                    [
                        ($0.timers.seconds, [.init("of", "timers")]), ($0.commands.seconds, [.init("of", "commands")]),
                    ]
                }),
        ]
    }

    private func directions(
        _ workers: [WorkerMeasurements], _ values: (WorkerMeasurements) -> (received: Double, sent: Double)
    ) -> [Metric.Sample] {
        samples(workers) { worker in
            let values = values(worker)
            return [(values.received, [.received]), (values.sent, [.sent])]
        }
    }

    /// Each with the number of its worker.
    private func samples<Part>(
        _ parts: [Part], _ values: (Part) -> [(value: Double, labels: [Metric.Label])]
    ) -> [Metric.Sample] {
        parts.enumerated().flatMap { number, part in
            values(part).map { Metric.Sample($0.value, $0.labels + [.init("worker", "\(number)")]) }
        }
    }
}

extension Metric.Label {
    fileprivate static let received = Metric.Label("direction", "received")
    fileprivate static let sent = Metric.Label("direction", "sent")
}
