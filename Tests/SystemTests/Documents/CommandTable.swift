import Foundation

/// What is done with each kind of command that the documents show. A command that stands nowhere here fails its test.
struct CommandTable {
    enum Treatment {
        /// It must end well within so many seconds.
        case runs(seconds: Double)
        /// It would go on for ever: after so many seconds it gets Ctrl-C, and must end with 0 or 130.
        case interrupted(seconds: Int)
        /// Another command is run instead, which checks something real without changing the machine.
        case instead(@Sendable (String) -> String)
        /// Not run here; the words say what shows it.
        case elsewhere(String)
    }

    struct Rule {
        /// Words that the command begins with, assignments and `sudo` taken off.
        var words: String
        /// Words that must stand in it as well.
        var containing: String?
        var treatment: Treatment

        init(_ words: String, containing: String? = nil, _ treatment: Treatment) {
            (self.words, self.containing, self.treatment) = (words, containing, treatment)
        }
    }

    /// The first that fits counts.
    static let rules: [Rule] = [
        Rule("ladle serve", .instead(served)),
        Rule("ladle demo", .instead(served)),
        Rule("ladle ingest", containing: "--stop", .runs(seconds: 30)),
        Rule("ladle ingest", containing: "--detach", .runs(seconds: 30)),
        Rule("ladle ingest", .interrupted(seconds: 4)),
        Rule("ladle record", containing: "--stop", .runs(seconds: 30)),
        Rule("ladle record", containing: "--detach", .runs(seconds: 30)),
        Rule("ladle record", .interrupted(seconds: 4)),
        Rule("ladle events", containing: "--follow", .interrupted(seconds: 2)),
        Rule("ladle tap", .interrupted(seconds: 3)),
        Rule("ladle", .runs(seconds: 30)),
        Rule("curl", containing: "/api/v1/events", .interrupted(seconds: 2)),
        Rule("curl", containing: "/progress", .interrupted(seconds: 2)),
        Rule("curl", .runs(seconds: 60)),
        Rule("ffmpeg", .runs(seconds: 120)),
        Rule("ffprobe", .runs(seconds: 30)),
        Rule("jq", .runs(seconds: 30)),
        Rule("cat", .runs(seconds: 10)),
        Rule("ls", .runs(seconds: 10)),
        Rule("mkdir", .runs(seconds: 10)),
        Rule("cp", .runs(seconds: 10)),
        Rule(
            "make install", .instead { "\(inRepository) make -n \(words(of: $0).dropFirst().joined(separator: " "))" }),
        Rule("make", .instead { "\(inRepository) make -n \(words(of: $0).dropFirst().joined(separator: " "))" }),
        Rule("git clone", .elsewhere("the tests run from a clone")),
        Rule("cd", .elsewhere("the tests have a folder of their own")),
        Rule("apt-get update", .elsewhere("apt's own; what is installed is checked by the next command")),
        Rule("apt update", .elsewhere("apt's own; what is installed is checked by the next command")),
        Rule("apt-get install", .instead(simulated)),
        Rule("apt install", .instead(simulated)),
        Rule("systemctl", .instead(unit)),
        Rule("journalctl", .instead(unit)),
        Rule("systemd-sysusers", .elsewhere("the tests of the installation read its files")),
        Rule("systemd-tmpfiles", .elsewhere("the tests of the installation read its files")),
        Rule("install", .runs(seconds: 10)),
        Rule("openssl", .runs(seconds: 10)),
        Rule("printf", .runs(seconds: 10)),
        Rule("git pull", .elsewhere("installing is checked by itself")),
        Rule("rm -r /etc/ladle", .elsewhere("nothing of the machine's is removed by a test")),
    ]

    /// Plain text that stands for something of the machine the reader has: name, and what the tests have.
    struct Places {
        var substitutions: [(String, String)]

        func applied(to text: String) -> String {
            substitutions.reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
        }
    }

    static func treatment(of command: String) -> Treatment? {
        let bare = bareCommand(command)
        return rules.first { rule in
            (bare == rule.words || bare.hasPrefix(rule.words + " ")) && rule.containing.map(command.contains) != false
        }?.treatment
    }

    /// `R=$(sudo curl x | jq y)` is a curl command.
    static func bareCommand(_ command: String) -> String {
        var rest = Substring(command).drop { $0 == " " }
        while true {
            if let match = rest.prefixMatch(of: /[A-Za-z_][A-Za-z_0-9]*=\$\(/) {
                rest = rest[match.range.upperBound...]
            } else if let match = rest.prefixMatch(of: /[A-Za-z_][A-Za-z_0-9]*=('[^']*'|"[^"]*"|[^ ]*)( +|$)/) {
                rest = rest[match.range.upperBound...]
            } else if let match = rest.prefixMatch(of: /sudo +(-[a-zA-Z]+ +([a-z]+ +)?)?/) {
                rest = rest[match.range.upperBound...]
            } else {
                return String(rest)
            }
        }
    }

    // MARK: Instead

    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    private static var inRepository: String { "cd '\(repository)' &&" }

    /// The words before a comment.
    private static func words(of command: String) -> [String] {
        let bare = bareCommand(command)
        let end = bare.range(of: " #")?.lowerBound ?? bare.endIndex
        return bare[..<end].split(separator: " ").map(String.init)
    }

    /// A gateway of the command's own, on a port that is free, until Ctrl-C.
    @Sendable private static func served(_ command: String) -> String {
        var parts = words(of: command)
        if !parts.contains("--listen"), !parts.contains("--port") { parts += ["--listen", "127.0.0.1:0"] }
        return interruptible(parts.joined(separator: " "), seconds: 4)
    }

    /// What apt would do, without doing it; files that are still to be built are left out.
    @Sendable private static func simulated(_ command: String) -> String {
        let packages = words(of: command).dropFirst(2).filter { !$0.hasPrefix("-") && !$0.hasPrefix("./") }
        return "apt-get install --simulate --quiet \(packages.joined(separator: " "))"
    }

    /// The unit that is spoken of is there, what it starts is a command of ours with its options, and
    /// the settings that come along are accepted.
    @Sendable private static func unit(_ command: String) -> String {
        """
        \(inRepository) start=$(sed -n 's/^ExecStart=[^ ]*\\/\\(ladle.*\\)/\\1/p' systemd/ladle.service*) &&
        read -r program subcommand options <<<"$start" && [ "$program" = ladle ] &&
        help=$(ladle "$subcommand" --help) && for word in $options; do
            [[ $word != --* ]] || grep -q -- "$word" <<<"$help" || { echo "$word of $start is no option"; exit 1; }
        done && ladle check --config systemd/ladle.yaml --listen 127.0.0.1:0 --recordings "$OLDPWD"
        """
    }

    /// Ctrl-C for the whole group of processes, as a terminal does it.
    static func interruptible(_ command: String, seconds: Int) -> String {
        "timeout --preserve-status --kill-after=30 --signal=INT \(seconds) \(command)"
    }
}
