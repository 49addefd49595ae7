#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A foreign server that knows only `X:X`, for our clients to meet.

Its DTLS and SCTP are aiortc's. In front of them stands an ICE-lite responder for one UDP port, which takes X from the part
of the STUN USERNAME after the last colon, as the original server does, and uses it as ufrag and password of both sides.
A client that leaves its own credentials alone therefore gets no answer. Messages of data channel 0 come back as they are.

    xx_server.py --listen IP:PORT [--username-part first]

prints "listening IP:PORT FINGERPRINT" on stdout once ready, and who comes, goes and is refused on stderr.
`--username-part first` takes X from before the colon, as our own server does.
"""
import argparse
import asyncio
import collections
import json
import os
import pathlib
import signal
import sys

from aioice import stun
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import crypto

import srtp

VECTORS = pathlib.Path(os.environ.get("WRD_VECTORS", pathlib.Path(__file__).resolve().parents[1] / "vectors"))
DATAGRAMS_KEPT = 4096  # between the socket and a client's DTLS; more are dropped


def identity():
    """The first key of the shared test vectors, its certificate and fingerprint."""
    entry = json.loads((VECTORS / "certificates.json").read_text())[0]
    key = ec.derive_private_key(int(entry["key"], 16), ec.SECP256R1())
    certificate = x509.load_der_x509_certificate(bytes.fromhex(entry["certificate_der"]))
    if isinstance(RTCCertificate.generateCertificate()._key, crypto.PKey):  # aiortc before 1.10
        key, certificate = crypto.PKey.from_cryptography_key(key), crypto.X509.from_cryptography(certificate)
    return RTCCertificate(key, certificate), entry["fingerprint"]


def show(address):
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Path:
    """What aiortc's DTLS takes for its ICE transport: datagrams to and from one client."""

    role = "controlled"
    state = "completed"

    def __init__(self, send):
        self._waiting = collections.deque(maxlen=DATAGRAMS_KEPT)
        self._arrived = asyncio.Event()
        self._deliver = send
        self._ended = False

    def put(self, datagram):
        self._waiting.append(datagram)
        self._arrived.set()

    def end(self):
        self._ended = True
        self._arrived.set()

    async def _recv(self):
        while not self._waiting:
            if self._ended:
                raise ConnectionError
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    async def _send(self, datagram):
        if self._ended:
            raise ConnectionError
        self._deliver(datagram)


class Whatever(str):
    """The client's certificate is not known beforehand: whichever it shows is the right one."""

    def lower(self):
        return self

    upper = lower

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class Client:
    def __init__(self, server, address, x):
        self.x = x
        self._server = server
        self._address = address
        self._done = False
        self.path = Path(lambda datagram: server.transport.sendto(datagram, address))
        self._dtls = RTCDtlsTransport(self.path, [server.certificate])
        self._dtls._set_role("server")
        self._dtls.on("statechange", self._watch)
        self._sctp = RTCSctpTransport(self._dtls)
        self._channel = RTCDataChannel(self._sctp, RTCDataChannelParameters(id=0, label="rpc", negotiated=True))
        self._channel.on("open", lambda: say(f"connection {show(address)} open from", show(address)))
        self._channel.on("message", self._channel.send)
        self._channel.on("close", lambda: self.finish("channel closed"))
        self._task = asyncio.ensure_future(self._run())

    def _watch(self):
        if self._dtls.state in ("closed", "failed"):
            self.finish(f"DTLS {self._dtls.state}")

    async def _run(self):
        await self._dtls.start(RTCDtlsParameters([RTCDtlsFingerprint("sha-256", Whatever())]))
        if self._dtls.state == "connected":
            say(f"connection {show(self._address)} use_srtp:", "agreed" if srtp.agreed(self._dtls) else "missing")
            await self._sctp.start(RTCSctpCapabilities(maxMessageSize=0), 5000)

    def finish(self, why):
        if not self._done:
            self._done = True
            self._server.clients.pop(self._address, None)
            say(f"connection {show(self._address)} closed:", why)
            asyncio.ensure_future(self.stop())

    async def stop(self):
        """Says goodbye in SCTP and DTLS."""
        await self._sctp.stop()
        await self._dtls.stop()
        self.path.end()


class Server(asyncio.DatagramProtocol):
    def __init__(self, username_part):
        self._username_part = username_part
        self.certificate, self.fingerprint = identity()
        self.clients = {}
        self.transport = None
        self._refused = set()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if data and data[0] < 4:
            self._answer_check(data, address)
        elif address in self.clients:
            self.clients[address].path.put(data)

    def _refuse(self, address, username, why):
        """Says so once for each client; no answer goes out."""
        if (address, username) not in self._refused:
            self._refused.add((address, username))
            say("refused", show(address), username, why)

    def _answer_check(self, data, address):
        username = "?"
        try:
            request = stun.parse_message(data)
            if request.message_class != stun.Class.REQUEST or request.message_method != stun.Method.BINDING:
                return
            username = request.attributes["USERNAME"]
            first, _, last = username.rpartition(":")
            x = first if self._username_part == "first" else last
            if self._username_part == "last" and first != last:
                raise ValueError("the two parts of USERNAME differ")
            if "MESSAGE-INTEGRITY" not in request.attributes or "FINGERPRINT" not in request.attributes:
                raise ValueError("MESSAGE-INTEGRITY or FINGERPRINT is missing")
            if hasattr(request, "check_message_integrity"):  # aioice after 0.10
                if not request.check_message_integrity(x.encode()):
                    raise ValueError("MESSAGE-INTEGRITY is wrong")
            else:
                stun.parse_message(data, integrity_key=x.encode())
        except (KeyError, ValueError) as error:
            self._refuse(address, username, error)
            return
        client = self.clients.get(address)
        if client is None:
            client = self.clients[address] = Client(self, address, x)
        elif client.x != x:
            self._refuse(address, username, "another X is in use on this path")
            return
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = address[:2]
        response.add_message_integrity(x.encode())
        self.transport.sendto(bytes(response), address)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True, metavar="IP:PORT")
    parser.add_argument("--username-part", choices=["first", "last"], default="last")
    arguments = parser.parse_args()
    host, _, port = arguments.listen.rpartition(":")
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    _, server = await loop.create_datagram_endpoint(
        lambda: Server(arguments.username_part), local_addr=(host.strip("[]"), int(port)))
    print("listening", show(server.transport.get_extra_info("sockname")), server.fingerprint, flush=True)
    await stopped.wait()
    for client in list(server.clients.values()):
        await client.stop()


if __name__ == "__main__":
    asyncio.run(main())
