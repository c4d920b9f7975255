import Glibc

/// A fixed piece of memory of our own: send slots, packet logs. Pages cost nothing until they are first written.
///
/// Every access is checked against the capacity, in release too: one compare beside a copy is not measurable.
public struct ByteArea: ~Copyable {
    /// Valid for the life of the area. Public because the kernel reads send slots through `iovec`.
    public let base: UnsafeMutableRawPointer
    public let capacity: Int
    /// Who holds it may read the memory after the area is gone.
    let lease: MemoryLease

    /// - Parameter capacity: In bytes, rounded up to whole pages.
    public init(capacity: Int) {
        let whole = (max(capacity, 1) + 4095) & ~4095
        // Anonymous and private: no file, zero filled, given back whole by munmap when the lease ends.
        let memory = mmap(nil, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory, memory != MAP_FAILED else { preconditionFailure("no address space for \(whole) bytes") }
        base = memory
        self.capacity = whole
        lease = MemoryLease(memory, whole)
    }

    /// Gives the memory of all pages back that lie whole in a range; they are zero when they are touched again.
    public mutating func discard(_ range: Range<Int>) {
        check(range.lowerBound, range.count)
        let first = (range.lowerBound + 4095) & ~4095
        let end = range.upperBound & ~4095
        // Whole pages of our own mapping. A kernel that refuses keeps them: nothing is lost.
        if first < end { _ = madvise(base + first, end - first, MADV_DONTNEED) }
    }

    /// Copies bytes in; the caller keeps them.
    @inlinable
    public mutating func write(_ bytes: RawSpan, at offset: Int) {
        let count = bytes.byteCount
        check(offset, count)
        // The span's memory and ours can't overlap: nobody hands out a span over an area.
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress { memcpy(base + offset, start, count) }
        }
    }

    /// Copies from another area (a packet from its log into a slot).
    @inlinable
    public mutating func write(_ source: borrowing ByteArea, from start: Int, count: Int, at offset: Int) {
        source.check(start, count)
        check(offset, count)
        // Two areas are two mappings: no overlap.
        memcpy(base + offset, source.base + start, count)
    }

    @inlinable
    public mutating func store(_ value: UInt8, at offset: Int) {
        check(offset, 1)
        base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
    }

    /// In network byte order.
    @inlinable
    public mutating func store(_ value: UInt16, at offset: Int) {
        check(offset, 2)
        // storeBytes needs no alignment for trivial types; likewise below.
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }

    /// In network byte order.
    @inlinable
    public mutating func store(_ value: UInt32, at offset: Int) {
        check(offset, 4)
        base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    @inlinable
    public func uint8(at offset: Int) -> UInt8 {
        check(offset, 1)
        return base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// In network byte order.
    @inlinable
    public func uint32(at offset: Int) -> UInt32 {
        check(offset, 4)
        return UInt32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// Moves bytes within the area; the ranges may overlap.
    public mutating func move(_ start: Int, count: Int, to offset: Int) {
        check(start, count)
        check(offset, count)
        // Both ranges lie within our own mapping.
        memmove(base + offset, base + start, count)
    }

    /// The bytes as an array: for tests and rare paths.
    public func bytes(_ range: Range<Int>) -> [UInt8] {
        check(range.lowerBound, range.count)
        // Copied before we return: the pointer does not leave.
        return [UInt8](UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    }

    @inlinable
    func check(_ offset: Int, _ count: Int) {
        precondition(offset >= 0 && count >= 0 && offset <= capacity - count, "outside of the area")
    }
}

/// Mapped memory that is given back when its last holder goes.
///
/// `@unchecked` holds: it only remembers what to unmap.
final class MemoryLease: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    private let size: Int

    init(_ base: UnsafeMutableRawPointer, _ size: Int) { (self.base, self.size) = (base, size) }

    deinit { munmap(base, size) }
}
