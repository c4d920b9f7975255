import Base
import Testing

/// Counts its lives.
private struct Resident: ~Copyable {
    final class Register {
        var alive = 0
    }

    var number: Int
    private let register: Register

    init(_ number: Int, _ register: Register) {
        self.number = number
        self.register = register
        register.alive += 1
    }

    deinit { register.alive -= 1 }
}

/// Removes a resident; tells its number.
private func take(_ index: SlabIndex, from slab: inout Slab<Resident>) -> Int? {
    guard let resident = slab.remove(index) else { return nil }
    return resident.number
}

@Test func `a slot's next tenant is not taken for the last one`() {
    let register = Resident.Register()
    var slab = Slab<Resident>()
    let first = slab.insert(Resident(1, register))
    #expect(take(first, from: &slab) == 1)
    let second = slab.insert(Resident(2, register))
    #expect(first.slot == second.slot)
    let (stale, fresh) = (slab.contains(first), slab.contains(second))
    #expect(!stale && fresh)
    #expect(take(first, from: &slab) == nil)
}

@Test func `values survive growth, holes and reuse, and each dies once`() {
    let register = Resident.Register()
    do {
        var slab = Slab<Resident>()
        var indexes: [(SlabIndex, Int)] = []
        for number in 0..<1000 {
            indexes.append((slab.insert(Resident(number, register)), number))
            if number % 3 == 0 {
                let (index, _) = indexes.remove(at: indexes.count / 2)
                _ = slab.remove(index)
            }
        }
        for (index, _) in indexes { slab[index].number += 1 }
        let wrong = indexes.filter { slab[$0.0].number != $0.1 + 1 }.count
        #expect(wrong == 0)
        let count = slab.count
        #expect(count == indexes.count && register.alive == count)
        let walked = (0..<slab.slotCount).compactMap { slab.index(ofSlot: $0) }
        #expect(Set(walked) == Set(indexes.map(\.0)))
    }
    #expect(register.alive == 0)
}

@Test func `areas hold numbers in network order`() {
    var area = ByteArea(capacity: 10)
    #expect(area.capacity == 4096)
    area.store(UInt32(0x0102_0304), at: 1)
    area.store(UInt16(0xA0B0), at: 5)
    area.store(UInt8(7), at: 7)
    area.write(([8, 9] as [UInt8]).span.bytes, at: 8)
    let content = area.bytes(0..<10)
    #expect(content == [0, 1, 2, 3, 4, 0xA0, 0xB0, 7, 8, 9])
    let byte = area.uint8(at: 7)
    #expect(byte == 7)
    var other = ByteArea(capacity: 4096)
    other.write(area, from: 1, count: 4, at: 4092)
    let copied = other.bytes(4092..<4096)
    #expect(copied == [1, 2, 3, 4])
}
