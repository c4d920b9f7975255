/// An RTSP server of gst-rtsp-server, by its GObject bindings: plays one Matroska file on the path /stream, paced.
public enum RTSPServer {
    public enum Login: Sendable, Hashable {
        case none
        case basic(user: String, password: String)
        case digest(user: String, password: String)
    }

    /// Python with the bindings is there.
    public static var isInstalled: Bool {
        let check = "import gi; gi.require_version('GstRtspServer', '1.0')"
        return (try? ExternalTool.run(["/usr/bin/python3", "-c", check]).status) == 0
    }

    /// - Parameters:
    ///   - path: a Matroska file with VP8 or H264, and Opus or AAC.
    ///   - port: 0 for any; `PeerProcess.port()` tells.
    public static func start(
        playing path: String, video: String, audio: String, port: UInt16 = 0, login: Login = .none
    ) throws -> PeerProcess {
        let (method, user, password) =
            switch login {
            case .none: ("none", "", "")
            case .basic(let user, let password): ("basic", user, password)
            case .digest(let user, let password): ("digest", user, password)
            }
        return try PeerProcess([
            "/usr/bin/python3", "-c", script, path, video, audio, "\(port)", method, user, password,
        ])
    }

    private static let script = """
        import sys, threading
        import gi
        gi.require_version("Gst", "1.0")
        gi.require_version("GstRtsp", "1.0")
        gi.require_version("GstRtspServer", "1.0")
        from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

        PAY = {
            "vp8": "rtpvp8pay", "h264": "h264parse ! rtph264pay config-interval=-1",
            "opus": "opusparse ! rtpopuspay", "aac": "aacparse ! rtpmp4gpay",
        }
        path, video, audio, port, method, user, password = sys.argv[1:]
        Gst.init(None)
        server = GstRtspServer.RTSPServer()
        server.set_address("127.0.0.1")
        server.set_service(port)
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(
            f'( filesrc location={path} ! matroskademux name=d '
            f'd.video_0 ! queue ! {PAY[video]} name=pay0 pt=96 d.audio_0 ! queue ! {PAY[audio]} name=pay1 pt=97 )')
        if method != "none":
            token = GstRtspServer.RTSPToken()
            token.set_string("media.factory.role", user)
            auth = GstRtspServer.RTSPAuth()
            if method == "basic":
                auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
                auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
            else:
                auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
                auth.add_digest(user, password, token)
            server.set_auth(auth)
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role(user, "media.factory.access", True)
            permissions.add_permission_for_role(user, "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory("/stream", factory)
        server.attach(None)
        loop = GLib.MainLoop()
        threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
        print("port", server.get_bound_port(), flush=True)
        loop.run()
        """
}
