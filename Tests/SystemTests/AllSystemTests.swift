import Testing

/// Everything here runs real programs in real time on two cores: one after another, so that none starves another.
@Suite(.serialized) struct AllSystemTests {}
