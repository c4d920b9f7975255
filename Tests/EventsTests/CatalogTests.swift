import Base
import Events
import FoundationEssentials
import Testing

@Suite struct CatalogTests {
    @Test func `the samples cover every kind of fact`() {
        #expect(Set(Samples.facts.map(\.kind)) == Set(FactKind.allCases))
    }

    @Test(arguments: Samples.facts)
    func `a fact writes the members that the catalogue names, and no others`(fact: Fact) {
        let members = EventCatalog.members(of: fact.kind)
        let written = Set(fact.payload.keys)
        #expect(written.isSubset(of: Set(members.map(\.name))))
        #expect(Set(members.filter { !$0.isOptional }.map(\.name)).isSubset(of: written))
    }

    @Test func `each optional member is written by some sample and left out by another`() {
        for kind in FactKind.allCases {
            for member in EventCatalog.members(of: kind) where member.isOptional {
                let samples = Samples.facts.filter { $0.kind == kind }
                #expect(samples.contains { $0.payload[member.name] != nil }, "\(kind.rawValue) \(member.name)")
                #expect(samples.contains { $0.payload[member.name] == nil }, "\(kind.rawValue) \(member.name)")
            }
        }
    }

    @Test func `the table in docs is the catalogue`() throws {
        var documented: [String: [String]] = [:]
        for line in try page().split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|")
            // The table of types alone has three cells and members in the last.
            guard cells.count == 3, let type = quoted(cells[0]).first, !quoted(cells[2]).isEmpty else { continue }
            #expect(documented[type] == nil, "\(type) stands twice")
            documented[type] = quoted(cells[2]).sorted()
        }
        #expect(Set(documented.keys) == Set(FactKind.allCases.map(\.rawValue)))
        for kind in FactKind.allCases {
            let members = EventCatalog.members(of: kind).map { $0.isOptional ? "\($0.name)?" : $0.name }
            #expect(documented[kind.rawValue] == members.sorted(), "\(kind.rawValue)")
        }
    }

    @Test func `every reason of a gap is documented`() throws {
        let page = try page()
        for reason in GapReason.allCases { #expect(page.contains("| `\(reason.rawValue)` |")) }
    }

    private func page() throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return String(decoding: try Data(contentsOf: URL(filePath: "/\(root)/docs/events.md")), as: UTF8.self)
    }

    /// The words between backticks.
    private func quoted(_ cell: Substring) -> [String] {
        let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
        return parts.indices.filter { !$0.isMultiple(of: 2) }.map { String(parts[$0]) }
    }
}
