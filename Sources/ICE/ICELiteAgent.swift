import Base
import STUN

/// The ICE of one transport (RFC 8445 §2.5: lite, always controlled): it never checks, it answers. Who knows our
/// password may send media from where he is; the client chooses among its tuples, as mediasoup lets it.
///
/// Sans-IO: the driver hands datagrams in that `STUNMessage.isSTUN` says are STUN, sends what stands in the reply buffer
/// back to where they came from, and performs the events in order.
///
/// What strangers can get out of it:
/// - A refusal is sent only when the refused message was at least as long, and at most `refusals` times: the rate holds for
///   the agent, whoever asks.
/// - Messages of an address that has not proved anything count against that address, later ones against their tuple. Beyond
///   its rate nothing is looked at. Chromium sends some 20 checks a second over all pairs, Firefox up to 50.
/// - From many addresses at once (forged, then) each message costs a comparison of its fragment, and a SHA-1 only for those
///   who know that.
public struct ICELiteAgent: ~Copyable {
    /// More tuples than any client has at once; the oldest one that is not in use gives way. mediasoup's number.
    public static let maximumTuples = 8
    /// What a reply buffer must have room for.
    public static let maximumReplyLength = STUNAnswer.maximumLength

    /// Checks from one tuple, or from one unknown address: 100 a second, as many at once.
    private static let checks = (interval: Int64(10_000_000), burst: Int64(100))
    /// Error answers of the whole agent: 20 a second, 40 at once.
    private static let refusals = (interval: Int64(50_000_000), burst: Int64(40))

    /// What the client is to use now.
    public private(set) var credentials: ICECredentials
    /// From before a restart, until the client has used the new ones.
    private var previous: ICECredentials?
    public private(set) var state = ICEState.new
    var list = TupleList()
    /// The highest NOMINATION that was honoured.
    private var nomination: UInt32?
    /// How long a client may be silent; nil: for ever.
    public let consentTimeout: Duration?
    private var consentDeadline: Instant?
    private var sources = SourceLimits()
    private var refusalLimit = RateLimit()
    public private(set) var counters = ICECounters()

    /// - Parameter consentTimeout: Seconds of mediasoup's `iceConsentTimeout`: 0 switches it off, others are brought into
    ///   10…60.
    public init(_ credentials: ICECredentials, consentTimeout: Int = 30) {
        self.credentials = credentials
        self.consentTimeout = consentTimeout == 0 ? nil : .seconds(min(max(consentTimeout, 10), 60))
    }

    public init(consentTimeout: Int = 30, using random: inout some RandomNumberGenerator) {
        self.init(ICECredentials(using: &random), consentTimeout: consentTimeout)
    }

    // MARK: - What arrives

    /// One datagram, or one frame of a TCP connection.
    /// - Parameter reply: Room for `maximumReplyLength` bytes.
    public mutating func receive(
        _ message: RawSpan, from tuple: ICETuple, now: Instant, into reply: inout MutableRawSpan
    ) -> ICEAnswer {
        guard let parsed = try? STUNMessage(parsing: message) else { return ignore(.malformed) }
        return receive(parsed, in: message, from: tuple, now: now, into: &reply)
    }

    /// One that was parsed already, by whoever looked for its fragment.
    public mutating func receive(
        _ message: STUNMessage, in bytes: RawSpan, from tuple: ICETuple, now: Instant, into reply: inout MutableRawSpan
    ) -> ICEAnswer {
        precondition(
            reply.byteCount >= Self.maximumReplyLength, "a reply buffer needs \(Self.maximumReplyLength) bytes")
        guard message.kind == .request else { return ignore(.noRequest) }
        guard isWithinRate(tuple, now) else {
            counters.limited += 1
            return ignore(.limited)
        }
        guard message.method == STUNMethod.binding, message.hasFingerprint, message.hasIntegrity,
            (message.priority ?? 0) != 0, let name = message.usernameRange, !name.isEmpty
        else { return refuse(message, .badRequest, ICEEvents(), now, into: &reply) }
        guard let proof = prove(message, in: bytes) else {
            return refuse(message, .unauthorized, ICEEvents(), now, into: &reply)
        }
        var answer = ICEAnswer(.accepted)
        let key = proof == .current ? credentials.key : previous?.key ?? credentials.key
        if proof == .current, let retired = previous {
            previous = nil
            answer.events.append(.fragmentRetired(retired.usernameFragment))
        }
        guard message.controlled == nil else {
            return refuse(message, .roleConflict, answer.events, now, into: &reply)
        }
        counters.accepted += 1
        answer.replyLength = STUNAnswer.success(to: message, seenFrom: tuple.remote, key, into: &reply) ?? 0
        accept(message, tuple, now, &answer.events)
        if let consentTimeout { consentDeadline = now + consentTimeout }
        return answer
    }

    /// A packet that is no STUN: RTP once it was authenticated, or DTLS as it comes. Clients that nominate late, or move without
    /// a word, show by it which way they use.
    public mutating func receiveMedia(from tuple: ICETuple) -> ICEMediaVerdict {
        if list.isSelected(tuple) { return .selected }
        guard let place = list.place(of: tuple) else { return .unknownTuple }
        list.select(place)
        return .switched
    }

    private mutating func isWithinRate(_ tuple: ICETuple, _ now: Instant) -> Bool {
        let (interval, burst) = Self.checks
        guard let place = list.place(of: tuple) else {
            return sources.take(tuple.remote, now, interval: interval, burst: burst)
        }
        return list.take(place, now, interval: interval, burst: burst)
    }

