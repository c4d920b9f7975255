import Base
import GStreamer
import PipelineControl

/// Says what is wrong with a plan, everything at once.
///
/// GStreamer's parser stops at the first error and tells no place. So the text is read here first, each word is looked
/// up in the registry, and then the parser builds it with names of our own in it, which lead back from its errors to
/// the words; what it objects to is taken out, and it is asked again.
struct PlanCheck {
    private let plan: GStreamerPlan
    private let texts: PlanTexts
    private var complaints: [PlanComplaint] = []
    /// By kind; nil: there is no such element.
    private var prototypes: [String: Element?] = [:]

    static func complaints(about plan: GStreamerPlan) -> [PlanComplaint] {
        do throws(GStreamerError) { try GStreamerRuntime.ensureStarted() } catch {
            return [PlanComplaint(part: "launch", offset: nil, message: error.description)]
        }
        var check = PlanCheck(plan)
        check.run()
        let secrets = PlanSecrets(plan)
        return check.complaints.map {
            PlanComplaint(part: $0.part, offset: $0.offset, message: secrets.cleaned($0.message))
        }
    }

    /// The complaints about a recording's plan as one failure; nil: there are none.
    static func refusal(of plan: GStreamerPlan, name: String) -> PipelineFailure? {
        let complaints = complaints(about: plan)
        guard !complaints.isEmpty else { return nil }
        return PipelineFailure(
            code: .cannotWrite,
            message: "\(name) can't be written: \(complaints.prefix(5).map(\.message).joined(separator: "; "))")
    }

    private init(_ plan: GStreamerPlan) {
        self.plan = plan
        texts = PlanTexts(plan)
    }

    private mutating func run() {
        for combination in texts.combinations { checkWords(combination) }
        checkSlots()
        checkProperties()
        // A parser that stumbles over what was found already would only say it again in other words.
        let words = complaints
        for combination in texts.combinations
        where !combination.read.elements.isEmpty && !words.contains(where: { $0.offset != nil }) {
            checkBuilding(combination)
        }
    }

    private mutating func complain(_ part: String, _ offset: Int?, _ message: String) {
        let complaint = PlanComplaint(part: part, offset: offset, message: message)
        if !complaints.contains(complaint) { complaints.append(complaint) }
    }

    private mutating func complain(_ combination: PlanTexts.Combination, _ offset: Int, _ message: String) {
        let place = combination.place(of: offset)
        complain(place.part, place.offset, message)
    }

    /// An element to look at.
    private mutating func prototype(_ factory: String) -> Element? {
        if let known = prototypes[factory] { return known }
        let made = Element(factory: factory)
        prototypes[factory] = .some(made)
        return made
    }

    // MARK: Words

    private mutating func checkWords(_ combination: PlanTexts.Combination) {
        let read = combination.read
        for problem in read.problems { complain(combination, problem.offset, problem.message) }
        if read.elements.isEmpty {
            complain("launch", nil, "there is no element in it")
            return
        }
        var names: Set<String> = []
        for node in read.elements where !node.factory.isEmpty {
            if let name = node.name, !names.insert(name).inserted {
                complain(combination, node.offset, "another element is named \(name) already")
            }
            guard let element = prototype(node.factory) else {
                complain(combination, node.offset, Self.missing(node.factory))
                continue
            }
            // Children of an element come with its links.
            for property in node.properties where !property.name.contains("::") && !property.name.contains("@") {
                if let complaint = element.complaint(aboutSetting: property.name) {
                    complain(combination, property.offset, complaint)
                }
            }
        }
        for lost in read.lostReferences {
            complain(combination, lost.offset, "no element is named \(lost.name)" + near(lost.name, among: names))
        }
        let cycle = read.cycle
        if let first = cycle.first {
            let way = (cycle + [first]).map { read.elements[$0].name ?? read.elements[$0].factory }
            complain(
                combination, read.elements[first].offset,
                "a cycle: \(way.filter { !$0.isEmpty }.joined(separator: " ! ")) leads back to itself")
        }
    }

