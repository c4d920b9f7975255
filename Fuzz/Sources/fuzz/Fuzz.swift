// libFuzzer has the program's `main`; these are the two functions that it calls.
//
//     fuzz TARGET [libFuzzer's options and corpus folders …]
//     fuzz TARGET --seeds VECTORS FOLDER      writes what the search begins with
//     fuzz --list
import Foundation
import FuzzTargets

nonisolated(unsafe) private var chosen = FuzzTarget.rtpHeader

/// Before libFuzzer reads its arguments: takes the target's name out of them.
@_cdecl("LLVMFuzzerInitialize")
public func chooseTarget(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let word = count.pointee > 1 ? arguments.pointee[1].map { String(cString: $0) } ?? "" : "--list"
    if word == "--list" {
        for target in FuzzTarget.allCases { print(target.rawValue) }
        exit(0)
    }
    guard let target = FuzzTarget(rawValue: word) else {
        print("fuzz: no target \(word); --list tells them")
        exit(2)
    }
    chosen = target
    let words = CommandLine.arguments.dropFirst(2)
    if words.first == "--seeds", words.count == 3 {
        do { try writeSeeds(of: target, from: words[words.startIndex + 1], to: words[words.startIndex + 2]) } catch {
            print("fuzz: cannot write seeds of \(target.rawValue): \(error)")
            exit(2)
        }
        exit(0)
    }
    for place in 1..<Int(count.pointee) { arguments.pointee[place] = arguments.pointee[place + 1] }
    count.pointee -= 1
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // Good for this call only; nobody keeps it.
    chosen.run(UnsafeRawBufferPointer(start: bytes, count: count).bytes)
    return 0
}

private func writeSeeds(of target: FuzzTarget, from vectors: String, to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let seeds = try target.seeds { [UInt8](try Data(contentsOf: URL(filePath: "\(vectors)/\($0)"))) }
    for (number, seed) in seeds.enumerated() {
        try Data(seed).write(to: URL(filePath: "\(folder)/seed-\(number)"))
    }
}