    private enum Proof { case current, previous }

    private func prove(_ message: STUNMessage, in bytes: RawSpan) -> Proof? {
        guard let name = ICEUsername(of: message, in: bytes) else { return nil }
        if name.local == credentials.usernameFragment, message.isAuthentic(credentials.key, in: bytes) {
            return .current
        }
        if let previous, name.local == previous.usernameFragment, message.isAuthentic(previous.key, in: bytes) {
            return .previous
        }
        return nil
    }

    private mutating func ignore(_ reason: ICEAnswer.Reason) -> ICEAnswer {
        counters.ignored += 1
        return ICEAnswer(.ignored(reason))
    }

    private mutating func refuse(
        _ message: STUNMessage, _ code: STUNErrorCode, _ events: ICEEvents, _ now: Instant,
        into reply: inout MutableRawSpan
    ) -> ICEAnswer {
        counters.refused += 1
        var answer = ICEAnswer(.refused(code))
        answer.events = events
        let (interval, burst) = Self.refusals
        guard message.length >= STUNAnswer.refusalLength, refusalLimit.take(now, interval: interval, burst: burst)
        else { return answer }
        answer.replyLength = STUNAnswer.refusal(of: message, code, into: &reply) ?? 0
        return answer
    }

    // MARK: - What follows from a good check

    private mutating func accept(
        _ message: STUNMessage, _ tuple: ICETuple, _ now: Instant, _ events: inout ICEEvents
    ) {
        let place = list.place(of: tuple) ?? add(tuple, &events)
        let nominates = message.usesCandidate || message.nomination != nil
        switch state {
        case .new, .disconnected:
            // The first way is the way, nominated or not.
            select(place, &events)
            nomination = message.nomination
            change(to: nominates ? .completed : .connected, &events)
        case .connected, .completed:
            // A number that did not grow comes late, and is no nomination, also beside USE-CANDIDATE. USE-CANDIDATE alone counts
            // again each time.
            guard nominates, isHonoured(message.nomination) else { return }
            nomination = message.nomination ?? nomination
            select(place, &events)
            change(to: .completed, &events)
        }
    }

    private func isHonoured(_ number: UInt32?) -> Bool {
        guard let number, let nomination else { return true }
        return number > nomination
    }

    private mutating func add(_ tuple: ICETuple, _ events: inout ICEEvents) -> Int {
        if list.count == Self.maximumTuples { events.append(.tupleRemoved(list.removeOldestUnused())) }
        events.append(.tupleAdded(tuple))
        return list.addFirst(tuple)
    }

    private mutating func select(_ place: Int, _ events: inout ICEEvents) {
        guard list.selected != place else { return }
        list.select(place)
        events.append(.tupleSelected(list.tuple(at: place)))
    }

    private mutating func change(to state: ICEState, _ events: inout ICEEvents) {
        guard self.state != state else { return }
        self.state = state
        events.append(.stateChanged(state))
    }

    // MARK: - Time, commands

    /// When consent ends; nil: it does not.
    public var nextDeadline: Instant? { consentDeadline }

    /// Ends consent when its time has come: all tuples are dropped, and only a good check brings one back.
    public mutating func advance(to now: Instant) -> ICEEvents {
        var events = ICEEvents()
        guard let consentDeadline, now >= consentDeadline else { return events }
        while list.count > 0 { events.append(.tupleRemoved(list.remove(at: list.count - 1))) }
        disconnect(&events)
        return events
    }

    /// A TCP connection is closed. If its tuple was selected, the newest of the others is instead.
    public mutating func remove(_ tuple: ICETuple) -> ICEEvents {
        var events = ICEEvents()
        guard let place = list.place(of: tuple) else { return events }
        let wasSelected = list.selected == place
        events.append(.tupleRemoved(list.remove(at: place)))
        if list.count == 0 {
            disconnect(&events)
        } else if wasSelected {
            select(0, &events)
        }
        return events
    }

    private mutating func disconnect(_ events: inout ICEEvents) {
        nomination = nil
        consentDeadline = nil
        change(to: .disconnected, &events)
    }

    /// New credentials. The old ones stay good until the client uses the new ones; tuples, state and selection remain.
    /// - Returns: The fragment that nobody can use any longer: that from before the last restart, if no client followed it.
    public mutating func restart(using random: inout some RandomNumberGenerator, now: Instant) -> ICEUsernameFragment? {
        restart(with: ICECredentials(using: &random), now: now)
    }

    public mutating func restart(with credentials: ICECredentials, now: Instant) -> ICEUsernameFragment? {
        let retired = previous?.usernameFragment
        previous = self.credentials
        self.credentials = credentials
        nomination = nil
        if let consentTimeout, consentDeadline != nil { consentDeadline = now + consentTimeout }
        return retired
    }

    // MARK: - What is

    /// Where media leave; nil before the first good check and without consent.
    public var selectedTuple: ICETuple? { list.selected.map { list.tuple(at: $0) } }

    /// Newest first.
    public var tuples: [ICETuple] { (0..<list.count).map { list.tuple(at: $0) } }

    public func isValid(_ tuple: ICETuple) -> Bool { list.place(of: tuple) != nil }

    /// By which checks find this agent: the current one, and the one from before a restart while it is good.
    public var usernameFragments: [ICEUsernameFragment] {
        [credentials.usernameFragment] + (previous.map { [$0.usernameFragment] } ?? [])
    }
}
