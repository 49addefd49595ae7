# SPDX-License-Identifier: MIT
"""aiortc as a client of a server that needs no signalling: it makes its own offer, and we write the answer."""
import asyncio
import secrets

from aiortc import RTCPeerConnection, RTCSessionDescription

import srtp

# aiortc queues without bound and spends time in proportion to the queue; more in flight only slows the test.
QUEUE = 256 * 1024


class ConnectFailed(Exception):
    pass


def answer(host, port, fingerprint, credential, mid):
    family = "IP6" if ":" in host else "IP4"
    digest = fingerprint.upper()
    return "\r\n".join([
        "v=0",
        f"o=- 0 0 IN {family} {host}",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {mid}",
        f"m=application {port} UDP/DTLS/SCTP webrtc-datachannel",
        f"c=IN {family} {host}",
        f"a=mid:{mid}",
        "a=ice-options:ice2",
        f"a=ice-ufrag:{credential}",
        f"a=ice-pwd:{credential}",
        "a=fingerprint:sha-256 " + ":".join(digest[i:i + 2] for i in range(0, len(digest), 2)),
        "a=setup:passive",
        "a=sctp-port:5000",
        "a=max-message-size:16777216",
        f"a=candidate:1467250027 1 UDP 1467250027 {host} {port} typ host",
        "a=end-of-candidates",
        "",
    ])


class Channel:
    """Another data channel of a client: what it sends waits while too much is queued, what it hears can be awaited."""

    def __init__(self, channel):
        self.channel = channel
        self._arrived = asyncio.Queue()
        self._low = asyncio.Event()
        self._open = asyncio.Event()
        self._closed = asyncio.Event()
        channel.bufferedAmountLowThreshold = QUEUE // 2
        channel.on("open", self._open.set)
        channel.on("message", self._arrived.put_nowait)
        channel.on("bufferedamountlow", self._low.set)
        channel.on("close", self._closed.set)

    async def _within(self, what, within):
        try:
            return await asyncio.wait_for(what, within)
        except asyncio.TimeoutError:
            raise AssertionError(f"channel {self.channel.id} {self.channel.label!r} is {self.channel.readyState}, "
                                 f"and nothing within {within} s") from None

    async def opened(self, within=20):
        if self.channel.readyState != "open":
            await self._within(self._open.wait(), within)

    async def closed(self, within=20):
        if self.channel.readyState != "closed":
            await self._within(self._closed.wait(), within)

    async def send(self, message):
        while self.channel.bufferedAmount > QUEUE:
            self._low.clear()
            await self._within(self._low.wait(), 20)
        self.channel.send(message)

    async def receive(self, within=20):
        return await self._within(self._arrived.get(), within)

    async def waits(self, within):
        """Whether a message that has not been received is there, or comes in this time."""
        for _ in range(int(within * 100)):
            if not self._arrived.empty():
                break
            await asyncio.sleep(0.01)
        return not self._arrived.empty()


class Client:
    """`munge`: X as its own ufrag and password too, as the original's client. `prefix`: what X begins with."""

    def __init__(self, munge=False, prefix=""):
        self._pc = RTCPeerConnection()
        self._channel = self._pc.createDataChannel("rpc", negotiated=True, id=0)
        self._channel.bufferedAmountLowThreshold = QUEUE // 2
        self._credential = prefix + secrets.token_hex(32)
        self._munge = munge
        self._id = 0
        self._arrived = asyncio.Queue()
        self._low = asyncio.Event()
        self._open = asyncio.Event()
        self.closed = asyncio.Event()
        self._channel.on("open", self._open.set)
        self._channel.on("message", self._arrived.put_nowait)
        self._channel.on("bufferedamountlow", self._low.set)
        self._channel.on("close", self.closed.set)

    def state(self):
        return (f"ICE {self._pc.iceConnectionState}, DTLS {self._pc.sctp.transport.state}, "
                f"SCTP {self._pc.sctp._association_state.name}, channel {self._channel.readyState}")

    async def connect(self, host, port, fingerprint, within=20):
        if self._munge:
            connection = self._pc.sctp.transport.transport.iceGatherer._connection
            # Plain attributes in aioice up to 0.8, properties without a setter later.
            private = "_" if hasattr(connection, "_local_username") else ""
            setattr(connection, f"{private}local_username", self._credential)
            setattr(connection, f"{private}local_password", self._credential)
        await self._pc.setLocalDescription(await self._pc.createOffer())
        mid = self._pc.sctp.mid
        await self._pc.setRemoteDescription(RTCSessionDescription(
            answer(host, port, fingerprint, self._credential, mid), "answer"))
        try:
            await asyncio.wait_for(self._open.wait(), within)
        except asyncio.TimeoutError:
            raise ConnectFailed(self.state()) from None

    async def send(self, message):
        while self._channel.bufferedAmount > QUEUE:
            self._low.clear()
            await self._low.wait()
        self._channel.send(message)

    async def receive(self, within=20):
        try:
            return await asyncio.wait_for(self._arrived.get(), within)
        except asyncio.TimeoutError:
            raise AssertionError(f"no message within {within} s: {self.state()}") from None

    def open(self, label="", **how):
        """A channel besides the main one, as createDataChannel(). We are the DTLS client, whose ids are even (RFC 8832
        6); left to itself, aiortc counts them by its ICE role."""
        if "id" not in how:
            self._id += 2
            how["id"] = self._id
        return Channel(self._pc.createDataChannel(label, **how))

    def use_srtp_agreed(self):
        return srtp.agreed(self._pc.sctp.transport)

    def vanish(self):
        """From here on nothing is sent or heard, as when a cable is cut."""
        async def send_nothing(*_):
            pass

        for protocol in self._pc.sctp.transport.transport._connection._protocols:
            protocol.datagram_received = lambda *_: None
            protocol.send_stun = lambda *_: None
            protocol.send_data = send_nothing

    async def close(self):
        await self._pc.close()
