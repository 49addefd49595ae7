# SPDX-License-Identifier: MIT
"""`wrd dial` against servers of others: one that knows only `X:X`, and one that takes X from before the colon."""
import signal
import socket
import unittest

import programs
from peers import OPEN

NOBODY = "00" * 32


class Dial(unittest.TestCase):
    def start(self, program):
        self.addCleanup(program.stop)
        return program

    def foreign_server(self, *options, **where):
        return self.start(programs.foreign_server(*options, **where))

    def dial(self, *arguments):
        return self.start(programs.dial(*arguments))

    def echo(self, server, lines, *options):
        dial = self.dial(*options, server.address, server.fingerprint)
        dial.write("".join(line + "\n" for line in lines))
        dial.end_input()
        code, out = dial.rest(within=60)
        self.assertEqual(code, 0, dial.log() + "\n" + server.log())
        self.assertTrue(out == lines, f"{len(out)} of {len(lines)} lines came back, or not the same")

    def exit_code(self, dial, within):
        dial.end_input()
        code, _ = dial.rest(within)
        return code

    def test_a_server_that_knows_only_x_x_echoes_frames(self):
        self.echo(self.foreign_server(), ["hello", "", "h\u00e9llo", "bye"])

    def test_a_server_that_knows_only_x_x_echoes_raw_messages(self):
        self.echo(self.foreign_server(), ["hello", "", "h\u00e9llo", "bye"], "--raw")

    def test_a_server_that_takes_x_from_before_the_colon_echoes(self):
        self.echo(self.foreign_server("--username-part", "first"), ["hello"])

    def test_ipv6(self):
        self.echo(self.foreign_server(listen=f"[{programs.IP6}]:0"), ["hello"])

    def test_2000_lines_in_flight_come_back_in_order(self):
        self.echo(self.foreign_server(), [f"line {i} " + "." * (i % 97) for i in range(2000)])

    def test_a_line_of_a_megabyte_comes_back(self):
        # Hex digits of a simple generator: LZ4 finds little to shrink in them.
        x, words = 1, []
        for _ in range(125_000):
            x = (x * 1664525 + 1013904223) % 2**32
            words.append(f"{x:08x}")
        self.echo(self.foreign_server(), ["".join(words)])

    def test_a_wrong_fingerprint_is_a_mismatch(self):
        server = self.foreign_server()
        dial = self.dial(server.address, NOBODY)
        self.assertEqual(self.exit_code(dial, within=20), 5, dial.log())
        self.echo(server, ["the right one still works"])

    def test_nobody_listening_is_refused(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
            held.bind((programs.IP4, 0))
            held.connect((programs.IP4, 9))  # so it takes nobody else's datagrams, and nobody else gets its port
            dial = self.dial(f"{programs.IP4}:{held.getsockname()[1]}", NOBODY)
            self.assertEqual(self.exit_code(dial, within=20), 4, dial.log())

    def test_silence_is_a_timeout(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((programs.IP4, 0))
            dial = self.dial("--timeout", "2", f"{programs.IP4}:{silent.getsockname()[1]}", NOBODY)
            self.assertEqual(self.exit_code(dial, within=9), 3, dial.log())

    def test_a_server_that_stops_ends_the_connection_at_once(self):
        server = self.foreign_server()
        dial = self.dial(server.address, server.fingerprint)
        dial.write("hello\n")
        dial.line("^hello$")
        server.signal(signal.SIGTERM)
        code, _ = dial.rest(within=15)  # without a goodbye it would take 30 s
        self.assertIn(code, (0, 6), dial.log())

    def test_use_srtp_is_offered_because_many_peers_insist_on_it(self):
        server = self.foreign_server()
        self.echo(server, ["hello"])
        server.line("use_srtp: agreed")

    def test_the_server_sees_it_go(self):
        server = self.foreign_server()
        self.echo(server, ["hello"])
        server.line(OPEN)
        server.line(r"connection \S+ closed: ", within=15)


if __name__ == "__main__":
    unittest.main()
