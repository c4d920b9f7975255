extension Event {
    /// One line for people; see below.
    public var line: String { "" }
}
