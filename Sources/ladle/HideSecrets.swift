import Glibc
import Pipelines

extension CommandLine {
    /// Overwrites secrets in the memory that the process list shows. What was parsed stays: `arguments` is a copy.
    static func hideSecrets() {
        let copies = arguments
        let listens = copies.contains { $0 == "--listen" || $0.hasSuffix("listen=true") }
        for (index, text) in copies.enumerated() {
            guard index < Int(argc), let memory = unsafeArgv[index],
                let masked = ArgumentMask.masked(text, listens: listens),
                // The memory is the argument's own, and as long.
                strlen(memory) == masked.count
            else { continue }
            for (offset, byte) in masked.enumerated() { memory[offset] = CChar(bitPattern: byte) }
        }
    }
}
