import CLibAV
import Glibc

/// An `AVIOContext` that reads an open descriptor, which stays the caller's.
final class InputFile {
    private let descriptor: Int32
    private var io: UnsafeMutablePointer<AVIOContext>?

    init(descriptor: Int32, name: String) throws(LibAVError) {
        self.descriptor = descriptor
        // 64 KiB: a disk read of useful size, little enough to start at once.
        let size = 64 * 1024
        let buffer = try allocated(av_malloc(size), "allocate a read buffer")
        io = avio_alloc_context(
            buffer.assumingMemoryBound(to: UInt8.self), Int32(size), 0, Unmanaged.passUnretained(self).toOpaque(),
            { opaque, bytes, size in InputFile.from(opaque)?.read(into: bytes, size: size) ?? ladle_averror(EINVAL) },
            nil,
            { opaque, offset, whence in
                InputFile.from(opaque)?.seek(to: offset, whence: whence) ?? Int64(ladle_averror(EINVAL))
            })
        if io == nil {
            av_free(buffer)
            throw .outOfMemory("read \(name)")
        }
        let seekable = lseek(descriptor, 0, Int32(SEEK_CUR)) >= 0
        if !seekable { io?.pointee.seekable = 0 }
    }

    deinit {
        // libav may have replaced the buffer by a larger one: free the one that stands there now.
        if let io { av_freep(&io.pointee.buffer) }
        avio_context_free(&io)
    }

    var context: UnsafeMutablePointer<AVIOContext>? { io }

    /// The object outlives its context: `Input` holds both and closes the context first.
    private static func from(_ opaque: UnsafeMutableRawPointer?) -> InputFile? {
        opaque.map { Unmanaged<InputFile>.fromOpaque($0).takeUnretainedValue() }
    }

    private func read(into bytes: UnsafeMutablePointer<UInt8>?, size: Int32) -> Int32 {
        while true {
            let got = Glibc.read(descriptor, bytes, Int(size))
            if got > 0 { return Int32(got) }
            if got == 0 { return ladle_averror_eof }
            if errno != EINTR { return ladle_averror(errno) }
        }
    }

    private func seek(to offset: Int64, whence: Int32) -> Int64 {
        if whence & AVSEEK_SIZE != 0 {
            var status = stat()
            return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : Int64(ladle_averror(errno))
        }
        let reached = lseek(descriptor, off_t(offset), whence & ~AVSEEK_FORCE)
        return reached >= 0 ? Int64(reached) : Int64(ladle_averror(errno))
    }
}
