/// Things by id, in the order they came.
struct Registry<Element> {
    private var elements: [(id: String, element: Element)] = []

    var all: [Element] { elements.map(\.element) }

    subscript(id: String) -> Element? { elements.first { $0.id == id }?.element }

    mutating func add(_ element: Element, id: String) { elements.append((id, element)) }

    /// Lets the oldest go of those that have ended, down to `count` of them.
    mutating func trim(to count: Int, isEnded: (Element) -> Bool) {
        var excess = elements.count { isEnded($0.element) } - count
        elements.removeAll { entry in
            guard excess > 0, isEnded(entry.element) else { return false }
            excess -= 1
            return true
        }
    }
}
