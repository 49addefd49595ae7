# SPDX-License-Identifier: MIT
"""Foreign client, foreign server: whatever fails here is the judges' own fault."""
import programs
from aiortc_client import Client, ConnectFailed
from peers import AnyServer, Peers


class ForeignServer(AnyServer, Peers):
    server = staticmethod(programs.foreign_server)

    async def test_a_client_that_keeps_its_own_credentials_is_refused(self):
        server = await self.start()
        client = Client()
        self.addAsyncCleanup(client.close)
        with self.assertRaises(ConnectFailed):
            await client.connect(server.host, server.port, server.fingerprint, within=4)
        await self.expect_line(server, r"^refused .* the two parts of USERNAME differ")
