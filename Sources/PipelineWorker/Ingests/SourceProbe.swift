import Base
import LibAV

/// The first packets of a source: looked at for the decisions, then played like all others.
struct SourceProbe {
    struct H264 {
        var parameterSets: H264Stream
        var hasB = false
        var hasIDR = false
    }

    private static let mostBytes = 8 << 20

    /// How much is looked at.
    enum Depth {
        /// Enough to see a B-frame pattern and usually a second key frame; little enough to open at once.
        case file
        /// What comes while people wait: headers and half a second of pictures tell the most.
        case live

        var packets: Int { self == .file ? 1000 : 200 }
        var video: Int { self == .file ? 120 : 12 }
        var soundAlone: Int { self == .file ? 50 : 10 }
    }

    private let depth: Depth
    /// In the file's order.
    private(set) var packets: [Packet] = []
    /// What ended the probe, if that was an error.
    private(set) var failure: LibAVError?
    /// The file ended within the probe.
    private(set) var isWhole = false
    private(set) var h264 = H264(parameterSets: H264Stream())
    private var sizes: [Int: Int] = [:]
    private var reordered: Set<Int> = []
    private var discarded: Set<Int> = []
    private var newest: [Int: Duration] = [:]
    private var keyTimes: [Int: [Duration]] = [:]
    private var vp9Profiles: [Int: Int] = [:]

    /// Reads ahead in the chosen streams. A read error ends the probe; playing will meet it again.
    init(_ input: Input, streams: [InputStream], depth: Depth = .file) {
        self.depth = depth
        let video = streams.first { $0.parameters.kind == .video }
        let filter = try? video.flatMap { $0.parameters.codecName == "h264" ? try AnnexB($0) : nil }
        if let video { h264.parameterSets = H264Stream(extradata: video.parameters.extradata) }
        var (videoPackets, bytes) = (0, 0)
        while packets.count < depth.packets, bytes < Self.mostBytes {
            let packet: Packet?
            do throws(LibAVError) {
                packet = try input.read()
            } catch {
                failure = error
                packet = nil
            }
            guard let packet else {
                isWhole = true
                break
            }
            packets.append(packet)
            bytes += packet.size
            note(packet, isVP9: packet.streamIndex == video?.index && video?.parameters.codecName == "vp9")
            guard packet.streamIndex == video?.index else {
                if video == nil, packets.count >= depth.soundAlone { break }
                continue
            }
            videoPackets += 1
            if let filter, let copy = try? packet.reference(), let units = try? filter.units(of: copy) {
                for unit in units {
                    let slices = h264.parameterSets.look(at: unit.bytes)
                    if slices.hasB { h264.hasB = true }
                    if slices.hasIDR { h264.hasIDR = true }
                }
            }
            if videoPackets >= depth.video { break }
        }
    }

    private mutating func note(_ packet: Packet, isVP9: Bool) {
        let index = packet.streamIndex
        sizes[index] = max(sizes[index] ?? 0, packet.size)
        if packet.isDiscarded { discarded.insert(index) }
        if let time = packet.presentation {
            if let last = newest[index], time < last { reordered.insert(index) }
            newest[index] = max(newest[index] ?? time, time)
            if packet.isKey { keyTimes[index, default: []].append(time) }
        }
        if isVP9, vp9Profiles[index] == nil {
            // frame_marker 10, profile_low_bit, profile_high_bit (VP9 bitstream specification §6.2).
            let first = packet.withBytes { $0.byteCount > 0 ? $0.unsafeLoad(fromByteOffset: 0, as: UInt8.self) : 0 }
            if first >> 6 == 2 { vp9Profiles[index] = Int(first >> 5 & 1) + 2 * Int(first >> 4 & 1) }
        }
    }

    /// A live source may begin anywhere; its next key frame is waited for.
    var isLive: Bool { depth == .live }

    /// The size of the largest packet seen.
    func largest(of index: Int) -> Int { sizes[index] ?? 0 }

    /// Pictures come in another order than they are shown.
    func isReordered(_ index: Int) -> Bool { reordered.contains(index) }

    /// The file begins with pictures that are only decoded for later ones.
    func hasHiddenStart(_ index: Int) -> Bool { discarded.contains(index) }

    func vp9Profile(of index: Int) -> Int? { vp9Profiles[index] }

    /// The time of the first packet of a stream, priming that a decoder drops left out.
    func start(of stream: InputStream, isDecoded: Bool) -> Duration? {
        let shown = { (packet: Packet) in packet.streamIndex == stream.index && !(isDecoded && packet.isDiscarded) }
        guard let first = packets.first(where: shown),
            let time = first.presentation ?? first.decoding
        else { return nil }
        // A reordered stream's first packet is its first picture all the same; a later one can't be before it.
        guard isDecoded, stream.parameters.kind == .audio, stream.parameters.sampleRate > 0 else { return time }
        return time + .nanoseconds(Int64(first.skippedSamples) * 1_000_000_000 / Int64(stream.parameters.sampleRate))
    }

    /// A clause about key frames that are far apart, which matters to viewers who join later.
    func keyFrameNote(of index: Int) -> String {
        let times = keyTimes[index] ?? []
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        if let longest = gaps.max(), longest > .seconds(4) {
            return "; its key frames are \(longest.components.seconds) s apart"
        }
        guard times.count == 1, let start = times.first, let end = newest[index], end - start > .seconds(4) else {
            return ""
        }
        return "; its key frames are more than \((end - start).components.seconds) s apart"
    }
}

/// H264 packets as Annex B, whatever the container holds.
final class AnnexB {
    private let filter: BitstreamFilter

    init(_ stream: InputStream) throws(LibAVError) { filter = try BitstreamFilter("h264_mp4toannexb", for: stream) }

    /// The packet is empty afterwards.
    func units(of packet: Packet) throws(LibAVError) -> [Packet] { try filter.filter(packet) }
}
