import CLibAV
import Glibc

/// An `AVIOContext` that writes to an open descriptor, which stays the caller's.
final class OutputFile {
    private let descriptor: Int32
    private var io: UnsafeMutablePointer<AVIOContext>?
    private var position: Int64 = 0
    /// The largest offset written.
    private(set) var size: Int64 = 0

    init(descriptor: Int32, name: String) throws(LibAVError) {
        self.descriptor = descriptor
        let size = 64 * 1024
        let buffer = try allocated(av_malloc(size), "allocate a write buffer")
        io = avio_alloc_context(
            buffer.assumingMemoryBound(to: UInt8.self), Int32(size), 1, Unmanaged.passUnretained(self).toOpaque(), nil,
            { opaque, bytes, size in OutputFile.from(opaque)?.write(bytes, size: size) ?? ladle_averror(EINVAL) },
            { opaque, offset, whence in
                OutputFile.from(opaque)?.seek(to: offset, whence: whence) ?? Int64(ladle_averror(EINVAL))
            })
        if io == nil {
            av_free(buffer)
            throw .outOfMemory("write \(name)")
        }
        // A pipe can't be sought in: the container then stays without its index.
        if lseek(descriptor, 0, Int32(SEEK_CUR)) < 0 { io?.pointee.seekable = 0 }
    }

    deinit {
        if let io { av_freep(&io.pointee.buffer) }
        avio_context_free(&io)
    }

    var context: UnsafeMutablePointer<AVIOContext>? { io }

    /// What `body` writes through a muxer, instead of writing it into the file.
    func captured(
        for muxer: UnsafeMutablePointer<AVFormatContext>, _ body: () throws(LibAVError) -> Void
    ) throws(LibAVError) -> [UInt8] {
        var memory: UnsafeMutablePointer<AVIOContext>?
        try check(avio_open_dyn_buf(&memory), "allocate a write buffer")
        muxer.pointee.pb = memory
        var bytes: UnsafeMutablePointer<UInt8>?
        let result: Result<Void, LibAVError>
        do { result = .success(try body()) } catch { result = .failure(error) }
        let count = Int(avio_close_dyn_buf(memory, &bytes))
        muxer.pointee.pb = io
        defer { av_free(bytes) }
        try result.get()
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: max(0, count)))
    }

    /// Writes at the end, behind what muxers wrote.
    func append(_ bytes: [UInt8]) { avio_write(io, bytes, Int32(clamping: bytes.count)) }

    /// Writes over what stands at a position; leaves a file alone that can't be sought in.
    func replace(_ bytes: [UInt8], at position: Int) {
        guard let io, io.pointee.seekable != 0 else { return }
        let end = avio_seek(io, 0, Int32(SEEK_CUR))
        avio_seek(io, Int64(position), Int32(SEEK_SET))
        append(bytes)
        avio_seek(io, end, Int32(SEEK_SET))
    }

    /// Writes over bytes that stand among the first 4 KiB; does nothing where they don't, or where a file can't be read.
    func replaceInHead(_ old: [UInt8], with new: [UInt8]) {
        avio_flush(io)
        var head = [UInt8](repeating: 0, count: 4096)
        let count = pread(descriptor, &head, head.count, 0)
        guard count >= old.count, let at = (0...count - old.count).first(where: { head[$0...].starts(with: old) })
        else { return }
        pwrite(descriptor, new, new.count, off_t(at))
    }

    /// The object outlives its context: the writer holds both and frees the muxer first.
    private static func from(_ opaque: UnsafeMutableRawPointer?) -> OutputFile? {
        opaque.map { Unmanaged<OutputFile>.fromOpaque($0).takeUnretainedValue() }
    }

    private func write(_ bytes: UnsafeMutablePointer<UInt8>?, size: Int32) -> Int32 {
        var done = 0
        while done < Int(size) {
            let written = Glibc.write(descriptor, bytes.map { $0 + done }, Int(size) - done)
            if written > 0 {
                done += written
            } else if written < 0, errno == EINTR {
                continue
            } else {
                return ladle_averror(written == 0 ? EIO : errno)
            }
        }
        position += Int64(done)
        self.size = max(self.size, position)
        return size
    }

    private func seek(to offset: Int64, whence: Int32) -> Int64 {
        if whence & AVSEEK_SIZE != 0 { return size }
        let reached = lseek(descriptor, off_t(offset), whence & ~AVSEEK_FORCE)
        if reached < 0 { return Int64(ladle_averror(errno)) }
        position = Int64(reached)
        return position
    }
}
