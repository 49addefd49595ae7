# SPDX-License-Identifier: MIT
"""aiortc opens, uses and closes data channels of `wrd serve --raw --channels N`, which echoes on each."""
import asyncio
import os
import unittest

import programs
from peers import Peers

LONG = int(os.environ.get("WRD_INTEROP_LONG", "1"))  # make interop: how many times as much
TRIES = 5
NUDGE = b"anything more?"


class Channels(Peers):
    server = staticmethod(programs.server)

    async def connected(self, limit):
        return await self.client(await self.start("--raw", "--channels", str(limit)))

    async def echoes(self, channel, messages):
        async def send():
            for message in messages:
                await channel.send(message)

        # When a gap closes behind which several messages are whole, aiortc hands out some and keeps the rest until more
        # comes on that stream.
        async def nudge():
            while True:
                await asyncio.sleep(0.5)
                await channel.send(NUDGE)

        await channel.opened()
        sending = asyncio.ensure_future(send())
        nudging = asyncio.ensure_future(nudge())
        try:
            for message in messages:
                heard = await channel.receive()
                while heard == NUDGE:
                    heard = await channel.receive()
                self.assertTrue(heard == message, f"not what was sent on {channel.channel.label}")
        finally:
            nudging.cancel()
            await sending

    async def hears(self, channel, message, lossy):
        """A side that stands still for a while loses what may be lost: that is said again."""
        for _ in range(TRIES if lossy else 0):
            if not await channel.waits(4):
                await channel.send(message)
        self.assertEqual(await channel.receive(), message)

    async def test_many_channels_of_every_kind_echo(self):
        client = await self.connected(100 * LONG)
        kinds = ({}, {"ordered": False}, {"maxRetransmits": 0}, {"maxRetransmits": 5, "ordered": False},
                 {"maxPacketLifeTime": 5000}, {"maxPacketLifeTime": 5000, "ordered": False}, {"protocol": "echo"})
        channels = [client.open(f"channel {i}", **kinds[i % len(kinds)]) for i in range(100 * LONG)]
        for channel in channels:
            await channel.opened()
        for i, channel in enumerate(channels):
            await channel.send(f"hello {i}")
        for i, channel in enumerate(channels):
            kind = kinds[i % len(kinds)]
            await self.hears(channel, f"hello {i}", "maxRetransmits" in kind or "maxPacketLifeTime" in kind)
        await client.send("and the main one")
        self.assertEqual(await client.receive(), "and the main one")

    async def test_text_binary_and_empty_messages_keep_their_kind(self):
        client = await self.connected(1)
        await self.echoes(client.open("kinds"), [b"one", "two", b"", "", b"\x00" * 1200, "h\u00e9llo", os.urandom(60 * 1024)])

    async def test_bulk_on_four_channels_at_once_is_unharmed(self):
        client = await self.connected(4)
        await asyncio.gather(*(
            self.echoes(client.open(f"bulk {i}"), [os.urandom(30_000) for _ in range(10 * LONG)]) for i in range(4)))

    async def test_unordered_messages_all_come_back(self):
        client = await self.connected(1)
        channel = client.open("unordered", ordered=False)
        messages = [f"message {i} ".encode() + b"." * (i * 37 % 3000) for i in range(200 * LONG)]
        await channel.opened()
        for message in messages:
            await channel.send(message)
        echoes = [await channel.receive() for _ in messages]
        self.assertTrue(sorted(echoes) == sorted(messages))

    async def test_a_closed_channel_closes_here_and_its_id_can_be_used_again(self):
        client = await self.connected(2)
        stays = client.open("stays")
        for turn in range(5 * LONG):
            channel = client.open(f"turn {turn}", id=2000)
            await self.echoes(channel, ["first", os.urandom(20_000), f"last of {turn}"])
            channel.channel.close()
            await channel.closed()
        await self.echoes(stays, ["still here"])

    async def test_a_channel_too_many_is_closed_and_the_others_stay(self):
        client = await self.connected(2)
        first, second = client.open("first"), client.open("second")
        await self.echoes(second, ["second"])
        third = client.open("third")
        await third.closed()
        await self.echoes(first, ["first"])
        await self.echoes(second, ["second again"])


if __name__ == "__main__":
    unittest.main()
