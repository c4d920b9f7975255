import Base
import Testing

private let texts: [(String, JSONValue)] = [
    ("1", .integer(1)), ("\"1\"", .string("1")), ("1.5", .double(1.5)), ("true", .bool(true)), ("null", .null),
    ("-9223372036854775808", .integer(.min)), ("[]", .array([])),
    ("{\"a\":{\"b\":[1,\"1\"]}}", .object(["a": .object(["b": .array([.integer(1), .string("1")])])])),
]

@Test(arguments: texts)
func `a JSON value keeps its kind and survives its text`(text: String, value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
    #expect(value.text == text)
}

@Test(arguments: ["", "{", "[1", "{\"a\":}", "nul", "\"\u{1}", "{\"a\" 1}", String(repeating: "[", count: 100_000)])
func `a text that is no JSON is refused`(text: String) {
    #expect(throws: JSONParseError.self) { try JSONValue(parsing: text) }
}

@Test func `a number that JSON has not is written as null, and nothing beside it is lost`() {
    #expect(JSONValue.array([.double(.nan), .double(.infinity), 1]).text == "[null,null,1]")
}

@Test func `one and one point zero are the same integer to a reader`() throws {
    #expect(try JSONValue(parsing: "1.0").integerValue == 1)
    #expect(JSONValue.double(1.5).integerValue == nil)
    #expect(JSONValue.double(1e300).integerValue == nil)
    #expect(JSONValue.string("1").integerValue == nil)
}

@Test(arguments: [("127.0.0.1", true, "127.0.0.1:4443"), ("::1", false, "[::1]:4443")])
func `an address is read and written`(ip: String, isIPv4: Bool, text: String) throws {
    var address = try #require(SocketAddress(ip, port: 4443))
    #expect(address.isIPv4 == isIPv4)
    #expect(address.ip == ip)
    #expect(address.port == 4443)
    #expect("\(address)" == text)
    #expect(address == SocketAddress(ip, port: 4443))
    address.port = 1
    #expect(address != SocketAddress(ip, port: 4443))
}

@Test(arguments: ["", "localhost", "1.2.3", "256.0.0.1", "127.0.0.1 ", "::g"])
func `what is no literal address is refused`(ip: String) {
    #expect(SocketAddress(ip, port: 1) == nil)
}

@Test func `a random id is a lower-case UUID of version 4`() {
    let ids = (0..<100).map { _ in ProducerID.random().rawValue }
    for id in ids {
        #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
    }
    #expect(Set(ids).count == ids.count)
}
