import CLinux

/// Names one value in a slab. It goes stale when the value is removed: the slot's next tenant has another generation.
public struct SlabIndex: Sendable, Hashable {
    public let slot: UInt32
    /// Odd while the slot is taken.
    public let generation: UInt32

    @inlinable
    public init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// Many noncopyable values, each in a numbered slot, used in place. Arrays and dictionaries refuse such values.
///
/// Insertion may move all values: nothing keeps their addresses.
public struct Slab<Element: ~Copyable>: ~Copyable {
    @usableFromInline var elements: UnsafeMutablePointer<Element>
    @usableFromInline var generations: [UInt32] = []
    private var free: [UInt32] = []
    private var capacity = 0
    public private(set) var count = 0

    public init() { elements = UnsafeMutablePointer<Element>.allocate(capacity: 0) }

    deinit {
        // Only slots with an odd generation hold a value.
        for slot in generations.indices where generations[slot] & 1 == 1 { (elements + slot).deinitialize(count: 1) }
        elements.deallocate()
    }

    /// Slots in use or free: the range to walk over with `index(ofSlot:)`.
    public var slotCount: Int { generations.count }

    @inlinable
    public func contains(_ index: SlabIndex) -> Bool {
        Int(index.slot) < generations.count && generations[Int(index.slot)] == index.generation
            && index.generation & 1 == 1
    }

    /// The index of the value in a slot; nil for a free one.
    @inlinable
    public func index(ofSlot slot: Int) -> SlabIndex? {
        let generation = generations[slot]
        return generation & 1 == 1 ? SlabIndex(slot: UInt32(slot), generation: generation) : nil
    }

    public mutating func insert(_ element: consuming Element) -> SlabIndex {
        count += 1
        if let slot = free.popLast() {
            (elements + Int(slot)).initialize(to: element)
            generations[Int(slot)] &+= 1
            return SlabIndex(slot: slot, generation: generations[Int(slot)])
        }
        let slot = generations.count
        if slot == capacity { grow() }
        (elements + slot).initialize(to: element)
        generations.append(1)
        return SlabIndex(slot: UInt32(slot), generation: 1)
    }

    /// Takes a value out; nil when the index is stale.
    public mutating func remove(_ index: SlabIndex) -> Element? {
        guard contains(index) else { return nil }
        count -= 1
        generations[Int(index.slot)] &+= 1
        free.append(index.slot)
        return (elements + Int(index.slot)).move()
    }

    /// The value in place. A stale index is a broken invariant: ask `contains` where that can happen.
    @inlinable
    public subscript(index: SlabIndex) -> Element {
        unsafeAddress {
            precondition(contains(index), "a stale slab index")
            // The slot holds a value (checked), and `self` is borrowed as long as the address is used.
            return UnsafePointer(elements + Int(index.slot))
        }
        unsafeMutableAddress {
            precondition(contains(index), "a stale slab index")
            // As above; `self` is held exclusively.
            return elements + Int(index.slot)
        }
    }

    /// Asks for some cache lines of a value that will be used soon, so that they are in the first cache by then. Nothing
    /// is read: a stale index costs a moment and harms nobody.
    /// - Parameters:
    ///   - offset: Into the value, in bytes.
    ///   - lines: How many, of 64 bytes each. A literal: then there is no loop.
    @inlinable @inline(__always)
    public func prefetch(_ index: SlabIndex, at offset: Int, lines: Int) {
        // Taken as a number: the address may be beyond the slab, if the index is stale.
        let value = UInt(bitPattern: elements) &+ UInt(index.slot) &* UInt(MemoryLayout<Element>.stride)
        let first = value &+ UInt(bitPattern: offset)
        for line in 0..<UInt(bitPattern: lines) { ladle_prefetch(UnsafeRawPointer(bitPattern: first &+ line &* 64)) }
    }

    /// Runs only when no slot is free, but removed values may leave holes at any time: move slot by slot.
    private mutating func grow() {
        let larger = max(8, capacity * 2)
        let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        for slot in generations.indices where generations[slot] & 1 == 1 {
            (moved + slot).initialize(to: (elements + slot).move())
        }
        elements.deallocate()
        elements = moved
        capacity = larger
    }
}
