import Base

/// One message of protoo: a request that wants an answer, an answer, or a notification.
///
/// ```
/// {"request":true,"id":1234567,"method":"name","data":{}}
/// {"response":true,"id":1234567,"ok":true,"data":{}}
/// {"response":true,"id":1234567,"ok":false,"errorCode":500,"errorReason":"text"}
/// {"notification":true,"method":"name","data":{}}
/// ```
///
/// Ids belong to who asks: both sides may use the same at once. `data` is always written, and may be absent when read.
public enum ProtooMessage: Sendable, Equatable {
    case request(ProtooRequest)
    case response(ProtooResponse)
    case notification(method: String, data: JSONValue)
}

public struct ProtooRequest: Sendable, Equatable {
    /// A number of any kind; answered as it came.
    public var id: JSONValue
    public var method: String
    /// An empty object when it was absent or null.
    public var data: JSONValue

    public init(id: JSONValue, method: String, data: JSONValue = [:]) {
        (self.id, self.method, self.data) = (id, method, data)
    }
}

public struct ProtooResponse: Sendable, Equatable {
    public var id: JSONValue
    public var outcome: Result<JSONValue, ProtooRefusal>

    public init(id: JSONValue, outcome: Result<JSONValue, ProtooRefusal>) {
        (self.id, self.outcome) = (id, outcome)
    }
}

/// Why a request was not done.
public struct ProtooRefusal: Error, Sendable, Hashable {
    /// Like HTTP's: 500 for whatever went wrong in a handler, 403 for what is not allowed.
    public var code: Int
    public var reason: String

    public init(code: Int = 500, _ reason: String) { (self.code, self.reason) = (code, reason) }

    public static let timeout = ProtooRefusal(code: 408, "request timeout")
}

extension ProtooMessage {
    /// Nil for what is no message: other JSON, a missing or wrong member. Such texts are passed over, as protoo does.
    public init?(parsing text: some Sequence<UInt8>) {
        guard let value = try? JSONValue(parsing: text), value.objectValue != nil else { return nil }
        self.init(json: value)
    }

    /// `request` goes before `response`, `response` before `notification`; each counts when JavaScript takes it for true.
    public init?(json value: JSONValue) {
        var data: JSONValue = [:]
        if let sent = value["data"], sent.isTruthy { data = sent }
        if value["request"].isTruthy {
            guard let id = value["id"], id.isNumber, let method = value["method"]?.stringValue else { return nil }
            self = .request(ProtooRequest(id: id, method: method, data: data))
        } else if value["response"].isTruthy {
            guard let id = value["id"], id.isNumber else { return nil }
            let refusal = ProtooRefusal(
                code: value["errorCode"]?.integerValue.flatMap { Int(exactly: $0) } ?? 500,
                value["errorReason"]?.stringValue ?? "")
            self = .response(
                ProtooResponse(id: id, outcome: value["ok"].isTruthy ? .success(data) : .failure(refusal)))
        } else if value["notification"].isTruthy {
            guard let method = value["method"]?.stringValue else { return nil }
            self = .notification(method: method, data: data)
        } else {
            return nil
        }
    }

    public var json: JSONValue {
        switch self {
        case .request(let request):
            ["request": true, "id": request.id, "method": .string(request.method), "data": request.data]
        case .response(let response):
            switch response.outcome {
            case .success(let data): ["response": true, "id": response.id, "ok": true, "data": data]
            // protoo leaves `ok` out; there are clients that take its absence for success.
            case .failure(let refusal):
                [
                    "response": true, "id": response.id, "ok": false, "errorCode": JSONValue(refusal.code),
                    "errorReason": .string(refusal.reason),
                ]
            }
        case .notification(let method, let data):
            ["notification": true, "method": .string(method), "data": data]
        }
    }

    public var text: String { json.text }
}

extension JSONValue {
    /// As JavaScript sees it in a condition.
    public var isTruthy: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .integer(let value): value != 0
        case .double(let value): value != 0 && !value.isNaN
        case .string(let value): !value.isEmpty
        case .array, .object: true
        }
    }

    var isNumber: Bool {
        switch self {
        case .integer, .double: true
        default: false
        }
    }
}

extension JSONValue? {
    /// An absent member counts as false.
    public var isTruthy: Bool { self?.isTruthy ?? false }
}
