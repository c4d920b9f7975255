/// The version of this tree; a release changes this line and nothing else.
public enum LadleVersion {
    public static let current = "0.1.0"
}
