// H264 as Annex B: NAL units behind start codes 00 00 01 (ITU-T H.264 annex B).

/// A profile, as SDP names it and as negotiation compares it (RFC 6184 §8.1, and the table of
/// `h264-profile-level-id` that browsers and mediasoup share).
enum H264Profile: String, Sendable, Hashable {
    case constrainedBaseline = "Constrained Baseline"
    case baseline = "Baseline"
    case main = "Main"
    case constrainedHigh = "Constrained High"
    case high = "High"
    case predictiveHigh444 = "High 4:4:4 Predictive"

    /// - Parameters: the first two bytes of a profile-level-id, or of an SPS behind its head.
    init?(idc: UInt8, constraints: UInt8) {
        switch (idc, constraints) {
        case (0x42, _) where constraints & 0x4F == 0x40, (0x4D, _) where constraints & 0x8F == 0x80,
            (0x58, _) where constraints & 0xCF == 0xC0:
            self = .constrainedBaseline
        case (0x42, _) where constraints & 0x4F == 0, (0x58, _) where constraints & 0xCF == 0x80: self = .baseline
        case (0x4D, _) where constraints & 0xAF == 0: self = .main
        case (0x64, 0): self = .high
        case (0x64, 0x0C): self = .constrainedHigh
        case (0xF4, 0): self = .predictiveHigh444
        default: return nil
        }
    }

    /// - Parameter levelID: six hexadecimal digits.
    init?(profileLevelID levelID: String) {
        guard levelID.utf8.count == 6, let value = UInt32(levelID, radix: 16), value != 0 else { return nil }
        self.init(idc: UInt8(value >> 16), constraints: UInt8(value >> 8 & 0xFF))
    }

    /// The profile's two bytes in its canonical form.
    var prefix: String {
        switch self {
        case .constrainedBaseline: "42e0"
        case .baseline: "4200"
        case .main: "4d00"
        case .constrainedHigh: "640c"
        case .high: "6400"
        case .predictiveHigh444: "f400"
        }
    }
}

/// Where NAL units lie in Annex B bytes.
struct NALUnits: Sequence, IteratorProtocol {
    private let bytes: [UInt8]
    private var next0: Int?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        next0 = Self.startCode(in: bytes, from: 0)
    }

    /// The next unit without start code and trailing zeros.
    mutating func next() -> Range<Int>? {
        while let start = next0 {
            next0 = Self.startCode(in: bytes, from: start)
            var end = next0.map { $0 - 3 } ?? bytes.count
            while end > start, bytes[end - 1] == 0 { end -= 1 }
            if end > start { return start..<end }
        }
        return nil
    }

    /// The position behind the next start code.
    private static func startCode(in bytes: [UInt8], from: Int) -> Int? {
        bytes.withUnsafeBufferPointer { bytes in
            var at = from
            while at + 2 < bytes.count {
                if bytes[at + 2] > 1 {
                    at += 3
                } else if bytes[at] == 0, bytes[at + 1] == 0, bytes[at + 2] == 1 {
                    return at + 3
                } else {
                    at += 1
                }
            }
            return nil
        }
    }
}

/// Keeps the parameter sets of a stream and repeats them before every IDR picture that comes without its own:
/// a viewer who joins later has nothing else to start with.
struct H264Stream: Sendable {
    private enum NAL {
        static let slice: UInt8 = 1
        static let idr: UInt8 = 5
        static let sps: UInt8 = 7
        static let pps: UInt8 = 8
        static let delimiter: UInt8 = 9
    }

    /// By the bytes of the unit; a PPS that repeats an id replaces the older one.
    private(set) var sps: [[UInt8]] = []
    private(set) var pps: [[UInt8]] = []

    var hasParameterSets: Bool { !sps.isEmpty && !pps.isEmpty }

    /// Profile, constraints and level of the newest SPS, as six hexadecimal digits.
    var profileLevelID: (profile: H264Profile?, level: UInt8)? {
        guard let sps = sps.last, sps.count >= 4 else { return nil }
        return (H264Profile(idc: sps[1], constraints: sps[2]), sps[3])
    }

    /// Takes parameter sets from avcC (ISO/IEC 14496-15 §5.3.3.1) or Annex B.
    init(extradata: [UInt8] = []) {
        if extradata.first == 1 {
            readAVCC(extradata)
        } else {
            for unit in NALUnits(extradata) { note(extradata[unit]) }
        }
    }

