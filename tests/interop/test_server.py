# SPDX-License-Identifier: MIT
"""aiortc clients against `wrd serve`."""
import asyncio
import os
import time

import framing
import programs
from peers import CLOSED, MEGABYTE, OPEN, AnyServer, Peers


class OurServer(AnyServer, Peers):
    raw = ("--raw",)
    server = staticmethod(programs.server)

    async def test_clients_connect_with_every_form_of_credentials(self):
        server = await self.start("--raw")
        for how in ({"munge": True}, {"munge": False}, {"munge": True, "prefix": "libp2p+webrtc+v1/"},
                    {"munge": False, "prefix": "libp2p+webrtc+v2/"}):
            with self.subTest(**how):
                client = await self.client(server, **how)
                await client.send("hello")
                self.assertEqual(await client.receive(), "hello")
                await client.close()

    async def test_ipv6(self):
        client = await self.client(await self.start("--raw", listen=f"[{programs.IP6}]:0"))
        await client.send("hello")
        self.assertEqual(await client.receive(), "hello")

    async def test_use_srtp_is_answered_because_many_peers_insist_on_it(self):
        client = await self.client(await self.start())
        self.assertTrue(client.use_srtp_agreed())

    async def test_frames_of_the_reference_lz4_come_back_and_decode(self):
        client = await self.client(await self.start())
        messages = [b"hello", b"", b"abc" * 50_000, os.urandom(MEGABYTE), b"bye"]
        decoder, echoes = framing.Decoder(), []
        stream = b"".join(framing.encode(message) for message in messages)
        sending = asyncio.ensure_future(self.send_all(client, framing.chunks(stream)))
        while len(echoes) < len(messages):
            echoes += decoder.push(await client.receive())
        await sending
        self.assertTrue(echoes == messages)

    async def test_frames_cut_at_every_byte_come_back_whole(self):
        client = await self.client(await self.start())
        messages = [b"first", b"second " * 20, b"third"]
        stream = b"".join(framing.encode(message) for message in messages)
        await self.send_all(client, [stream[i:i + 1] for i in range(len(stream))])
        decoder, echoes = framing.Decoder(), []
        while len(echoes) < len(messages):
            echoes += decoder.push(await client.receive())
        self.assertEqual(echoes, messages)

    async def test_a_lying_frame_ends_only_its_own_connection(self):
        server = await self.start()
        good, bad = await self.client(server), await self.client(server)
        await bad.send(b"\xff\xff\xff\xff\x00\x00\x00\x00\x00")
        await asyncio.wait_for(bad.closed.wait(), 15)
        await good.send(framing.encode(b"still here"))
        self.assertEqual(framing.Decoder().push(await good.receive()), [b"still here"])

    async def test_ten_clients_at_once(self):
        server = await self.start("--raw")
        clients = await asyncio.gather(*(self.client(server, munge=i % 2 == 0) for i in range(10)))
        for i, client in enumerate(clients):
            await client.send(f"client {i}")
        for i, client in enumerate(clients):
            self.assertEqual(await client.receive(), f"client {i}")

    async def test_a_client_that_vanishes_is_noticed_and_others_stay(self):
        server = await self.start("--raw")
        gone, stays = await self.client(server), await self.client(server)
        await self.expect_line(server, OPEN)
        await self.expect_line(server, OPEN)
        gone.vanish()
        started = time.monotonic()
        await self.expect_line(server, CLOSED, within=90)
        self.assertGreater(time.monotonic() - started, 5)
        await stays.send("hello")
        self.assertEqual(await stays.receive(), "hello")
