"""Two peers in one room, as applications with mediasoup-client are: its port to Python over protoo.

    mediasoup_peer.py WS-URL ROOM [--data]

Anna sends picture and tone (and a data channel), bert consumes them; bert says something over his own data channel and
anna hears it. Then anna pauses and resumes her picture, and closes it. Prints as JSON what happened.
"""
import argparse
import asyncio
import itertools
import json

from pymediasoup import AiortcHandler, Device
from pymediasoup.models.transport import DtlsParameters, IceCandidate, IceParameters
from pymediasoup.rtp_parameters import RtpCapabilities, RtpParameters
from pymediasoup.sctp_parameters import SctpParameters, SctpStreamParameters
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from rtc_tracks import Audience, Picture, Tone


def bare(model):
    return model.model_dump(mode="json", exclude_none=True)


class Refused(Exception):
    pass


class Peer:
    """A client of protoo with a device of mediasoup-client's."""

    def __init__(self, name, url, room, data):
        self.name, self.data = name, data
        self.url = f"{url}/?roomId={room}&peerId={name}"
        self.ids, self.waiting, self.notifications = itertools.count(1), {}, []
        self.tracks = [Tone(), Picture()]
        self.device = Device(handlerFactory=AiortcHandler.createFactory(tracks=self.tracks))
        self.audience, self.heard = Audience(), []
        self.consumers, self.sends, self.receives = {}, None, None
        # Offers come together; descriptions are exchanged one after the other.
        self.turn = asyncio.Lock()
        self.jobs = set()

    # Protoo.

    async def open(self):
        self.socket = await connect(self.url, subprotocols=["protoo"])
        assert self.socket.subprotocol == "protoo"
        self.start(self.read())

    def start(self, job):
        task = asyncio.ensure_future(job)
        self.jobs.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task):
        self.jobs.discard(task)
        if not task.cancelled() and task.exception():
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"{self.name}: {task.exception()!r}", "exception": task.exception()})

    async def read(self):
        try:
            async for text in self.socket:
                self.take(json.loads(text))
        except ConnectionClosed:
            # The gateway ends who closes a transport, sooner or later than the socket is closed here.
            pass

    def take(self, message):
        if message.get("request"):
            self.start(self.answer(message))
        elif message.get("response"):
            self.waiting.pop(message["id"]).set_result(message)
        else:
            self.notifications.append((message["method"], message["data"]))

    async def ask(self, method, **data):
        number = next(self.ids)
        self.waiting[number] = asyncio.get_running_loop().create_future()
        await self.send(request=True, id=number, method=method, data=data)
        answer = await self.waiting[number]
        if not answer.get("ok"):
            raise Refused(f"{method}: {answer.get('errorReason')}")
        return answer["data"]

    async def send(self, **message):
        await self.socket.send(json.dumps(message))

    async def answer(self, message):
        data = message["data"]
        try:
            if message["method"] == "newConsumer":
                await self.consume(data)
            elif message["method"] == "newDataConsumer":
                await self.consume_data(data)
            else:
                raise Refused(message["method"])
        except Exception as error:
            await self.send(response=True, id=message["id"], errorCode=500, errorReason=repr(error))
            raise
        await self.send(response=True, id=message["id"], ok=True, data={})

    async def told(self, method, **members):
        """Waits for a notification."""
        while not any(
            name == method and members.items() <= data.items() for name, data in self.notifications
        ):
            await asyncio.sleep(0.05)

    # mediasoup-client.

    async def join(self):
        await self.device.load(RtpCapabilities(**await self.ask("getRouterRtpCapabilities")))
        self.sends = await self.transport(producing=True)
        self.receives = await self.transport(producing=False)
        sctp = {"sctpCapabilities": bare(self.device.sctpCapabilities)} if self.data else {}
        return await self.ask(
            "join", displayName=self.name, device={"flag": "python", "name": "pymediasoup", "version": "1"},
            rtpCapabilities=bare(self.device.rtpCapabilities), **sctp)

    async def transport(self, producing):
        sctp = {"sctpCapabilities": bare(self.device.sctpCapabilities)} if self.data else {}
        made = await self.ask("createWebRtcTransport", forceTcp=False, producing=producing, consuming=not producing, **sctp)
        make = self.device.createSendTransport if producing else self.device.createRecvTransport
        transport = make(
            id=made["id"], iceParameters=IceParameters(**made["iceParameters"]),
            iceCandidates=[IceCandidate(**candidate) for candidate in made["iceCandidates"]],
            dtlsParameters=DtlsParameters(**made["dtlsParameters"]),
            sctpParameters=SctpParameters(**made["sctpParameters"]) if self.data else None)

        @transport.on("connect")
        async def on_connect(parameters):
            await self.ask("connectWebRtcTransport", transportId=transport.id, dtlsParameters=bare(parameters))

        @transport.on("produce")
        async def on_produce(kind, parameters, app_data):
            answer = await self.ask(
                "produce", transportId=transport.id, kind=kind, rtpParameters=bare(parameters), appData=app_data)
            return answer["id"]

        @transport.on("producedata")
        async def on_produce_data(sctpStreamParameters, label, protocol, appData):
            stream = bare(sctpStreamParameters)
            for member in ("label", "protocol"):
                stream.pop(member, None)
            answer = await self.ask(
                "produceData", transportId=transport.id, sctpStreamParameters=stream, label=label or "",
                protocol=protocol or "", appData=appData or {})
            return answer["id"]

        return transport

    async def connected(self, transport):
        """Before the next thing is added: aiortc starts what it knows of when DTLS begins, and what comes once it stands, but
        never what was added in between."""
        while transport.connectionState != "connected":
            await asyncio.sleep(0.01)

    async def consume(self, data):
        async with self.turn:
            consumer = await self.receives.consume(
                id=data["id"], producerId=data["producerId"], kind=data["kind"],
                rtpParameters=RtpParameters(**data["rtpParameters"]), appData=data["appData"])
            await self.connected(self.receives)
        self.consumers[data["kind"]] = consumer
        self.audience.take(consumer.track)

    async def consume_data(self, data):
        async with self.turn:
            stream = SctpStreamParameters(**data["sctpStreamParameters"])
            consumer = await self.receives.consumeData(
                id=data["id"], dataProducerId=data["dataProducerId"], sctpStreamParameters=stream,
                label=data["label"], protocol=data["protocol"], appData=data["appData"])
            await self.connected(self.receives)
        if data["label"] == "chat":
            consumer.on("message", self.heard.append)

    async def close(self):
        self.audience.close()
        for transport in (self.sends, self.receives):
            await transport.close()
        await self.socket.close()


