"""aiortc as a client of WHIP (RFC 9725) and WHEP: a second implementation of WebRTC beside the browsers' own.

    rtc_peer.py whip URL [--video VP8|H264]        sends picture and tone; says "ready" when connected; ends with SIGTERM
    rtc_peer.py whep URL [--frames N] [--video …]  prints as JSON what was seen and heard once it was N frames and a sound

Without --video what is offered is what aiortc offers by itself. Both delete their session at their end.
"""
import argparse
import asyncio
import json
import signal
import urllib.parse
import urllib.request

from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription

from rtc_tracks import Audience, Picture, Tone


def request(method, url, body=None):
    headers = {"Content-Type": "application/sdp"} if body else {}
    call = urllib.request.Request(url, data=body and body.encode(), method=method, headers=headers)
    with urllib.request.urlopen(call, timeout=60) as answer:
        return answer.headers, answer.read().decode()


async def converse(connection, url):
    """Offers and takes the answer; gives back the session's address."""
    await connection.setLocalDescription(await connection.createOffer())
    headers, answer = await asyncio.to_thread(request, "POST", url, connection.localDescription.sdp)
    await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return urllib.parse.urljoin(url, headers["Location"])


async def connected(connection):
    while connection.connectionState != "connected":
        if connection.connectionState in ("failed", "closed"):
            raise SystemExit(f"the connection is {connection.connectionState}")
        await asyncio.sleep(0.05)


def prefer(transceiver, name):
    if name:
        codecs = RTCRtpReceiver.getCapabilities("video").codecs
        transceiver.setCodecPreferences([codec for codec in codecs if codec.name == name])


async def whip(options):
    connection = RTCPeerConnection()
    connection.addTransceiver(Tone(), direction="sendonly")
    prefer(connection.addTransceiver(Picture(), direction="sendonly"), options.video)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    session = await converse(connection, options.url)
    await connected(connection)
    print("ready", flush=True)
    await ended.wait()
    await asyncio.to_thread(request, "DELETE", session)
    await connection.close()


async def whep(options):
    connection, audience = RTCPeerConnection(), Audience()
    connection.addTransceiver("audio", direction="recvonly")
    prefer(connection.addTransceiver("video", direction="recvonly"), options.video)
    connection.on("track", audience.take)
    session = await converse(connection, options.url)
    await connected(connection)
    await audience.until(options.frames)
    print(json.dumps(audience.seen), flush=True)
    audience.close()
    await asyncio.to_thread(request, "DELETE", session)
    await connection.close()


parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["whip", "whep"])
parser.add_argument("url")
parser.add_argument("--frames", type=int, default=30)
parser.add_argument("--video", choices=["VP8", "H264"])
given = parser.parse_args()
asyncio.run(whip(given) if given.what == "whip" else whep(given))
