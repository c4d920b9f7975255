import Base
import CUsrSCTP

/// The SCTP of this process. usrsctp has one set of tables and one clock for all associations: the owner of the process's
/// engines makes one of these, and hands it to all of them.
///
/// No thread is usrsctp's own, and one thread at a time is in it: a lock is held around each of its calls, so workers drive
/// their associations by themselves. What the clock has to say to another worker's association waits there until that one
/// is asked. See docs/decisions.
///
/// Two of these at one time would make time pass twice as quickly; tests take turns.
public final class SCTPStack: Sendable {
    /// How far the timers have come.
    private let clock = Locked<Instant?>(nil)

    /// Timers of SCTP are coarse; 10 ms is what mediasoup gives them.
    public static let step = Duration.milliseconds(10)

    public init() {}

    /// Lets the time of all associations pass. Earlier than before: nothing happens.
    func advance(to now: Instant) {
        clock.withLock { last in
            guard let before = last else {
                last = now
                return
            }
            let elapsed = (now - before).nanoseconds / 1_000_000
            guard elapsed > 0 else { return }
            // What is left of a millisecond counts next time.
            last = before + .milliseconds(elapsed)
            USRSCTP.enter { usrsctp_handle_timers(UInt32(clamping: elapsed)) }
        }
    }
}

/// The library, and the ends of our associations in it.
enum USRSCTP {
    /// Whether the library has been started. Not a lock of nothing: the thread sanitizer takes an empty value for its neighbour.
    private static let lock = Locked(false)
    /// By the number that the library takes for an address.
    ///
    /// Safe: touched only while the lock is held, and the library calls back only from calls that hold it.
    nonisolated(unsafe) private static var ports: [UInt: SCTPPort] = [:]
    nonisolated(unsafe) private static var lastKey: UInt = 0

    /// All calls of the library are made in here. Not to be nested.
    static func enter<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try lock.withLock { (isReady: inout Bool) throws(Failure) in
            if !isReady {
                isReady = true
                ladle_sctp_init { address, packet, length, _, _ in USRSCTP.output(address, packet, length) }
            }
            return try body()
        }
    }

    // MARK: - Inside

    /// Names a new association. Numbers are not used again: the library may still speak of one that has closed.
    static func register(_ port: SCTPPort) -> UInt {
        lastKey += 1
        ports[lastKey] = port
        usrsctp_register_address(UnsafeMutableRawPointer(bitPattern: lastKey))
        return lastKey
    }

    static func unregister(_ key: UInt) {
        ports[key] = nil
        usrsctp_deregister_address(UnsafeMutableRawPointer(bitPattern: key))
    }

    static func port(_ name: UnsafeMutableRawPointer?) -> SCTPPort? { ports[UInt(bitPattern: name)] }

    private static func output(
        _ address: UnsafeMutableRawPointer?, _ packet: UnsafeMutableRawPointer?, _ length: Int
    ) -> Int32 {
        guard let port = port(address), let packet else { return 0 }
        // Copied before we return: the memory is the library's.
        port.effects.append(.transmit([UInt8](UnsafeRawBufferPointer(start: packet, count: length))))
        return 0
    }
}
