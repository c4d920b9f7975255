/// A small web server of Python: one folder's files, with or without byte ranges, with or without a password.
public enum WebServer {
    /// - Parameters:
    ///   - folder: whose files are served; the server ends with the returned object.
    ///   - rate: bytes a second for each answer; nil: as fast as it goes.
    public static func start(
        folder: String, hasRanges: Bool = true, login: String? = nil, rate: Int? = nil
    ) throws -> PeerProcess {
        try PeerProcess([
            "/usr/bin/python3", "-c", script, folder, hasRanges ? "ranges" : "whole", login ?? "", "\(rate ?? 0)",
        ])
    }

    private static let script = """
        import base64, http.server, os, sys, threading, time
        folder, mode, login, rate = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
        os.chdir(folder)
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_GET(self):
                if login and self.headers.get("Authorization") != "Basic " + base64.b64encode(login.encode()).decode():
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="test"')
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                name = self.path.split("?")[0].strip("/")
                if "/" in name or not os.path.isfile(name):
                    self.send_response(404)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                data = open(name, "rb").read()
                start, end = 0, len(data) - 1
                wanted = self.headers.get("Range", "")
                if mode == "ranges" and wanted.startswith("bytes="):
                    first, last = wanted[6:].split("-")
                    start, end = int(first), min(int(last or end), end)
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
                else:
                    self.send_response(200)
                if mode == "ranges":
                    self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", str(end - start + 1))
                self.end_headers()
                while start <= end:
                    step = min(end - start + 1, max(1, rate // 20) if rate else 65536)
                    self.wfile.write(data[start:start + step])
                    start += step
                    if rate: time.sleep(0.05)
            def log_message(self, *arguments): pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print("port", server.server_port, flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        """
}
