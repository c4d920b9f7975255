#!/usr/bin/python3
"""One end of a VP8 call on loopback for tests: GStreamer's rtpbin with NACK and RTX.

    rtx_peer.py send PORT              to 127.0.0.1:PORT, RTP and RTCP on one socket; runs until its input ends
    rtx_peer.py receive RTCP PT RTXPT FRAMES
                                       RTCP goes to 127.0.0.1:RTCP; ends behind that many frames

The sender has SSRC 2222 with payload type 96, retransmissions 2223 and 97, 100 frames a second, some packets each. The
receiver says "port N" twice (RTP, RTCP), and at last "frames COUNT of EXPECTED": frames that could be put together of
those that were sent from the first to the last of them.
"""
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtp", "1.0")
from gi.repository import Gio, GLib, GObject, Gst, GstRtp  # noqa: E402

FPS = 100
TICKS = 90000 // FPS


def bound_socket():
    socket = Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.DATAGRAM, Gio.SocketProtocol.UDP)
    socket.bind(Gio.InetSocketAddress.new_from_string("127.0.0.1", 0), False)
    return socket


def bin_around(name, payload_types, **maps):
    """The element between session and network that rtpbin asks for."""
    element = Gst.ElementFactory.make(name)
    for key, value in {"payload-type-map": payload_types, **maps}.items():
        structure = Gst.Structure.new_empty(key)
        for left, right in value.items():
            structure.set_value(left, as_uint(right))
        element.set_property(key, structure)
    outer = Gst.Bin.new(None)
    outer.add(element)
    for pad in ("sink", "src"):
        outer.add_pad(Gst.GhostPad.new(pad + "_0", element.get_static_pad(pad)))
    return element, outer


def as_uint(number):
    value = GObject.Value()
    value.init(GObject.TYPE_UINT)
    value.set_uint(number)
    return value


def send(port):
    socket = bound_socket()
    pipeline = Gst.Pipeline.new(None)
    rtpbin = Gst.ElementFactory.make("rtpbin")
    Gst.util_set_object_arg(rtpbin, "rtp-profile", "avpf")
    pipeline.add(rtpbin)
    rtx, outer = bin_around("rtprtxsend", {"96": 97}, **{"ssrc-map": {"2222": 2223}})
    rtx.set_property("max-size-packets", 3000)
    rtpbin.connect("request-aux-sender", lambda _bin, _session: outer)
    source = Gst.parse_bin_from_description(
        f"videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate={FPS}/1 ! "
        "vp8enc deadline=1 cpu-used=8 threads=1 target-bitrate=1000000 keyframe-max-dist=100 ! "
        "rtpvp8pay name=pay ssrc=2222 pt=96 mtu=400 picture-id-mode=2", True)
    last = [None]

    def encoded(_pad, info):
        now = info.get_buffer().pts
        if last[0] is not None and now - last[0] != Gst.SECOND // FPS:
            print(f"the encoder leaves out {(now - last[0]) * FPS / Gst.SECOND - 1} frames at "
                  f"{now * FPS // Gst.SECOND}", file=sys.stderr, flush=True)
        last[0] = now
        return Gst.PadProbeReturn.OK

    source.get_by_name("pay").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, encoded)
    pipeline.add(source)
    source.link_pads("src", rtpbin, "send_rtp_sink_0")
    for pad in ("send_rtp_src_0", "send_rtcp_src_0"):
        sink = Gst.ElementFactory.make("udpsink")
        for key, value in {"socket": socket, "close-socket": False, "host": "127.0.0.1", "port": port,
                           "sync": False, "async": False}.items():
            sink.set_property(key, value)
        pipeline.add(sink)
        rtpbin.link_pads(pad, sink, "sink")
    feedback = Gst.ElementFactory.make("udpsrc")
    feedback.set_property("socket", socket)
    pipeline.add(feedback)
    feedback.link_pads("src", rtpbin, "recv_rtcp_sink_0")
    return pipeline


