# SPDX-License-Identifier: MIT
"""`wrd dial` against the original server crate. Optional: see build-others.

The original drops what arrives before its application accepts and what overflows its queue of 64 messages, so these tests
wait for its accept and keep little in flight."""
import unittest

import programs


@unittest.skipUnless(programs.ORIGINAL.exists(), "the original server is not built (tests/interop/build-others original)")
class Original(unittest.TestCase):
    def setUp(self):
        self.server = programs.ready(programs.Program(str(programs.ORIGINAL), f"{programs.IP4}:3478"))
        self.addCleanup(self.server.stop)

    def dial(self, *arguments):
        dial = programs.dial(*arguments)
        self.addCleanup(dial.stop)
        return dial

    def connect(self):
        dial = self.dial(self.server.address, self.server.fingerprint)
        self.server.line(r"connection \S+ open from ")
        return dial

    def test_small_messages_come_back(self):
        dial = self.connect()
        for line in ("hello", "", "h\u00e9llo", "bye"):
            dial.write(line + "\n")
            dial.line(f"^{line}$")
        dial.end_input()
        self.assertEqual(dial.rest()[0], 0, dial.log())

    def test_a_megabyte_comes_back(self):
        dial = self.connect()
        line = "".join(f"{i * 2654435761 % 2**32:08x}" for i in range(125_000))
        dial.write(line + "\n")
        self.assertTrue(dial.line("^[0-9a-f]{1000000}$", within=20).group(0) == line)

    def test_it_connects_again_and_again(self):
        for _ in range(5):
            dial = self.connect()
            dial.write("hello\n")
            dial.line("^hello$")
            dial.end_input()
            self.assertEqual(dial.rest()[0], 0, dial.log())

    def test_a_wrong_fingerprint_is_a_mismatch(self):
        dial = self.dial(self.server.address, "00" * 32)
        dial.end_input()
        self.assertEqual(dial.rest(within=20)[0], 5, dial.log())


if __name__ == "__main__":
    unittest.main()
