import Base
import RTCP
import TestSupport
import Testing

@Suite struct RTCPCaptureTests {
    /// The one sender report of a captured compound, and all items of its source description.
    private func read(_ name: String) throws -> (info: SenderInfo?, items: [(ssrc: UInt32, type: UInt8, text: String)])
    {
        let bytes = try Vectors.bytes("rtcp/\(name).bin")
        let datagram = bytes.span.bytes
        var info: SenderInfo?
        var found: [(ssrc: UInt32, type: UInt8, text: String)] = []
        for packet in try packets(bytes) {
            switch packet {
            case .senderReport(let report): info = report.info
            case .sourceDescription(let description):
                var items = description.items
                while let item = items.next(in: datagram) {
                    found.append((item.ssrc, item.type, item.text(in: datagram)))
                }
            case .bye(let bye): #expect(bye.count == 1)
            default: Issue.record("unexpected \(packet)")
            }
        }
        return (info, found)
    }

    @Test func `ffmpeg's sender report and CNAME`() throws {
        let (info, items) = try read("sr-sdes-ffmpeg")
        #expect(info?.ssrc == 1111)
        // It goes out in front of the first packet.
        #expect(info?.packetCount == 0)
        #expect(info?.rtpTimestamp == 0x0832_95AC)
        #expect(items.count == 1)
        #expect(items.first?.ssrc == 1111)
        #expect(items.first?.type == SourceDescriptionItem.cname)
        #expect(items.first?.text == "ladle-vector")
        // It was recorded in November 2026.
        let seconds = (info?.ntp.unixNanoseconds ?? 0) / 1_000_000_000
        #expect((1_795_000_000..<1_796_000_000).contains(seconds))
    }

    @Test func `GStreamer's sender report, CNAME and TOOL`() throws {
        let (info, items) = try read("sr-sdes-bye-gst")
        #expect(info?.ssrc == 5555)
        #expect(info?.packetCount == 19)
        #expect(info?.octetCount == 4471)
        #expect(items.map(\.type) == [1, 6])
        #expect(items.allSatisfy { $0.ssrc == 5555 })
        #expect(items.last?.text == "GStreamer")
    }

    @Test func `ffmpeg's capture written again has the same bytes`() throws {
        let bytes = try Vectors.bytes("rtcp/sr-sdes-ffmpeg.bin")
        let (info, items) = try read("sr-sdes-ffmpeg")
        let sender = try #require(info)
        let cname = try #require(items.first)
        let again = written(1500) { rtcp, buffer in
            rtcp.senderReport(sender, into: &buffer)
            rtcp.cname(cname.text, of: cname.ssrc, into: &buffer)
        }
        #expect(again == bytes)
    }

    @Test(arguments: ["sr-sdes-ffmpeg", "sr-sdes-bye-gst"])
    func `a capture cut at any length is refused, but for its packets' border`(name: String) throws {
        let bytes = try Vectors.bytes("rtcp/\(name).bin")
        let accepted = (0...bytes.count).filter { (try? packets(Array(bytes[..<$0]))) != nil }
        #expect(accepted == (name == "sr-sdes-ffmpeg" ? [28, 52] : [28, 80, 88]))
    }
}
