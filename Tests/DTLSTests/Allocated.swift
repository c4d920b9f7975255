import Glibc

/// Bytes that the process has allocated and not freed, as the allocator counts them. Its report's function is not among
/// those that Swift sees.
func allocatedBytes() -> Int {
    typealias Report = @convention(c) (Int32, UnsafeMutablePointer<FILE>) -> Int32
    var (text, size): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
    guard let symbol = dlsym(nil, "malloc_info"), let file = open_memstream(&text, &size) else { return 0 }
    _ = unsafeBitCast(symbol, to: Report.self)(0, file)
    fclose(file)
    guard let text else { return 0 }
    defer { free(text) }
    // The sums of all heaps stand behind the last of them.
    var sums: [String: Int] = [:]
    for line in String(cString: text).split(separator: "\n") where !line.hasPrefix("<heap") {
        let quoted = line.split(separator: "\"", omittingEmptySubsequences: false)
        guard quoted.count >= 4, line.hasPrefix("<total") || line.hasPrefix("<system") else { continue }
        sums[String(quoted[1])] = Int(quoted[quoted.count - 2])
    }
    return (sums["current"] ?? 0) + (sums["mmap"] ?? 0) - (sums["fast"] ?? 0) - (sums["rest"] ?? 0)
}
