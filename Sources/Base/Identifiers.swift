/// A name that the gateway or a caller gave to one thing; its kind keeps it from being taken for another's.
public protocol Identifier: Sendable, Hashable, RawRepresentable, CustomStringConvertible where RawValue == String {
    init(rawValue: String)
}

extension Identifier {
    public var description: String { rawValue }

    /// A fresh UUID of version 4, lower case, as mediasoup writes its ids (RFC 9562 §5.4).
    public static func random(using generator: inout some RandomNumberGenerator) -> Self {
        uuid(generator.next(), generator.next())
    }

    // The system's generator is an empty value: borrowing it for writing, the thread sanitizer takes all of them for one
    // variable of several threads.
    public static func random() -> Self { uuid(.random(in: .min ... .max), .random(in: .min ... .max)) }

    private static func uuid(_ high: UInt64, _ low: UInt64) -> Self {
        let high = high & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = low & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        let digits = hexadecimal(high) + hexadecimal(low)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append("-") }
            text.append(digit)
        }
        return Self(rawValue: text)
    }
}

private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

public struct RouterID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

public struct TransportID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

public struct ProducerID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

public struct ConsumerID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

public struct RTPObserverID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

public struct DataProducerID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

public struct DataConsumerID: Identifier {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}
