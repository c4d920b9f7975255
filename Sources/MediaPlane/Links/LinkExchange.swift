import Base
import SFU

/// What workers leave for each other, and wake each other for: a note for a batch of packets, never one for each.
final class LinkExchange: Sendable {
    enum Note: Sendable {
        case look(LinkNote)
        /// The other end of a pipe has closed.
        case close(TransportID)
        case lookAtData(DataLinkNote)
    }

    private let loops: [MediaLoop]
    private let boxes: [Locked<[Note]>]

    init(_ loops: [MediaLoop]) {
        self.loops = loops
        boxes = loops.map { _ in Locked([]) }
    }

    func post(_ notes: [LinkNote]) {
        for note in notes { post(.look(note), to: worker(of: note.link.id, note.way)) }
    }

    func post(_ notes: [DataLinkNote]) {
        for note in notes { post(.lookAtData(note), to: worker(of: note.link.id, note.way)) }
    }

    private func worker(of link: LinkID, _ way: LinkNote.Way) -> Int { Int(way == .down ? link.sink : link.source) }

    func post(_ note: Note, to worker: Int) {
        guard boxes.indices.contains(worker) else { return }
        let isFirst = boxes[worker].withLock { box in
            box.append(note)
            return box.count == 1
        }
        if isFirst { loops[worker].nudge() }
    }

    /// In the order of their coming.
    /// - Parameter notes: What was in it is forgotten; its memory takes the next notes, so that none is allocated.
    func take(_ worker: Int, into notes: inout [Note]) {
        notes.removeAll(keepingCapacity: true)
        boxes[worker].withLock { box in
            if !box.isEmpty { swap(&box, &notes) }
        }
    }
}
