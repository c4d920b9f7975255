import PipelineControl

/// The texts of a plan as they are put together: the description's own, and for each codec what is added.
struct PlanTexts {
    /// "launch", "branches.vp8"
    typealias Part = String

    struct Place {
        var part: Part
        var offset: Int
    }

    /// What runs at once: the description's text with one branch of a picture and one of a sound.
    struct Combination {
        let codecs: [String]
        let text: String
        let read: LaunchText
        /// Where each part begins in the text, in UTF-8 bytes.
        private let starts: [(part: Part, start: Int)]

        init(_ plan: GStreamerPlan, _ codecs: [String]) {
            self.codecs = codecs
            text = plan.text(with: codecs)
            read = LaunchText(text)
            var (starts, at): ([(part: Part, start: Int)], Int) = ([("launch", 0)], plan.launch.utf8.count + 1)
            for codec in codecs {
                guard let branch = plan.branches[codec] else { continue }
                starts.append(("branches.\(codec)", at))
                at += branch.utf8.count + 1
            }
            self.starts = starts
        }

        /// Where a byte of the whole stands in its part.
        func place(of offset: Int) -> Place {
            let part = starts.last { $0.start <= offset } ?? ("launch", 0)
            return Place(part: part.part, offset: offset - part.start)
        }
    }

    /// Every branch occurs in one at least.
    let combinations: [Combination]

    init(_ plan: GStreamerPlan) {
        let pictures = PlanWords.pictures.filter { plan.branches[$0] != nil }
        let sounds = PlanWords.sounds.filter { plan.branches[$0] != nil }
        combinations =
            pictures.isEmpty
            ? [Combination(plan, sounds)] : pictures.map { Combination(plan, [$0] + sounds) }
    }

    /// Whether frames go into its appsrc rather than come out of its appsinks.
    var isRecord: Bool {
        combinations.contains { combination in
            combination.read.elements.contains { $0.factory == "appsrc" || $0.name == PlanWords.output }
        }
    }
}