    /// Why there is no such element, and what to do.
    private static func missing(_ factory: String) -> String {
        if let package = PluginPackages.package(of: factory) {
            return "the element \"\(factory)\" is not installed; the Debian package \(package) has it"
        }
        let near = (ElementFactory.all.map(\.name) + PluginPackages.names).first { $0.isNear(factory) }
        return "there is no element \"\(factory)\"" + (near.map { "; is \"\($0)\" meant?" } ?? "")
    }

    private func near(_ name: String, among names: Set<String>) -> String {
        if let near = names.sorted().first(where: { $0.isNear(name) }) { return "; is \"\(near)\" meant?" }
        return names.isEmpty ? "" : "; there are \(names.sorted().joined(separator: ", "))"
    }

    // MARK: Slots

    private mutating func checkSlots() {
        if texts.isRecord { checkRecordSlots() } else { checkIngestSlots() }
    }

    private mutating func checkIngestSlots() {
        var hasSink = false
        for combination in texts.combinations {
            for node in combination.read.elements {
                let isFrame = node.name == PlanWords.video || node.name == PlanWords.audio
                switch node.factory {
                case "appsink" where isFrame: hasSink = true
                case "appsink":
                    complain(
                        combination, node.offset,
                        "nobody takes what comes here: name it video or audio, or make it a fakesink")
                case let factory where isFrame:
                    complain(combination, node.offset, "\(node.name ?? "") must be an appsink, and \(factory) is none")
                default: break
                }
            }
            for codec in combination.codecs {
                let word = PlanWords.sounds.contains(codec) ? PlanWords.audio : PlanWords.video
                guard !combination.read.elements.contains(where: { $0.name == word }) else { continue }
                complain("branches.\(codec)", nil, "it does not end in appsink name=\(word)")
            }
            if let input = plan.input { checkDescriptor(input, "fdsrc", in: combination) }
        }
        if !hasSink, complaints.allSatisfy({ !$0.part.hasPrefix("branches.") }) {
            complain("launch", nil, "there is no appsink named video or audio, out of which frames are taken")
        }
    }

    private mutating func checkRecordSlots() {
        for combination in texts.combinations {
            checkDescriptor(PlanWords.output, "fdsink", in: combination)
            for codec in combination.codecs {
                let word = PlanWords.sounds.contains(codec) ? PlanWords.audio : PlanWords.video
                if combination.read.elements.contains(where: { $0.name == word && $0.factory == "appsrc" }) { continue }
                complain("branches.\(codec)", nil, "it does not begin with appsrc name=\(word)")
            }
            for node in combination.read.elements where node.factory == "appsrc" {
                if node.name == PlanWords.video || node.name == PlanWords.audio { continue }
                complain(combination, node.offset, "nobody feeds this appsrc: name it video or audio")
            }
        }
        if plan.branches.isEmpty {
            complain("launch", nil, "without branches there is nothing for frames to go into")
        }
    }

    /// The element that gets an open file.
    private mutating func checkDescriptor(_ name: String, _ usual: String, in combination: PlanTexts.Combination) {
        guard let node = combination.read.elements.first(where: { $0.name == name }) else {
            complain("launch", nil, "no element is named \(name), which gets the file: \(usual) name=\(name)")
            return
        }
        guard let element = prototype(node.factory) else { return }
        if element.complaint(aboutSetting: "fd") != nil {
            complain(
                combination, node.offset,
                "\(name) gets the file as its property fd, which \(node.factory) does not have")
        }
    }

    // MARK: Values from outside

