# SPDX-License-Identifier: MIT
"""What holds for every server that echoes data-channel messages as they are, seen from aiortc."""
import asyncio
import os
import signal
import unittest

import framing
from aiortc_client import Client, ConnectFailed

MEGABYTE = 1_000_000
OPEN = r"connection \S+ open from (\S+)"
CLOSED = r"connection \S+ closed: (.*)"


class Peers(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)

    async def start(self, *options, **where):
        server = await asyncio.to_thread(self.server, *options, **where)
        self.addCleanup(server.stop)
        return server

    async def client(self, server, **how):
        client = Client(**how)
        self.addAsyncCleanup(client.close)
        try:
            await client.connect(server.host, server.port, server.fingerprint)
        except ConnectFailed as error:
            raise AssertionError(f"{error}\n{server.log()}") from None
        return client

    async def expect_line(self, server, pattern, within=20):
        return await asyncio.to_thread(server.line, pattern, within)


class AnyServer:
    raw = ()  # the options that make the server echo so
    async def test_binary_text_and_empty_messages_come_back_as_they_were(self):
        client = await self.client(await self.start(*self.raw), munge=True)
        for message in (b"one", "two", b"\x00" * 1200, "h\u00e9llo", os.urandom(60 * 1024)):
            await client.send(message)
            self.assertEqual(await client.receive(), message)

    async def test_a_megabyte_in_chunks_of_60_kib_comes_back(self):
        client = await self.client(await self.start(*self.raw), munge=True)
        stream = os.urandom(MEGABYTE)
        sending = asyncio.ensure_future(self.send_all(client, framing.chunks(stream)))
        echo = b""
        while len(echo) < len(stream):
            echo += await client.receive()
        await sending
        self.assertTrue(echo == stream)

    async def test_500_messages_in_flight_come_back_in_order(self):
        client = await self.client(await self.start(*self.raw), munge=True)
        messages = [f"message {i} ".encode() + b"." * (i % 97) for i in range(500)]
        sending = asyncio.ensure_future(self.send_all(client, messages))
        for message in messages:
            self.assertEqual(await client.receive(), message)
        await sending

    async def test_the_server_sees_a_client_close_at_once(self):
        server = await self.start(*self.raw)
        client = await self.client(server, munge=True)
        await self.expect_line(server, OPEN)
        await client.close()
        await self.expect_line(server, CLOSED, within=15)  # without a goodbye it would take 30 s

    async def test_the_client_sees_a_server_stop_at_once(self):
        server = await self.start(*self.raw)
        client = await self.client(server, munge=True)
        server.signal(signal.SIGTERM)
        await asyncio.wait_for(client.closed.wait(), 15)

    @staticmethod
    async def send_all(client, messages):
        for message in messages:
            await client.send(message)
