# SPDX-License-Identifier: MIT
"""pion (Go) as client of `wrd serve --raw`, and as the server that `wrd dial` meets. Optional: see build-others."""
import os
import unittest

import programs

EXCHANGES = ["ok small", "ok 1000 in flight", "ok 4 MiB in chunks"]


@unittest.skipUnless(programs.PION.exists(), "the pion peer is not built (tests/interop/build-others pion)")
class Pion(unittest.TestCase):
    def start(self, program):
        self.addCleanup(program.stop)
        return program

    def pion(self, *arguments):
        return self.start(programs.Program(str(programs.PION), *arguments))

    def client(self, server, *how):
        client = self.pion("client", server.address, server.fingerprint, *how)
        code, out = client.rest(within=40)
        self.assertEqual((code, out), (0, EXCHANGES), client.log() + "\n" + server.log())

    def echo(self, server, lines, *options):
        dial = self.start(programs.dial(*options, server.address, server.fingerprint))
        dial.write("".join(line + "\n" for line in lines))
        dial.end_input()
        code, out = dial.rest(within=40)
        self.assertEqual(code, 0, dial.log() + "\n" + server.log())
        self.assertTrue(out == lines, f"{len(out)} of {len(lines)} lines came back, or not the same")

    def test_pion_dials_pion(self):
        """The judges' own proof."""
        self.client(programs.ready(self.pion("server", f"{programs.IP4}:0")), "munge")

    def test_pion_dials_our_server_with_its_own_credentials(self):
        self.client(self.start(programs.server("--raw")))

    def test_pion_dials_our_server_with_x_on_both_sides(self):
        self.client(self.start(programs.server("--raw")), "munge")

    def test_pion_dials_our_server_over_ipv6(self):
        self.client(self.start(programs.server("--raw", listen=f"[{programs.IP6}]:0")))

    def test_pion_opens_uses_and_closes_channels_of_our_server(self):
        times = os.environ.get("WRD_INTEROP_LONG", "1")
        server = self.start(programs.server("--raw", "--channels", "1000"))
        client = self.pion("channels", server.address, server.fingerprint, times)
        code, out = client.rest(within=60 * int(times))
        self.assertEqual((code, out[-1:]), (0, ["ok the main channel still"]), client.log() + "\n" + server.log())

    def test_we_dial_pion_with_frames_and_raw(self):
        server = programs.ready(self.pion("server", f"{programs.IP4}:0"))
        lines = [f"line {i} " + "." * (i % 97) for i in range(1000)]
        self.echo(server, lines)
        self.echo(server, lines, "--raw")
        self.echo(server, ["".join(f"{i * 2654435761 % 2**32:08x}" for i in range(500_000))])


if __name__ == "__main__":
    unittest.main()