    private mutating func checkProperties() {
        for property in plan.properties {
            let part = "properties.\(property.element).\(property.property)"
            if property.element == PlanWords.pipeline {
                if property.property != PlanWords.seconds {
                    complain(part, nil, "pipeline has no property \"\(property.property)\", only seconds")
                } else if property.value != .null, !(property.value.doubleValue.map { $0 > 0 && $0 < 1e9 } ?? false) {
                    complain(part, nil, "\(property.value.text) is no number of seconds")
                }
                continue
            }
            let nodes = texts.combinations.flatMap(\.read.elements).filter { $0.name == property.element }
            guard let node = nodes.first else {
                let names = Set(texts.combinations.flatMap(\.read.elements).compactMap(\.name))
                complain(part, nil, "no element is named \(property.element)" + near(property.element, among: names))
                continue
            }
            // Children come with links, and missing elements were complained about.
            guard !property.property.contains("::"), let element = Element(factory: node.factory) else { continue }
            if let caps = node.properties.last(where: { $0.name == "caps" }) { element.setText("caps", caps.value) }
            if property.value == .null {
                if let complaint = element.complaint(aboutSetting: property.property) { complain(part, nil, complaint) }
                continue
            }
            do throws(Element.PropertyError) {
                try element.set(property.property, to: property.value)
            } catch {
                complain(part, nil, "\(property.element): \(error)")
            }
        }
    }

    // MARK: Building

    /// So often at most the parser is asked about one combination.
    private static let mostErrors = 16
    private static let mark = "ladle-word-"

    private mutating func checkBuilding(_ combination: PlanTexts.Combination) {
        let read = combination.read
        var removed: [Range<Int>] = []
        for _ in 0..<Self.mostErrors {
            do throws(GStreamerError) {
                _ = try Pipeline(launch: Self.marked(combination, without: removed))
                return
            } catch {
                let (message, named) = Self.translate(error.cause, read)
                guard let first = named.first else {
                    complain("launch", nil, message)
                    return
                }
                let node = read.elements[first]
                let link = read.links.first { link in
                    read.node(link.from) == first && !removed.contains(link.offset..<link.offset + 1)
                }
                switch error.kind {
                case .link where link != nil:
                    let offset = link?.offset ?? node.offset
                    complain(combination, offset, message)
                    removed += link.map { Self.extent(of: $0, in: combination.text) } ?? []
                case .property:
                    let property = node.properties.first { message.contains("\"\($0.name)\"") }
                    complain(combination, property?.offset ?? node.offset, message)
                    guard let property, let end = property.end else { return }
                    removed.append(property.offset..<end)
                default:
                    complain(combination, node.offset, message)
                    return
                }
            }
        }
    }

    /// What goes when a link goes: its mark, and references, which mean nothing without it.
    private static func extent(of link: LaunchText.Link, in text: String) -> [Range<Int>] {
        var extent = [link.offset..<link.offset + 1]
        for case .reference(_, let offset) in [link.from, link.to] {
            let word = text.utf8.dropFirst(offset).prefix { $0 > 32 && $0 != UInt8(ascii: "!") }
            extent.append(offset..<offset + word.count)
        }
        return extent
    }

    /// The text with a name for each element that has none, and spaces for what was removed.
    private static func marked(_ combination: PlanTexts.Combination, without removed: [Range<Int>]) -> String {
        var bytes = Array(combination.text.utf8)
        for range in removed {
            for index in range where bytes.indices.contains(index) { bytes[index] = UInt8(ascii: " ") }
        }
        for (index, node) in combination.read.elements.enumerated().reversed()
        where !node.factory.isEmpty && node.name == nil {
            bytes.insert(contentsOf: Array(" name=\(mark)\(index)-".utf8), at: node.end)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// GStreamer's words with the text's own in the place of our names, and which elements they speak of, in order.
    private static func translate(_ cause: String, _ read: LaunchText) -> (message: String, named: [Int]) {
        var message = cause
        let words = cause.split { !($0.isLetter || $0.isNumber || "-_%".contains($0)) }
        var found: [(at: String.Index, index: Int)] = []
        for (index, node) in read.elements.enumerated() where !node.factory.isEmpty {
            // A property's error names the kind alone.
            let names = [node.name ?? "\(mark)\(index)-", node.factory]
            if let word = words.first(where: { names[0] == $0 }) ?? words.first(where: { names[1] == $0 }) {
                found.append((word.startIndex, index))
            }
            if node.name == nil { message = message.replacing(names[0], with: node.factory) }
        }
        return (message, found.sorted { $0.at < $1.at }.map(\.index))
    }
}
