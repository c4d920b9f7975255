import CLinux
import Glibc
import Testing

/// What a child would get on its end of the control socket.
private func receive(_ socket: Int32) -> (text: String, descriptor: Int32) {
    var bytes = [UInt8](repeating: 0, count: 4096)
    var descriptor: Int32 = -1
    let count = ladle_worker_receive(socket, &bytes, bytes.count, &descriptor)
    return (String(decoding: bytes.prefix(max(Int(count), 0)), as: UTF8.self), descriptor)
}

@Suite struct `The control socket` {
    private func pair() throws -> (ours: Int32, theirs: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(ladle_control_socket(&ends) == 0)
        return (ends[0], ends[1])
    }

    @Test func `carries an open file along with a line`() throws {
        let (ours, theirs) = try pair()
        var ends: [Int32] = [-1, -1]
        try #require(ladle_log_pipe(&ends) == 0)
        defer { for descriptor in [ours, theirs] + ends { close(descriptor) } }

        #expect(ladle_send_line(ours, "with\n", 5, ends[1]) == 5)
        let (text, received) = receive(theirs)
        #expect(text == "with\n")
        try #require(received >= 0)
        // It is the same open pipe under another number.
        #expect(received != ends[1])
        #expect(write(received, "x", 1) == 1)
        var byte: UInt8 = 0
        #expect(read(ends[0], &byte, 1) == 1)
        #expect(byte == UInt8(ascii: "x"))
        close(received)

        #expect(ladle_send_line(ours, "without\n", 8, -1) == 8)
        #expect(receive(theirs) == ("without\n", -1))
    }

    @Test func `never waits for a reader, and tells when there is none`() throws {
        let (ours, theirs) = try pair()
        let block = [UInt8](repeating: 0, count: 65_536)
        var result: Int64 = 1
        while result > 0 { result = ladle_send_line(ours, block, block.count, -1) }
        #expect(result == -Int64(EAGAIN))
        close(theirs)
        #expect(ladle_send_line(ours, block, block.count, -1) == -Int64(EPIPE))
        close(ours)
    }

    @Test func `closes in every other child`() throws {
        let (ours, theirs) = try pair()
        defer {
            close(ours)
            close(theirs)
        }
        #expect(ours > 2 && theirs > 2)
        for end in [ours, theirs] { #expect(fcntl(end, F_GETFD) & FD_CLOEXEC != 0) }
    }
}
