import COpenSSL

/// The ciphers of one kind of packet (RTP or RTCP) and direction, on OpenSSL, with contexts that are kept: the key is
/// expanded once, a packet only brings its initialisation vector. Nothing is allocated per packet.
///
/// What it does to a packet is RFC 3711 §3.1 and RFC 7714 §7 and §9; where the pieces lie is known by the caller.
/// Raw pointers, because this is the edge to C: each is checked by the caller against the area or span it points into.
enum PacketCipher: ~Copyable {
    case gcm(GCMCipher)
    case counterMode(CounterModeCipher)

    /// - Throws: `wrongKeyLength`, `backend`.
    init(_ suite: SRTPCryptoSuite, _ keys: SRTPSessionKeys, encrypts: Bool) throws(SRTPError) {
        try keys.check(for: suite)
        if suite.isAEAD {
            self = .gcm(try GCMCipher(keys, encrypts: encrypts))
        } else {
            self = .counterMode(try CounterModeCipher(keys))
        }
    }
}

/// AES-GCM. The tag is checked before anything is believed, but after the payload was written.
struct GCMCipher: ~Copyable {
    private let context: OpaquePointer
    /// The salt's first 4 bytes and the other 8, as numbers.
    private let salt: (UInt32, UInt64)

    init(_ keys: SRTPSessionKeys, encrypts: Bool) throws(SRTPError) {
        guard let context = ladle_gcm_new(keys.encryption, Int32(keys.encryption.count), encrypts ? 1 : 0) else {
            throw .openSSL()
        }
        self.context = context
        salt = (UInt32(Self.number(keys.salt[0..<4])), Self.number(keys.salt[4..<12]))
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    /// The initialisation vector (RFC 7714 §8.1 and §9.1), before the salt is XORed onto it:
    ///
    ///      0  0  0  0  0  0  0  0  0  0  1  1
    ///      0  1  2  3  4  5  6  7  8  9  0  1
    ///     +--+--+--+--+--+--+--+--+--+--+--+--+
    ///     |00|00|    SSRC   |   48 bits index |    index: ROC and SEQ, or 17 zero bits and the SRTCP index
    ///     +--+--+--+--+--+--+--+--+--+--+--+--+
    @inline(__always)
    private func vector(_ ssrc: UInt32, _ index: UInt64) -> InlineArray<12, UInt8> {
        let first = salt.0 ^ (ssrc >> 16)
        let second = salt.1 ^ (UInt64(ssrc & 0xFFFF) << 48 | index & 0xFFFF_FFFF_FFFF)
        var bytes = InlineArray<12, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        raw.storeBytes(of: first.bigEndian, toByteOffset: 0, as: UInt32.self)
        raw.storeBytes(of: second.bigEndian, toByteOffset: 4, as: UInt64.self)
        return bytes
    }

    /// - Parameter trailer: What is authenticated behind the head: the SRTCP index word, or nothing.
    @inline(__always)
    func seal(
        _ head: UnsafeRawPointer, _ headLength: Int, trailer: UnsafeRawPointer?, from source: UnsafeRawPointer,
        count: Int, to target: UnsafeMutableRawPointer, tag: UnsafeMutableRawPointer, ssrc: UInt32, index: UInt64
    ) -> Bool {
        // The vector lives on the stack for the length of the call; likewise below.
        vector(ssrc, index).span.withUnsafeBufferPointer { vector in
            ladle_gcm_seal(
                context, vector.baseAddress, head, Int32(headLength), trailer, trailer == nil ? 0 : 4, source,
                Int32(count), target, tag) == 1
        }
    }

    @inline(__always)
    func open(
        _ head: UnsafeRawPointer, _ headLength: Int, trailer: UnsafeRawPointer?, from source: UnsafeRawPointer,
        count: Int, to target: UnsafeMutableRawPointer, tag: UnsafeRawPointer, ssrc: UInt32, index: UInt64
    ) -> Bool {
        vector(ssrc, index).span.withUnsafeBufferPointer { vector in
            ladle_gcm_open(
                context, vector.baseAddress, head, Int32(headLength), trailer, trailer == nil ? 0 : 4, source,
                Int32(count), target, tag) == 1
        }
    }
}

/// AES in counter mode, and HMAC-SHA1 over the encrypted packet.
struct CounterModeCipher: ~Copyable {
    private let context: OpaquePointer
    private let hmac: UnsafeMutablePointer<ladle_hmac_sha1>
    /// The salt · 2^16, as two numbers of 64 bits.
    private let salt: (UInt64, UInt64)