def receive(rtcp_port, payload_type, rtx_payload_type, frames, loop):
    pipeline = Gst.Pipeline.new(None)
    rtpbin = Gst.ElementFactory.make("rtpbin")
    for key, value in {"rtp-profile": "avpf", "latency": 2000, "do-retransmission": True}.items():
        Gst.util_set_object_arg(rtpbin, key, str(value).lower())
    pipeline.add(rtpbin)
    caps = {
        payload_type: "encoding-name=VP8",
        rtx_payload_type: f"encoding-name=RTX,apt=(string){payload_type}",
    }
    rtpbin.connect("request-pt-map", lambda _bin, _session, pt: Gst.Caps.from_string(
        f"application/x-rtp,media=video,clock-rate=90000,payload={pt},{caps.get(pt, 'encoding-name=X')}"))
    _, outer = bin_around("rtprtxreceive", {str(payload_type): rtx_payload_type})
    rtpbin.connect("request-aux-receiver", lambda _bin, _session: outer)

    sockets = [bound_socket(), bound_socket()]
    for socket, pad in zip(sockets, ("recv_rtp_sink_0", "recv_rtcp_sink_0")):
        source = Gst.ElementFactory.make("udpsrc")
        source.set_property("socket", socket)
        if pad == "recv_rtp_sink_0":
            source.set_property("caps", Gst.Caps.from_string(
                "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8"))
        pipeline.add(source)
        source.link_pads("src", rtpbin, pad)
    sink = Gst.ElementFactory.make("udpsink")
    for key, value in {"socket": sockets[1], "close-socket": False, "host": "127.0.0.1", "port": rtcp_port,
                       "sync": False, "async": False}.items():
        sink.set_property(key, value)
    pipeline.add(sink)
    rtpbin.link_pads("send_rtcp_src_0", sink, "sink")
    # AVPF allows one early feedback between two regular reports (RFC 4585 3.5.2): more reports, more chances to ask.
    rtpbin.emit("get-internal-session", 0).set_property("rtcp-min-interval", 50 * Gst.MSECOND)

    seen = []
    current = [0]

    def packet(_pad, info):
        ok, rtp = GstRtp.RTPBuffer.map(info.get_buffer(), Gst.MapFlags.READ)
        if ok:
            current[0] = rtp.get_timestamp()
            rtp.unmap()
        return Gst.PadProbeReturn.OK

    def frame(_pad, _info):
        seen.append(current[0])
        if len(seen) == frames:
            GLib.idle_add(loop.quit)
        return Gst.PadProbeReturn.OK

    def appeared(_bin, pad):
        if not pad.get_name().startswith("recv_rtp_src"):
            return
        depayloader = Gst.ElementFactory.make("rtpvp8depay")
        end = Gst.ElementFactory.make("fakesink")
        end.set_property("sync", False)
        end.set_property("async", False)
        for element in (depayloader, end):
            pipeline.add(element)
        depayloader.link(end)
        depayloader.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, packet)
        depayloader.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, frame)
        for element in (depayloader, end):
            element.sync_state_with_parent()
        pad.link(depayloader.get_static_pad("sink"))

    rtpbin.connect("pad-added", appeared)
    for socket in sockets:
        print(f"port {socket.get_local_address().get_port()}", flush=True)

    def tell():
        got = set(seen)
        span = ((seen[-1] - seen[0]) & 0xFFFFFFFF) // TICKS + 1 if seen else 0
        lost = [number for number in range(span) if (seen[0] + number * TICKS) & 0xFFFFFFFF not in got]
        print(f"missing frames: {lost}", file=sys.stderr, flush=True)
        print(f"frames {len(got)} of {span}", flush=True)

    return pipeline, tell


def main():
    Gst.init(None)
    loop = GLib.MainLoop()

    def end_with_input():
        sys.stdin.read()
        GLib.idle_add(loop.quit)

    threading.Thread(target=end_with_input, daemon=True).start()
    tell = None
    if sys.argv[1] == "send":
        pipeline = send(int(sys.argv[2]))
    else:
        pipeline, tell = receive(*(int(word) for word in sys.argv[2:6]), loop)

    def failed(_bus, message):
        if message.type == Gst.MessageType.ERROR:
            print(message.parse_error(), file=sys.stderr, flush=True)
            loop.quit()

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message", failed)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    if tell:
        tell()
    pipeline.set_state(Gst.State.NULL)


main()
