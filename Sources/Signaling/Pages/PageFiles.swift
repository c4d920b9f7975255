import Hummingbird

/// A file of the pages, as the program carries it: wherever it is installed, they are there.
struct PageFile: Sendable {
    let text: String
    let contentType: String
    /// A hash of the text, as an ETag (RFC 9110 §8.8.3): a new version of the gateway has new ones.
    let tag: String

    private init(_ bytes: [UInt8], _ contentType: String) {
        text = String(decoding: bytes, as: UTF8.self)
        self.contentType = contentType
        // FNV-1a: nobody attacks their own cache.
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        tag = "\"\(String(hash, radix: 16))\""
    }

    private static func html(_ bytes: [UInt8]) -> PageFile { PageFile(bytes, "text/html; charset=utf-8") }
    private static func script(_ bytes: [UInt8]) -> PageFile { PageFile(bytes, "text/javascript; charset=utf-8") }

    static let watch = html(PackageResources.watch_html)
    static let publish = html(PackageResources.publish_html)

    /// What the two pages load, by name.
    static let parts: [String: PageFile] = [
        "pages.css": PageFile(PackageResources.pages_css, "text/css; charset=utf-8"),
        "icon.svg": PageFile(PackageResources.icon_svg, "image/svg+xml"),
        "watch.js": script(PackageResources.watch_js),
        "sender.js": script(PackageResources.sender_js),
        "tile.js": script(PackageResources.tile_js),
        "publish.js": script(PackageResources.publish_js),
        "capture.js": script(PackageResources.capture_js),
        "session.js": script(PackageResources.session_js),
        "gateway.js": script(PackageResources.gateway_js),
        "figures.js": script(PackageResources.figures_js),
        "page.js": script(PackageResources.page_js),
    ]
}
