"""What the peers of aiortc send and how they look at what comes: a moving picture of 320x180, a tone of 440 Hz.

Also keeps them on loopback: aiortc offers every address but that one.
"""
import asyncio
import fractions
import math
import struct
import time

import aioice.ice
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]

WIDTH, HEIGHT, FPS = 320, 180, 15
RATE, SAMPLES = 48000, 960


class Clock:
    """Sleeps until a frame is due; frames that are late come at once."""

    def __init__(self):
        self.start = time.monotonic()

    async def reach(self, seconds):
        await asyncio.sleep(max(0.0, self.start + seconds - time.monotonic()))


class Picture(MediaStreamTrack):
    """A white bar that walks over a grey ground."""

    kind = "video"

    def __init__(self):
        super().__init__()
        self.clock, self.count = Clock(), 0

    async def recv(self):
        await self.clock.reach(self.count / FPS)
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        bar = self.count * 4 % WIDTH
        for plane, ground in zip(frame.planes, (80, 128, 128)):
            line = bytearray([ground]) * plane.line_size
            if ground == 80:
                line[bar:bar + 16] = b"\xeb" * 16
                del line[plane.line_size:]
            plane.update(bytes(line) * plane.height)
        frame.pts, frame.time_base = self.count * 90000 // FPS, fractions.Fraction(1, 90000)
        self.count += 1
        return frame


class Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.clock, self.sent = Clock(), 0

    async def recv(self):
        await self.clock.reach(self.sent / RATE)
        wave = (
            int(8000 * math.sin(2 * math.pi * 440 * (self.sent + place) / RATE)) for place in range(SAMPLES))
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(struct.pack(f"<{SAMPLES}h", *wave))
        frame.sample_rate, frame.pts, frame.time_base = RATE, self.sent, fractions.Fraction(1, RATE)
        self.sent += SAMPLES
        return frame


class Audience:
    """Decodes tracks, and knows what was seen and heard."""

    def __init__(self):
        self.frames = self.width = self.height = 0
        self.loudest = 0
        self.tasks = []

    def take(self, track):
        self.tasks.append(asyncio.ensure_future(self.see(track) if track.kind == "video" else self.hear(track)))

    async def see(self, track):
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            self.frames, self.width, self.height = self.frames + 1, frame.width, frame.height

    async def hear(self, track):
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            # Interleaved or not, each pair of bytes is a sample.
            data = bytes(frame.planes[0])
            samples = struct.unpack(f"<{len(data) // 2}h", data[:len(data) // 2 * 2])
            self.loudest = max(self.loudest, max(map(abs, samples), default=0))

    async def until(self, frames, silent=False):
        while self.frames < frames or (self.loudest < 1000 and not silent):
            await asyncio.sleep(0.05)

    def close(self):
        for task in self.tasks:
            task.cancel()

    @property
    def seen(self):
        return {"frames": self.frames, "width": self.width, "height": self.height, "loudest": self.loudest}
