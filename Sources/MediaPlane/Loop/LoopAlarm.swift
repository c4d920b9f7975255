import Base
import CLinux
import Glibc

/// Ends a loop's wait for something that is due later than the next packet.
///
/// A wait with an end of its own makes the kernel start a timer and stop it with every packet: on a virtual machine up to
/// 2 µs a packet, since the hypervisor hears of both. This one is left to run instead. Deadlines mostly move away, by reports
/// that have been sent: then it goes off early, once, and is set anew.
struct LoopAlarm: ~Copyable {
    private let descriptor: Int32
    /// When it goes off; nil: not at all.
    private var due: Instant?

    /// Sooner than this a wait ends by itself: setting this one costs a system call, and what is due so soon is due often.
    private static let nearest = Duration.milliseconds(10)

    /// Nil: too many descriptors are open or watched. Then each wait has an end of its own.
    /// - Parameter watch: Lets the loop hear of a descriptor; 0, or an errno.
    init?(watchedBy watch: (Int32) -> Int32) {
        let timer = ladle_timer()
        guard timer >= 0 else { return nil }
        guard watch(timer) == 0 else {
            close(timer)
            return nil
        }
        descriptor = timer
    }

    deinit { close(descriptor) }

    /// True: it will go off by then, so the wait needs no end.
    mutating func isSet(for deadline: Instant, now: Instant) -> Bool {
        guard deadline - now >= Self.nearest else { return false }
        if let due, due <= deadline { return true }
        guard ladle_timer_set(descriptor, deadline.nanoseconds) == 0 else { return false }
        due = deadline
        return true
    }

    mutating func wentOff() { due = nil }
}
