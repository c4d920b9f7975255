import Foundation

/// The commands in the fenced blocks of a Markdown page that are marked `sh` or `console`.
struct MarkdownCommands {
    struct Command {
        /// The page's name and the line that the command begins in.
        var file: String
        var line: Int
        /// One command, its continuation lines included.
        var text: String
        var place: String { "\(file):\(line)" }
    }

    struct Block {
        var file: String
        var line: Int
        /// From the comment above the block: `<!-- not run: the reason -->`.
        var reasonNotToRun: String?
        var commands: [Command]
    }

    private(set) var blocks: [Block] = []

    /// - Parameter isComplete: Whether the shell takes these lines as a whole command.
    init(_ page: String, named file: String, isComplete: (String) throws -> Bool) rethrows {
        var current: Block?
        var isConsole = false
        var lastText = ""
        var begun: Command?
        for (index, line) in page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).enumerated()
        {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            guard var block = current else {
                if trimmed.hasPrefix("```") {
                    let language = trimmed.drop { $0 == "`" }
                    isConsole = language == "console"
                    if isConsole || language == "sh" {
                        current = Block(
                            file: file, line: index + 1, reasonNotToRun: Self.reason(in: lastText), commands: [])
                    } else if !language.isEmpty {
                        current = Block(file: file, line: 0, reasonNotToRun: nil, commands: [])
                    }
                }
                if !trimmed.isEmpty { lastText = trimmed }
                continue
            }
            if trimmed.hasPrefix("```") {
                // What the shell never took as a whole is run all the same, and fails with the shell's words.
                if let begun { block.commands.append(begun) }
                if block.line > 0 { blocks.append(block) }
                (current, begun, lastText) = (nil, nil, "")
                continue
            }
            guard block.line > 0 else { continue }
            if var open = begun {
                open.text += "\n" + (isConsole && trimmed.hasPrefix("> ") ? String(trimmed.dropFirst(2)) : line)
                begun = open
            } else {
                var text = line
                if isConsole {
                    // Everything else there is what the commands print.
                    guard trimmed.hasPrefix("$ ") else { continue }
                    text = String(trimmed.dropFirst(2))
                }
                guard !trimmed.isEmpty, !trimmed.hasPrefix("#") else { continue }
                begun = Command(file: file, line: index + 1, text: text)
            }
            if let whole = begun, try isComplete(whole.text) {
                block.commands.append(whole)
                begun = nil
            }
            current = block
        }
    }

    private static func reason(in comment: String) -> String? {
        guard comment.hasPrefix("<!-- not run:"), comment.hasSuffix("-->") else { return nil }
        return comment.dropFirst("<!-- not run:".count).dropLast(3).trimmingCharacters(in: .whitespaces)
    }
}
