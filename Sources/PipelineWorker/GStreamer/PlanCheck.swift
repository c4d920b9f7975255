import Base
import GStreamer
import PipelineControl

/// Says what is wrong with a plan, everything at once.
enum PlanCheck {
    static func complaints(about plan: GStreamerPlan) -> [PlanComplaint] { [] }
}
