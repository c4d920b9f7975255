import Base
import PipelineDescription

extension PipelineBlueprint {
    /// The given values and, for the rest, the defaults. Addresses and command lines have nothing but text: where a
    /// parameter is a number or a boolean, a text that reads as one is taken as one.
    func checked(_ given: [String: JSONValue]) throws(ControlError) -> [String: JSONValue] {
        var typed = given
        for parameter in parameters {
            guard let text = given[parameter.name]?.stringValue, let value = parameter.type.value(of: text) else {
                continue
            }
            typed[parameter.name] = value
        }
        do { return try values(typed) } catch { throw .type(error.description) }
    }
}

extension PipelineParameter.ValueType {
    /// Nil: the text is none, or must stay a text.
    fileprivate func value(of text: String) -> JSONValue? {
        switch self {
        case .boolean: Bool(text).map { .bool($0) }
        case .integer: Int64(text).map { .integer($0) }
        // Integers first, so that 5 equals the 5 of a description's list of allowed values.
        case .number: Int64(text).map { .integer($0) } ?? Double(text).flatMap { $0.isFinite ? .double($0) : nil }
        case .string: nil
        }
    }
}
