# SPDX-License-Identifier: MIT
"""The programs that the interop tests run: started, read line by line, always ended."""
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
WRD = os.environ.get("WRD_COMMAND", str(HERE.parents[1] / "build" / "wrd"))
OTHERS = pathlib.Path(WRD).resolve().parent / "interop"  # by build-others
ORIGINAL = OTHERS / "original-server"
PION = OTHERS / "pion"
IP4 = "198.51.100.10"
IP6 = "2001:db8::10"


class Program:
    def __init__(self, *command, stdin=False):
        self.command = " ".join(command)
        self.seen = []
        self._lines = queue.Queue()
        self._process = subprocess.Popen(command, text=True, bufsize=1, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                         stdin=subprocess.PIPE if stdin else subprocess.DEVNULL)
        self._readers = [threading.Thread(target=self._read, args=(stream, name), daemon=True)
                         for stream, name in ((self._process.stdout, "out"), (self._process.stderr, "err"))]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, name):
        for line in stream:
            self._lines.put((name, line.rstrip("\n")))
        self._lines.put((name, None))

    def log(self):
        return "\n".join([self.command] + [f"    {name}: {line}" for name, line in self.seen])

    def next(self, within):
        """The next line of either stream as (stream, line); (stream, None) at its end."""
        try:
            name, line = self._lines.get(timeout=max(within, 0))
        except queue.Empty:
            raise AssertionError(f"no further line in time:\n{self.log()}") from None
        self.seen.append((name, "(end)" if line is None else line))
        return name, line

    def line(self, pattern, within=20):
        """The next line, of those not yet read, that matches."""
        until = time.monotonic() + within
        ends = 0
        while ends < 2:
            _, line = self.next(until - time.monotonic())
            if line is None:
                ends += 1
                continue
            match = re.search(pattern, line)
            if match:
                return match
        raise AssertionError(f"ended before a line like {pattern}:\n{self.log()}")

    def write(self, text):
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def end_input(self):
        self._process.stdin.close()

    def rest(self, within=30):
        """Waits for the end; answers the exit code and what stdout said since the last line read."""
        until = time.monotonic() + within
        out, ends = [], 0
        while ends < 2:
            name, line = self.next(until - time.monotonic())
            if line is None:
                ends += 1
            elif name == "out":
                out.append(line)
        return self._process.wait(max(until - time.monotonic(), 0.1)), out

    def signal(self, number):
        self._process.send_signal(number)

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream and not stream.closed:
                stream.close()
        return self._process.returncode


def ready(program):
    match = program.line(r"^listening (\S+:\d+) ([0-9a-f]{64})", within=30)
    program.address, program.fingerprint = match.groups()
    host, _, port = program.address.rpartition(":")
    program.host, program.port = host.strip("[]"), int(port)
    return program


def server(*options, listen=f"{IP4}:0"):
    return ready(Program(WRD, "serve", "--verbose", "--listen", listen, *options))


def foreign_server(*options, listen=f"{IP4}:0"):
    return ready(Program(sys.executable, str(HERE / "xx_server.py"), "--listen", listen, *options))


def dial(*arguments):
    return Program(WRD, "dial", *arguments, stdin=True)
