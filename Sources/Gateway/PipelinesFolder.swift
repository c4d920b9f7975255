import Glibc
import Pipelines

/// Where the descriptions of pipelines lie.
public enum PipelinesFolder {
    /// The folder that was named, else `share/ladle/pipelines` of an installation, else that of the source tree that
    /// the program was built in.
    public static func find(_ named: String?) throws(GatewayError) -> String {
        if let named { return named }
        guard let program = runningProgram() else {
            throw GatewayError("can't find out where the running program lies")
        }
        var folder = parent(of: program)
        var tried: [String] = []
        // bin/ladle of an installation is one level deep, .build/x86_64-unknown-linux-gnu/release/ladle three.
        for _ in 0..<5 {
            for candidate in ["\(folder)/share/ladle/pipelines", "\(folder)/pipelines"] {
                if access("\(candidate)/record-mkv.yaml", R_OK) == 0 { return candidate }
                tried.append(candidate)
            }
            folder = parent(of: folder)
        }
        throw GatewayError("no descriptions of pipelines in \(tried.joined(separator: ", ")); name their folder")
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[..<slash])
    }
}
