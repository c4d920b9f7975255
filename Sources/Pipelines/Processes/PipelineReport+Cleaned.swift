import PipelineControl

extension PipelineReport {
    /// The same without the secrets of an address. The process cleans what it says; this is for the word that it
    /// forgot, or that a library of its own printed.
    func cleaned(of address: SourceAddress) -> PipelineReport {
        switch self {
        case .opened(var source):
            source.format = source.format.map(address.cleaned)
            source.leftOut = source.leftOut.map(address.cleaned)
            for index in source.tracks.indices {
                source.tracks[index].description = address.cleaned(source.tracks[index].description)
                source.tracks[index].reason = address.cleaned(source.tracks[index].reason)
            }
            return .opened(source)
        case .interrupted(var interruption):
            interruption.reason = address.cleaned(interruption.reason)
            return .interrupted(interruption)
        case .failed(var failure):
            failure.message = address.cleaned(failure.message)
            return .failed(failure)
        case .listening, .ready, .running, .progress, .resumed, .checked, .finished: return self
        }
    }
}