    init(_ keys: SRTPSessionKeys) throws(SRTPError) {
        guard let context = ladle_ctr_new(keys.encryption, Int32(keys.encryption.count)) else { throw .openSSL() }
        let hmac = UnsafeMutablePointer<ladle_hmac_sha1>.allocate(capacity: 1)
        hmac.initialize(to: ladle_hmac_sha1())
        guard ladle_hmac_sha1_init(hmac, keys.authentication, Int32(keys.authentication.count)) == 1 else {
            EVP_CIPHER_CTX_free(context)
            hmac.deallocate()
            throw .openSSL()
        }
        self.context = context
        self.hmac = hmac
        let bytes = keys.salt + [0, 0]
        salt = (
            bytes[0..<8].reduce(0) { $0 << 8 | UInt64($1) }, bytes[8..<16].reduce(0) { $0 << 8 | UInt64($1) }
        )
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
        OPENSSL_cleanse(hmac, MemoryLayout<ladle_hmac_sha1>.size)
        hmac.deallocate()
    }

    /// Encrypts or decrypts. The counter's start is (salt · 2^16) XOR (SSRC · 2^64) XOR (index · 2^16), RFC 3711 §4.1.1.
    @inline(__always)
    func apply(
        from source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, ssrc: UInt32, index: UInt64
    ) -> Bool {
        let (first, second) = (salt.0 ^ UInt64(ssrc), salt.1 ^ index << 16)
        var bytes = InlineArray<16, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        var raw = span.mutableBytes
        raw.storeBytes(of: first.bigEndian, toByteOffset: 0, as: UInt64.self)
        raw.storeBytes(of: second.bigEndian, toByteOffset: 8, as: UInt64.self)
        return bytes.span.withUnsafeBufferPointer { vector in
            ladle_ctr_apply(context, vector.baseAddress, source, Int32(count), target) == 1
        }
    }

    /// Writes the first bytes of the sum over `data` and the word behind it, which is the ROC or the SRTCP index word.
    @inline(__always)
    func sign(_ data: UnsafeRawPointer, _ count: Int, word: UInt32, tag: UnsafeMutableRawPointer, _ length: Int) -> Bool
    {
        var sum = InlineArray<20, UInt8>(repeating: 0)
        guard Self.sum(hmac, data, count, word, &sum) else { return false }
        for place in 0..<length { tag.storeBytes(of: sum[place], toByteOffset: place, as: UInt8.self) }
        return true
    }

    /// Whether the tag is right, in a time that does not say how far it is.
    @inline(__always)
    func verify(_ data: UnsafeRawPointer, _ count: Int, word: UInt32, tag: UnsafeRawPointer, _ length: Int) -> Bool {
        var sum = InlineArray<20, UInt8>(repeating: 0)
        guard Self.sum(hmac, data, count, word, &sum) else { return false }
        return sum.span.withUnsafeBufferPointer { CRYPTO_memcmp($0.baseAddress, tag, length) == 0 }
    }

    @inline(__always)
    private static func sum(
        _ hmac: UnsafeMutablePointer<ladle_hmac_sha1>, _ data: UnsafeRawPointer, _ count: Int, _ word: UInt32,
        _ sum: inout InlineArray<20, UInt8>
    ) -> Bool {
        var word = word.bigEndian
        return withUnsafeBytes(of: &word) { word in
            var span = sum.mutableSpan
            return span.withUnsafeMutableBufferPointer { sum in
                ladle_hmac_sha1_sum(
                    hmac, data, count, word.baseAddress?.assumingMemoryBound(to: UInt8.self), sum.baseAddress) == 1
            }
        }
    }
}
