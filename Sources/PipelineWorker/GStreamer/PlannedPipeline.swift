import Base
import GStreamer
import PipelineControl

/// A pipeline built by a plan: the text with the wanted branches, properties set, descriptors given, nothing within
/// reach that the text does not name.
struct PlannedPipeline {
    let pipeline: Pipeline
    /// Names of the elements that an outside value set, with what was said of the value.
    let secrets: PlanSecrets

    /// - Parameters:
    ///   - branches: codecs whose branches are added; those without one in the plan are left out.
    ///   - descriptor: for the property `fd` of the element.
    ///   - reach: limited to what the text names, once it is built.
    init(
        _ plan: GStreamerPlan, branches: [String], name: String, descriptor: (element: String, fd: Int32)?, reach: Reach
    ) throws(PipelineFailure) {
        secrets = PlanSecrets(plan)
        let text = plan.text(with: branches)
        reach.restore()
        do throws(GStreamerError) {
            pipeline = try Pipeline(launch: text)
        } catch {
            let complaints = PlanCheck.complaints(about: plan).map(\.message)
            throw PipelineFailure(
                code: .cannotOpen,
                message: secrets.cleaned(
                    "\(name) can't be built: "
                        + (complaints.isEmpty ? error.description : complaints.prefix(5).joined(separator: "; "))))
        }
        for property in plan.properties where property.element != PlanWords.pipeline && property.value != .null {
            guard let element = pipeline.element(named: property.element) else {
                // It may stand in a branch that is not wanted.
                if plan.hasElsewhere(property.element, than: branches) { continue }
                throw PipelineFailure(
                    code: .cannotOpen, message: "\(name) has no element named \(property.element)")
            }
            do throws(Element.PropertyError) {
                try element.set(property.property, to: property.value)
            } catch {
                throw PipelineFailure(
                    code: .cannotOpen, message: secrets.cleaned("\(name): \(property.element): \(error)"))
            }
        }
        if let descriptor {
            guard let element = pipeline.element(named: descriptor.element) else {
                throw PipelineFailure(
                    code: .cannotOpen,
                    message: "\(name) has no element named \(descriptor.element), which gets the file")
            }
            do throws(Element.PropertyError) {
                try element.set("fd", to: .integer(Int64(descriptor.fd)))
            } catch {
                throw PipelineFailure(
                    code: .cannotOpen,
                    message: "\(name): the element \(descriptor.element) can't get the file: \(error)")
            }
        }
        pipeline.capOutputs()
        reach.limit(to: pipeline, secrets.schemes)
    }

    /// What an error of GStreamer's means to a person.
    func words(of error: GStreamerError) -> String {
        var who = error.element
        if let name = error.element, let factory = pipeline.element(named: name)?.factory?.name,
            !name.hasPrefix(factory)
        {
            who = "\(name) (\(factory))"
        }
        return secrets.cleaned(who.map { "\($0): \(error.cause)" } ?? error.cause)
    }
}

/// Words of descriptions that are ours and not GStreamer's.
enum PlanWords {
    /// `pipeline.seconds` sets how long an ingest plays.
    static let pipeline = "pipeline"
    static let seconds = "seconds"
    static let video = "video"
    static let audio = "audio"
    static let output = "output"
    /// Codecs of pictures, in the order of choice when nothing was wished.
    static let pictures = ["vp8", "h264", "vp9"]
    static let sounds = ["opus"]
}

extension GStreamerPlan {
    /// The text with some branches behind it.
    func text(with codecs: [String]) -> String {
        ([launch] + codecs.compactMap { branches[$0] }).joined(separator: "\n")
    }

    /// Whether a branch that is not among these names the element.
    func hasElsewhere(_ element: String, than codecs: [String]) -> Bool {
        branches.contains { codec, text in
            !codecs.contains(codec) && LaunchText(text).elements.contains { $0.name == element }
        }
    }

    /// How long an ingest plays: what `pipeline.seconds` says.
    var seconds: Double? {
        properties.last { $0.element == PlanWords.pipeline && $0.property == PlanWords.seconds }?.value.doubleValue
    }
}

/// Addresses with secrets in a plan, which no error and no log may show.
struct PlanSecrets {
    private let addresses: [SourceAddress]
    /// Schemes that a value from outside names; never those that open files or devices.
    let schemes: Set<String>

    init(_ plan: GStreamerPlan) {
        let given = plan.properties.compactMap(\.value.stringValue).filter(SourceAddress.looksLikeAddress)
        let written = plan.text(with: Array(plan.branches.keys)).split { " \n\"'".contains($0) }.compactMap { word in
            word.firstIndex(of: "=").map { String(word[word.index(after: $0)...]) } ?? String(word)
        }.filter(SourceAddress.looksLikeAddress)
        addresses = (given + written).compactMap { try? SourceAddress($0) }
        let named = given.compactMap { try? SourceAddress($0) }.filter { !$0.scheme.isDevice }.map(\.scheme.rawValue)
        // The text's author may name any scheme, a request none that opens files.
        schemes = Set(named).union(written.compactMap { $0.split(separator: ":").first?.lowercased() })
    }

    func cleaned(_ text: String) -> String { addresses.reduce(text) { $1.cleaned($0) } }
}
