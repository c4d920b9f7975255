/// Seeds that no capture has: written by hand after the payload formats.
extension FuzzTarget {
    /// Payloads of H265 (RFC 7798 §4.4), each behind its length in two bytes: parameter sets, slices, aggregation packets and
    /// fragments.
    static let h265Payloads: [[UInt8]] = [
        [
            [0x40, 0x01, 0x0C, 0x01], [0x42, 0x01, 0x01], [0x44, 0x01, 0xC0],  // VPS, SPS, PPS
            [0x26, 0x01, 0xAF, 0x09], [0x26, 0x01, 0x2F],  // IDR: its first slice, a later one
            [0x02, 0x02, 0xD0, 0x20], [0x04, 0x03, 0xD0],  // trailing picture and TSA of upper temporal layers
            [0x2A, 0x01, 0x80], [0x28, 0x01, 0x80], [0x40, 0x00, 0x0C],  // CRA, IDR without leading pictures; TID 0
        ],
        // Aggregation packets: parameter sets; an access unit delimiter, then a CRA; lengths that lead out.
        [
            [0x60, 0x01, 0, 4, 0x40, 0x01, 0x0C, 0x01, 0, 3, 0x42, 0x01, 0x01, 0, 3, 0x44, 0x01, 0xC0],
            [0x60, 0x01, 0, 3, 0x46, 0x01, 0x50, 0, 4, 0x2A, 0x01, 0x80, 0x10], [0x60, 0x01, 0xFF, 0xFF, 2, 1, 0x80],
        ],
        // Fragments: start, middle and end of an IDR's slice; a TSA's start; one that is cut.
        [
            [0x62, 0x01, 0x93, 0x80, 1, 2, 3], [0x62, 0x01, 0x13, 0x80], [0x62, 0x01, 0x53, 0x80],
            [0x62, 0x02, 0x83, 0x80], [0x62, 0x01, 0x93],
        ],
    ].map { stream(of: $0.map { payload in [0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3] + payload } + $0) }

    /// Dependency descriptors (RTP Payload Format for AV1, appendix A): one layer; L1T3; L2T1_KEY; frames that differ from
    /// their template in everything.
    static let dependencyDescriptors: [[UInt8]] = [
        [
            "11 000001 0001001000110100 10000 000001 00000 11 10 0 0 0", "01 000001 0001001000110100",
            "11 000001 0001001000110101",
        ],
        [
            "11 000000 0000000000000001 10000 \(threeTemporal) 01 0000 0100 0010 0001 0011"
                + " 1 0000010011111111 0000001011001111",
            "11 000011 0000000000000010", "11 000010 0000000000000011", "11 000100 0000000000000100",
            "11 000001 0000000000000101", "11 000011 0000000000000110",
        ],
        [
            "11 000000 0000000000000001 10000 000000 00001 00 10 00 11 10 10 10 00 00 10 00 10"
                + " 0 1 0001 0 1 0000 0 1 0001 0 00 0",
            "11 000010 0000000000000010", "11 000001 0000000000000011", "11 000011 0000000000000100",
        ],
        [
            "11 000000 0000000000000001 10000 \(threeTemporal) 10 0 1 1 0000 0001 0000 0001 0000 0001 0000 0001 0000 0001 0",
            "11 000001 0000000000000010 01111 101 11 00 01 01 0010 11 000100101011 00 00000001 00000010",
            "11 000001 0000000000000011 00010 10 00000111 00",
        ],
    ].map { stream(of: $0.map(bytes)) }

    /// Template offset, three decode targets, layers T0 T0 T1 T2 T2, their indications and references.
    private static let threeTemporal =
        "000000 00010 00 01 01 00 11 10 10 10 10 10 10 00 01 10 00 00 01 00 00 01"
        + " 0 1 0011 0 1 0001 0 1 0000 0 1 0000 0"

    /// Of a text of bits, filled up with zeros.
    private static func bytes(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.wholeNumberValue)
        return stride(from: 0, to: digits.count, by: 8).map { start in
            (start..<start + 8).reduce(0) { $0 << 1 | UInt8($1 < digits.count ? digits[$1] : 0) }
        }
    }

    private static func stream(of datagrams: [[UInt8]]) -> [UInt8] {
        datagrams.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 }
    }
}