    private mutating func readAVCC(_ bytes: [UInt8]) {
        var at = 6
        guard bytes.count > at else { return }
        var left = Int(bytes[5] & 0x1F)
        for isPPS in [false, true] {
            if isPPS {
                guard at < bytes.count else { return }
                left = Int(bytes[at])
                at += 1
            }
            while left > 0, at + 2 <= bytes.count {
                let length = Int(bytes[at]) << 8 | Int(bytes[at + 1])
                guard at + 2 + length <= bytes.count else { return }
                note(bytes[at + 2..<at + 2 + length])
                at += 2 + length
                left -= 1
            }
        }
    }

    /// Keeps a unit that is a parameter set.
    private mutating func note(_ unit: ArraySlice<UInt8>) {
        guard let head = unit.first, unit.count > 1 else { return }
        switch head & 0x1F {
        case NAL.sps where unit.count >= 4: Self.keep(Array(unit), in: &sps, idAt: 4)
        case NAL.pps: Self.keep(Array(unit), in: &pps, idAt: 1)
        default: break
        }
    }

    private static func keep(_ unit: [UInt8], in list: inout [[UInt8]], idAt: Int) {
        let id = exponentialGolomb(unit, fromByte: idAt)
        list.removeAll { exponentialGolomb($0, fromByte: idAt) == id }
        list.append(unit)
        // 32 SPS and 256 PPS are legal; a stream of noise must not fill memory.
        if list.count > 256 { list.removeFirst() }
    }

    /// What a slice says of its kind.
    struct Slices: Sendable, Hashable {
        var hasIDR = false
        var hasB = false
        var hasPicture = false
    }

    /// Notes parameter sets in an access unit and tells what pictures are in it.
    mutating func look(at accessUnit: [UInt8]) -> Slices {
        var slices = Slices()
        for unit in NALUnits(accessUnit) {
            note(accessUnit[unit])
            let type = accessUnit[unit.lowerBound] & 0x1F
            guard type == NAL.slice || type == NAL.idr else { continue }
            slices.hasPicture = true
            if type == NAL.idr { slices.hasIDR = true }
            // first_mb_in_slice, then slice_type: 1 and 6 are B (§7.4.3).
            let head = Array(accessUnit[unit.lowerBound..<Swift.min(unit.upperBound, unit.lowerBound + 24)])
            if let kind = Self.secondExponentialGolomb(head, fromByte: 1), kind % 5 == 1 { slices.hasB = true }
        }
        return slices
    }

    /// The access unit, with the parameter sets before it when it is an IDR picture without them.
    mutating func withParameterSets(_ accessUnit: [UInt8]) -> [UInt8] {
        var (hasIDR, hasSPS, hasPPS) = (false, false, false)
        var insertAt = 0
        for unit in NALUnits(accessUnit) {
            switch accessUnit[unit.lowerBound] & 0x1F {
            case NAL.idr: hasIDR = true
            case NAL.sps: hasSPS = true
            case NAL.pps: hasPPS = true
            // A delimiter, where there is one, stays first (§7.4.1.2.3).
            case NAL.delimiter where insertAt == 0: insertAt = unit.upperBound
            default: break
            }
            note(accessUnit[unit])
        }
        guard hasIDR, !(hasSPS && hasPPS), hasParameterSets else { return accessUnit }
        var repeated = Array(accessUnit[..<insertAt])
        for unit in sps + pps { repeated += [0, 0, 0, 1] + unit }
        return repeated + accessUnit[insertAt...]
    }

    /// Both parameter sets in Annex B.
    var annexB: [UInt8] { (sps + pps).flatMap { [0, 0, 0, 1] + $0 } }

    private static func exponentialGolomb(_ bytes: [UInt8], fromByte: Int) -> UInt32? {
        var bit = fromByte * 8
        return readExponentialGolomb(bytes, &bit)
    }

    private static func secondExponentialGolomb(_ bytes: [UInt8], fromByte: Int) -> UInt32? {
        var bit = fromByte * 8
        return readExponentialGolomb(bytes, &bit) == nil ? nil : readExponentialGolomb(bytes, &bit)
    }

    /// ue(v), §9.1; nil when the bytes end first. Emulation prevention can't occur in the few bits read here that
    /// matter: it needs two zero bytes before.
    private static func readExponentialGolomb(_ bytes: [UInt8], _ bit: inout Int) -> UInt32? {
        func read() -> UInt32? {
            guard bit < bytes.count * 8 else { return nil }
            defer { bit += 1 }
            return UInt32(bytes[bit / 8] >> (7 - bit % 8) & 1)
        }
        var zeros = 0
        while let one = read() {
            if one == 1 {
                var value: UInt32 = 1
                for _ in 0..<zeros {
                    guard let next = read() else { return nil }
                    value = value << 1 | next
                }
                return value - 1
            }
            zeros += 1
            if zeros > 31 { return nil }
        }
        return nil
    }
}