async def say(producer, text, to):
    """Until it has arrived: a channel that others join later says nothing of what was before."""
    while text not in to.heard:
        if producer.readyState == "open":
            producer.send(text)
        await asyncio.sleep(0.2)


async def play(url, room, data):
    anna, bert = Peer("anna", url, room, data), Peer("bert", url, room, data)
    for peer in (anna, bert):
        await peer.open()
    assert (await anna.join())["peers"] == []
    assert [peer["id"] for peer in (await bert.join())["peers"]] == ["anna"]
    await anna.told("newPeer", id="bert")
    tone, picture = anna.tracks
    await anna.sends.produce(track=tone)
    producer = await anna.sends.produce(track=picture)
    result = {}
    await anna.connected(anna.sends)
    if data:
        # Both ways: anna's over the transport that has media, bert's over one that has nothing else.
        chats = [await peer.sends.produceData(label="chat", ordered=True) for peer in (anna, bert)]
        await say(chats[0], "hello bert", to=bert)
        await say(chats[1], "hello anna", to=anna)
        result["heard"] = {"anna": sorted(set(anna.heard)), "bert": sorted(set(bert.heard))}
    await bert.audience.until(frames=20)
    result["seen"] = bert.audience.seen
    result["codecs"] = sorted(consumer.rtpParameters.codecs[0].mimeType for consumer in bert.consumers.values())

    consumer = bert.consumers["video"].id
    await anna.ask("pauseProducer", producerId=producer.id)
    await bert.told("consumerPaused", consumerId=consumer)
    await anna.ask("resumeProducer", producerId=producer.id)
    await bert.told("consumerResumed", consumerId=consumer)
    await bert.audience.until(frames=bert.audience.frames + 20)
    result["statistics"] = (await bert.ask("getConsumerStats", consumerId=consumer))[0]["type"]

    await anna.ask("closeProducer", producerId=producer.id)
    await bert.told("consumerClosed", consumerId=consumer)
    await anna.close()
    await bert.told("peerClosed", peerId="anna")
    await bert.close()
    return result


parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("room")
parser.add_argument("--data", action="store_true")
given = parser.parse_args()
print(json.dumps(asyncio.run(play(given.url, given.room, given.data))), flush=True)
