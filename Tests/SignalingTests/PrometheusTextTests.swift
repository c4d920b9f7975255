import Signaling
import TestSupport
import Testing

@Suite struct PrometheusTextTests {
    static let metrics = [
        Metric(
            "ladle_build_info", .gauge, "The version that runs; always 1.", [.init(1, [.init("version", "1.2.3")])]),
        Metric("ladle_rooms", .gauge, "Rooms that are open.", 3),
        Metric(
            "ladle_transport_packets_dropped_total", .counter, "A \\ and\na line.",
            [
                .init(17, [.init("reason", "a \"quoted\\\" one"), .init("worker", "0")]),
                .init(0, [.init("reason", "line\nfeed\r\nand more"), .init("worker", "0")]),
            ]),
        Metric("ladle_media_loop_lag_seconds", .gauge, "Late.", 0.000_012),
        Metric("ladle_nothing", .gauge, "Has no samples.", []),
    ]

    @Test func `metrics become the lines that the format has`() {
        #expect(
            PrometheusText.render(Self.metrics) == #"""
                # HELP ladle_build_info The version that runs; always 1.
                # TYPE ladle_build_info gauge
                ladle_build_info{version="1.2.3"} 1
                # HELP ladle_rooms Rooms that are open.
                # TYPE ladle_rooms gauge
                ladle_rooms 3
                # HELP ladle_transport_packets_dropped_total A \\ and\na line.
                # TYPE ladle_transport_packets_dropped_total counter
                ladle_transport_packets_dropped_total{reason="a \"quoted\\\" one",worker="0"} 17
                ladle_transport_packets_dropped_total{reason="line\nfeed\#r\nand more",worker="0"} 0
                # HELP ladle_media_loop_lag_seconds Late.
                # TYPE ladle_media_loop_lag_seconds gauge
                ladle_media_loop_lag_seconds 1.2e-05
                # HELP ladle_nothing Has no samples.
                # TYPE ladle_nothing gauge

                """#)
    }

    @Test func `a strict reader gets back what was written`() throws {
        let scrape = try PrometheusScrape(PrometheusText.render(Self.metrics))
        #expect(scrape.names == Self.metrics.map(\.name))
        #expect(scrape["ladle_build_info", "version=\"1.2.3\""] == 1)
        #expect(scrape["ladle_rooms"] == 3)
        #expect(
            scrape["ladle_transport_packets_dropped_total", "reason=\"a \"quoted\\\" one\"", "worker=\"0\""] == 17)
        #expect(
            scrape["ladle_transport_packets_dropped_total", "reason=\"line\nfeed\r\nand more\"", "worker=\"0\""] == 0)
        #expect(scrape["ladle_media_loop_lag_seconds"] == 0.000_012)
        #expect(scrape.families["ladle_transport_packets_dropped_total"]?.type == "counter")
    }

    @Test(arguments: [
        (0.0, "0"), (-3, "-3"), (1.5, "1.5"), (9_007_199_254_740_992, "9007199254740992"), (1e300, "1e+300"),
        (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (0.1, "0.1"), (1_763_825_538.25, "1763825538.25"),
    ])
    func `a value is written so that it is read as the same`(value: Double, text: String) throws {
        let rendered = PrometheusText.render([Metric("x", .gauge, "X.", value)])
        #expect(rendered == "# HELP x X.\n# TYPE x gauge\nx \(text)\n")
        let read = try #require(try PrometheusScrape(rendered)["x"])
        #expect(read == value || read.isNaN && value.isNaN)
    }

    @Test(arguments: [
        "x 1\n", "# HELP x X.\n# TYPE x gauge\nx 1", "# HELP x X.\n# TYPE x counter\nx 1\n",
        "# HELP x X.\n# TYPE x gauge\nx  1\n", "# HELP x X.\n# TYPE x gauge\nx{a=\"b} 1\n",
        "# HELP x X.\n# TYPE x gauge\nx{a=\"\\x\"} 1\n", "# HELP x X.\n# TYPE x gauge\nx 1\nx 2\n",
        "# HELP x X.\n# TYPE x gauge\nx{a-b=\"\"} 1\n", "# HELP x X.\n# TYPE x gauge\nx 1,5\n",
        "# HELP x X.\n# TYPE x gauge\n# HELP x X.\n", "# TYPE x gauge\nx 1\n",
        "# HELP x X.\n# TYPE x gauge\nx{a=\"1\",a=\"2\"} 1\n", "# HELP x X.\n# TYPE x gauge\n\nx 1\n",
    ])
    func `the strict reader refuses what is wrong`(text: String) {
        #expect(throws: PrometheusScrape.Malformed.self) { try PrometheusScrape(text) }
    }
}
