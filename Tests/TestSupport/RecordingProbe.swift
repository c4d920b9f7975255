import Base

/// What the ffmpeg tools say of a file, and what its picture says of itself when it comes from the test source.
///
/// The test source's frames bear their number as 20 black or white blocks along the bottom edge, and each second the
/// top left quarter flashes white while a 1 kHz tone beeps: so frame identity and the skew of sound and picture can
/// be read out of any recording. Blocks: call it through `onThread`.
public struct RecordingProbe: Sendable {
    public struct Picture: Sendable {
        /// In seconds, as the file says.
        public var time: Double
        /// Nil when the blocks can't be read.
        public var number: Int?
        public var isFlash: Bool
    }

    /// As ffprobe names them, in the file's order.
    public private(set) var codecs: [String] = []
    public private(set) var width = 0
    public private(set) var height = 0
    public private(set) var durationSeconds = 0.0
    public private(set) var pictures: [Picture] = []
    /// When beeps begin, in seconds.
    public private(set) var beeps: [Double] = []
    /// Of the sound, in seconds: where it begins and ends.
    public private(set) var sound: ClosedRange<Double>?
    /// What the decoders complained about.
    public private(set) var decodeErrors = ""

    public init(_ path: String) throws {
        let json = try JSONValue(
            parsing: try ExternalTool.output(
                ["ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", path]))
        for stream in json["streams"]?.arrayValue ?? [] {
            codecs.append(stream["codec_name"]?.stringValue ?? "?")
            if stream["codec_type"]?.stringValue == "video" {
                width = Int(stream["width"]?.integerValue ?? 0)
                height = Int(stream["height"]?.integerValue ?? 0)
            }
        }
        durationSeconds = json["format"]?["duration"]?.stringValue.flatMap(Double.init) ?? 0
        if width > 0 { try readPictures(path) }
        if json["streams"]?.arrayValue?.contains(where: { $0["codec_type"]?.stringValue == "audio" }) == true {
            try readSound(path)
        }
    }

    // MARK: Judgements

    /// Numbers of the pictures that can be read.
    public var numbers: [Int] { pictures.compactMap(\.number) }

    /// Sound minus picture at each flash but one in the very first frame, in milliseconds: positive when the sound
    /// is late.
    public var skewsInMilliseconds: [Double] {
        flashes.compactMap { flash in
            beeps.map { ($0 - flash) * 1000 }.filter { abs($0) < 500 }.min { abs($0) < abs($1) }
        }
    }

    /// When flashes begin, in seconds.
    public var flashes: [Double] {
        zip(pictures, pictures.dropFirst()).filter { !$0.isFlash && $1.isFlash }.map(\.1.time)
    }

    /// The longest step between two pictures, in seconds.
    public var longestStep: Double {
        zip(pictures, pictures.dropFirst()).map { $1.time - $0.time }.max() ?? 0
    }

    /// Whether the times of pictures only rise.
    public var isRising: Bool { zip(pictures, pictures.dropFirst()).allSatisfy { $0.time < $1.time } }

    // MARK: Reading

    /// 160x90 is enough for 20 blocks of 8 pixels.
    private mutating func readPictures(_ path: String) throws {
        let (width, height) = (160, 90)
        let result = try ExternalTool.run([
            "ffmpeg", "-v", "error", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough",
            // Finer than the frame rate: live pictures may come closer together.
            "-enc_time_base", "1:90000", "-vf",
            "scale=\(width):\(height):flags=area", "-pix_fmt", "gray", "-f", "rawvideo", "-",
        ])
        decodeErrors += result.errors
        let list = try ExternalTool.output([
            "ffprobe", "-v", "quiet", "-select_streams", "v:0", "-show_entries", "frame=best_effort_timestamp_time",
            "-of", "csv=p=0", path,
        ])
        let times = String(decoding: list, as: UTF8.self).split(whereSeparator: \.isWhitespace).map {
            Double($0.prefix { $0 != "," }) ?? .nan
        }
        let size = width * height
        for (index, time) in times.enumerated() where (index + 1) * size <= result.output.count {
            let picture = result.output[index * size..<(index + 1) * size]
            pictures.append(Self.read(Array(picture), width: width, height: height, time: time))
        }
    }

    private static func read(_ luma: [UInt8], width: Int, height: Int, time: Double) -> Picture {
        func mean(_ columns: Range<Int>, _ rows: Range<Int>) -> Double {
            let sum = rows.reduce(0) { sum, row in columns.reduce(sum) { $0 + Int(luma[row * width + $1]) } }
            return Double(sum) / Double(columns.count * rows.count)
        }
        let block = width / 20
        var number: Int? = 0
        for bit in 0..<20 {
            let level = mean(
                bit * block + 2..<(bit + 1) * block - 2, height - height / 12 - 2..<height - height / 12 + 3)
            // Full range or limited, black and white stay far from the middle; anything else is no block.
            if abs(level - 125) < 30 { number = nil }
            number = number.map { $0 << 1 | (level > 125 ? 1 : 0) }
        }
        let isFlash = mean(width / 8..<3 * width / 8, height / 8..<3 * height / 8) > 150
        return Picture(time: time, number: number, isFlash: isFlash)
    }

    private mutating func readSound(_ path: String) throws {
        // Holes become silence and the first sample stands at time zero: positions are times then.
        let result = try ExternalTool.run([
            "ffmpeg", "-v", "error", "-copyts", "-i", path, "-map", "0:a:0", "-af",
            "aresample=48000:async=1:min_hard_comp=0.01:first_pts=0", "-ac", "1", "-f", "s16le", "-",
        ])
        decodeErrors += result.errors
        let samples = result.output.withUnsafeBytes { bytes in
            (0..<bytes.count / 2).map {
                Int(Int16(littleEndian: bytes.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self)))
            }
        }
        let window = 96  // 2 ms
        var lastLoud = -1.0
        for start in stride(from: 0, to: samples.count - window, by: window) {
            let power = samples[start..<start + window].reduce(0.0) { $0 + Double($1 * $1) } / Double(window)
            guard power.squareRoot() > 1600 else { continue }
            let time = Double(start) / 48_000
            // 300 ms of silence lie between the end of a beep and another one.
            if lastLoud < 0 || time - lastLoud > 0.3 { beeps.append(time) }
            lastLoud = time
        }
        let first = try ExternalTool.output([
            "ffprobe", "-v", "quiet", "-select_streams", "a:0", "-show_entries", "packet=pts_time", "-read_intervals",
            "%+#1", "-of", "csv=p=0", path,
        ])
        let begin = Double(String(decoding: first, as: UTF8.self).prefix { $0 != "\n" && $0 != "," }) ?? 0
        sound = begin...max(begin, Double(samples.count) / 48_000)
    }
}
