#!/usr/bin/python3
"""A live RTSP camera for tests, on loopback: gst-rtsp-server with a signal whose frames and beeps can be told apart.

    rtsp_server.py PORT [--user NAME --password WORD [--auth basic|digest]]

Paths, all shared by everyone who asks:
    /h264-aac /h264-opus /vp8-opus    picture and sound
    /h264                             picture alone
    /data                             a track of metadata: nothing in it can be played

The picture has 30 frames a second, a key frame every half second, and its own number along the bottom edge as 20 black
or white blocks, most significant bit first. The first frames of each second flash white in the top left quarter, and a
1 kHz tone beeps with the first of them. Both come from one clock, like a camera's. Prints "ready" when it listens.
"""
import argparse
import math
import struct
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

WIDTH, HEIGHT, FPS = 160, 90, 30
RATE = 48000
CHUNK = RATE // 50

PICTURE = (
    f"appsrc name=picture is-live=true format=time caps=video/x-raw,format=GRAY8,width={WIDTH},height={HEIGHT},"
    f"framerate={FPS}/1 ! queue ! videoscale method=nearest-neighbour ! videoconvert ! "
    "video/x-raw,format=I420,width=320,height=180 ! "
)
SOUND = (
    f"appsrc name=sound is-live=true format=time caps=audio/x-raw,format=S16LE,layout=interleaved,rate={RATE},"
    "channels=2 ! queue ! audioconvert ! "
)
# One slice a picture: the payloader repeats parameter sets before each slice, where readers see a new picture begin.
H264 = (
    "x264enc tune=zerolatency sliced-threads=false threads=1 speed-preset=ultrafast key-int-max=15 bitrate=500 ! "
    "video/x-h264,profile=baseline ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 "
)
VP8 = "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=15 target-bitrate=500000 ! rtpvp8pay name=pay0 pt=96 "
AAC = "avenc_aac ! aacparse ! rtpmp4gpay name=pay1 pt=97 "
OPUS = "opusenc ! rtpopuspay name=pay1 pt=97 "

PATHS = {
    "/h264-aac": PICTURE + H264 + SOUND + AAC,
    "/h264-opus": PICTURE + H264 + SOUND + OPUS,
    "/vp8-opus": PICTURE + VP8 + SOUND + OPUS,
    "/h264": PICTURE + H264,
    "/data": "fakesrc is-live=true sizetype=fixed sizemax=20 datarate=200 do-timestamp=true format=time ! "
    "application/x-metadata ! rtpgstpay name=pay0 pt=98",
}


def picture(number):
    """One frame: dark grey, the flash, the blocks."""
    flash = number % FPS < 3
    upper = (b"\xeb" if flash else b"\x10") * (WIDTH // 2) + b"\x40" * (WIDTH // 2)
    lower = b"\x40" * WIDTH
    block = WIDTH // 20
    numbered = b"".join((b"\xeb" if number >> (19 - bit) & 1 else b"\x10") * block for bit in range(20))
    edge = HEIGHT // 6
    return upper * (HEIGHT // 2) + lower * (HEIGHT - HEIGHT // 2 - edge) + numbered * edge


def tone(position):
    """20 ms of stereo sound from this sample on: 100 ms of 1 kHz at the begin of each second."""
    samples = []
    for index in range(position, position + CHUNK):
        beep = index % RATE < RATE // 10
        level = int(16000 * math.sin(2 * math.pi * 1000 * index / RATE)) if beep else 0
        samples += [level, level]
    return struct.pack(f"<{len(samples)}h", *samples)


TONES = [tone(position) for position in range(0, RATE, CHUNK)]


class Feeder(threading.Thread):
    """Pushes both tracks by the pipeline's own clock until one of them is gone."""

    def __init__(self, media):
        super().__init__(daemon=True)
        self.bin = media.get_element()
        self.pipeline = self.bin.get_parent()
        self.stopped = threading.Event()
        media.connect("unprepared", lambda _: self.stopped.set())

    def running_time(self):
        """None while it does not play: a client that joins makes the pipeline pause for a moment."""
        clock = self.pipeline.get_clock()
        if clock is None or self.pipeline.get_state(0)[1] != Gst.State.PLAYING:
            return None
        return clock.get_time() - self.pipeline.get_base_time()

    def run(self):
        while self.running_time() is None:
            if self.stopped.wait(0.005):
                return
        start = self.running_time()
        tracks = []
        for name, rate, body in (
            ("picture", FPS, lambda number: picture(number & 0xFFFFF)),
            ("sound", RATE // CHUNK, lambda number: TONES[number % len(TONES)]),
        ):
            source = self.bin.get_by_name(name)
            if source is not None:
                tracks.append([source, rate, body, 0])
        while tracks and not self.stopped.is_set():
            now = self.running_time() or 0
            for track in tracks:
                source, rate, body, number = track
                while start + number * Gst.SECOND // rate <= now:
                    buffer = Gst.Buffer.new_wrapped(body(number))
                    buffer.pts = start + number * Gst.SECOND // rate
                    buffer.duration = Gst.SECOND // rate
                    if source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                        return
                    number += 1
                track[3] = number
            self.stopped.wait(0.004)


def factory(launch):
    made = GstRtspServer.RTSPMediaFactory()
    made.set_launch(f"( {launch} )")
    made.set_shared(True)
    made.connect("media-configure", lambda _, media: Feeder(media).start())
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    parser.add_argument("--auth", choices=["basic", "digest"], default="digest")
    options = parser.parse_args()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    if options.user:
        auth = GstRtspServer.RTSPAuth()
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, options.user)
        if options.auth == "basic":
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(options.user, options.password), token)
        else:
            auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
            auth.add_digest(options.user, options.password, token)
        server.set_auth(auth)
    mounts = server.get_mount_points()
    for path, launch in PATHS.items():
        made = factory(launch)
        if options.user:
            role = "media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
            made.add_role_from_structure(Gst.Structure.new_from_string(f"{options.user}, {role}"))
        mounts.add_factory(path, made)
    if server.attach(None) == 0:
        sys.exit(f"port {options.port} can't be listened on")
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
