import Base

/// The profile and level of an H264 stream: `profile-level-id` of RFC 6184 §8.1.
///
/// Three bytes in hex: profile_idc, profile_iop (constraint flags, most significant bit first), level_idc. Several
/// pairs of the first two mean the same profile; the canonical one is written.
public struct H264ProfileLevelID: Sendable, Hashable {
    public enum Profile: Sendable, Hashable {
        case constrainedBaseline, baseline, main, high, constrainedHigh, predictiveHigh444
    }

    /// `l31` is level 3.1. The raw value is level_idc; level 1b shares 11 with level 1.1 and is told apart by a flag.
    public enum Level: UInt8, Sendable, Hashable {
        case l1 = 10, l1b = 0
        case l11 = 11, l12 = 12, l13 = 13
        case l2 = 20, l21 = 21, l22 = 22
        case l3 = 30, l31 = 31, l32 = 32
        case l4 = 40, l41 = 41, l42 = 42
        case l5 = 50, l51 = 51, l52 = 52
    }

    public var profile: Profile
    public var level: Level

    public init(profile: Profile, level: Level) {
        self.profile = profile
        self.level = level
    }

    /// What an absent `profile-level-id` stands for here: constrained baseline, level 3.1.
    public static let assumed = H264ProfileLevelID(profile: .constrainedBaseline, level: .l31)
}

// MARK: - Text

extension H264ProfileLevelID {
    /// Nil unless the text has exactly six hex digits of a known level and profile.
    public init?(_ text: String) {
        let digits = text.utf8
        guard digits.count == 6, digits.allSatisfy(Self.isHexDigit), let bits = UInt32(text, radix: 16) else {
            return nil
        }
        let (idc, iop, level) = (UInt8(bits >> 16), UInt8(bits >> 8 & 0xFF), UInt8(bits & 0xFF))
        guard let known = Self.level(idc: level, iop: iop),
            let pattern = Self.patterns.first(where: { $0.idc == idc && iop & $0.mask == $0.value })
        else { return nil }
        self.init(profile: pattern.profile, level: known)
    }

    /// The canonical text; nil for level 1b of a profile that has none.
    public var text: String? {
        if level == .l1b {
            return switch profile {
            case .constrainedBaseline: "42f00b"
            case .baseline: "42100b"
            case .main: "4d100b"
            default: nil
            }
        }
        let prefix =
            switch profile {
            case .constrainedBaseline: "42e0"
            case .baseline: "4200"
            case .main: "4d00"
            case .high: "6400"
            case .constrainedHigh: "640c"
            case .predictiveHigh444: "f400"
            }
        let digits = String(level.rawValue, radix: 16)
        return prefix + (digits.utf8.count == 1 ? "0" : "") + digits
    }

    /// The first that fits wins. A clear bit of `mask` may be anything.
    private static let patterns: [(idc: UInt8, mask: UInt8, value: UInt8, profile: Profile)] = [
        (0x42, 0b0100_1111, 0b0100_0000, .constrainedBaseline),
        (0x4D, 0b1000_1111, 0b1000_0000, .constrainedBaseline),
        (0x58, 0b1100_1111, 0b1100_0000, .constrainedBaseline),
        (0x42, 0b0100_1111, 0b0000_0000, .baseline),
        (0x58, 0b1100_1111, 0b1000_0000, .baseline),
        (0x4D, 0b1010_1111, 0b0000_0000, .main),
        (0x64, 0b1111_1111, 0b0000_0000, .high),
        (0x64, 0b1111_1111, 0b0000_1100, .constrainedHigh),
        (0xF4, 0b1111_1111, 0b0000_0000, .predictiveHigh444),
    ]

    private static func level(idc: UInt8, iop: UInt8) -> Level? {
        let constraintSet3: UInt8 = 0x10
        if idc == Level.l11.rawValue, iop & constraintSet3 != 0 { return .l1b }
        return idc == 0 ? nil : Level(rawValue: idc)
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }
}

extension H264ProfileLevelID.Level: Comparable {
    /// Doubled, so that level 1b finds its place between 1 and 1.1.
    private var rank: Int { self == .l1b ? 2 * 10 + 1 : 2 * Int(rawValue) }

    public static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}

// MARK: - Offer and answer (RFC 6184 §8.2.2)

extension H264ProfileLevelID {
    /// Of a codec's parameters; an absent or empty value is `assumed`, a malformed one nil.
    init?(parameters: [String: JSONValue]) {
        guard let value = Self.given(parameters) else {
            self = .assumed
            return
        }
        guard let text = value.stringValue else { return nil }
        self.init(text)
    }

    /// What `local` answers to `remote`. Nil when the profiles differ or one is malformed.
    static func answer(local: [String: JSONValue], remote: [String: JSONValue]) -> H264Answer? {
        guard let mine = Self(parameters: local), let theirs = Self(parameters: remote), mine.profile == theirs.profile
        else { return nil }
        if given(local) == nil, given(remote) == nil { return .noProfileLevelID }
        let asymmetric = allowsAsymmetry(local) && allowsAsymmetry(remote)
        let level = asymmetric ? mine.level : min(mine.level, theirs.level)
        return Self(profile: mine.profile, level: level).text.map { .profileLevelID($0) } ?? .noProfileLevelID
    }

    private static func given(_ parameters: [String: JSONValue]) -> JSONValue? {
        parameters["profile-level-id"].flatMap { $0.isTruthy ? $0 : nil }
    }

    private static func allowsAsymmetry(_ parameters: [String: JSONValue]) -> Bool {
        guard let value = parameters["level-asymmetry-allowed"] else { return false }
        return value.integerValue == 1 || value == .string("1") || value == .bool(true)
    }
}

/// The `profile-level-id` that an answer carries.
enum H264Answer: Equatable {
    case profileLevelID(String)
    /// Neither side named one, so the answer doesn't either.
    case noProfileLevelID
}
