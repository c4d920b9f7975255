/// What a process has once, and tests that run beside each other need for themselves.
public actor Turn {
    /// usrsctp's clock: the virtual ones of two tests would both turn it.
    public static let sctp = Turn()

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    public func take() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    public func give() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}
