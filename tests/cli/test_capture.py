#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What --capture and --key-log write, opened by tshark: SCTP in the clear, and real DTLS that the secrets decrypt."""
import fcntl
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

WRD = os.environ.get("WRD_COMMAND") or os.path.join(os.environ.get("WRD_BUILD", "build"), "wrd")
PATIENT = ["--timeout", "60", "--wait", "60"]  # what a busy machine may need
MESSAGE = "the quick brown fox jumps over the lazy dog"

if not shutil.which("tshark"):
    sys.exit("tshark is missing: scripts/setup test")


def tshark(file, *args):
    # In a folder without settings of the user's, and without name lookups.
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(["tshark", "-n", "-r", file, *args], capture_output=True, text=True,
                              env={**os.environ, "HOME": home, "XDG_CONFIG_HOME": home})
    assert done.returncode == 0, done.stderr
    return done.stdout


class Relay(threading.Thread):
    """Carries datagrams between one client and the server, and writes each into a capture."""

    def __init__(self, server, file):
        super().__init__(daemon=True)
        self.server, self.client, self.ended = server, None, False
        self.front, self.back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for end in self.front, self.back:
            end.bind(("127.0.0.1", 0))
            end.settimeout(0.05)
        self.where = "127.0.0.1:%d" % self.front.getsockname()[1]
        self.file = open(file, "wb")
        self.file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))  # pcap, raw IP

    def keep(self, data, source, target):
        # A UDP checksum of 0 means that there is none (RFC 768).
        udp = struct.pack("!HHHH", source, target, 8 + len(data), 0) + data
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1") + udp
        now = time.time()
        self.file.write(struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(ip), len(ip)) + ip)

    def run(self):
        def one(end, act):
            try:
                act(*end.recvfrom(2048))
            except socket.timeout:
                pass

        def forward(data, client):
            self.client = client
            self.keep(data, 50000, 3478)
            self.back.sendto(data, self.server)

        def backward(data, _):
            self.keep(data, 3478, 50000)
            self.front.sendto(data, self.client)

        down = threading.Thread(target=lambda: [one(self.back, backward) for _ in iter(lambda: self.ended, True)], daemon=True)
        down.start()
        while not self.ended:
            one(self.front, forward)
        down.join()
        self.file.close()
        self.front.close()
        self.back.close()

    def stop(self):
        self.ended = True
        self.join()


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="wrd-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def serve(self, *args, **env):
        server = subprocess.Popen([WRD, "serve", "--raw", "--listen", "127.0.0.1:0", *args], stdout=subprocess.PIPE,
                                  text=True, env={**os.environ, **env})
        self.addCleanup(server.wait)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.kill)
        _, where, fingerprint, _ = server.stdout.readline().split()
        return server, where, fingerprint


class Capture(Files):
    def dial(self, *args, **env):
        done = subprocess.run([WRD, "dial", "--raw", *PATIENT, *args], input=MESSAGE + "\n", capture_output=True, text=True,
                              env={**os.environ, **env})
        self.assertEqual((done.returncode, done.stdout), (0, MESSAGE + "\n"), done.stderr)

    def there_and_back(self, ways):
        """`ways`: of each packet with the message; on a busy machine it may have been sent again."""
        self.assertEqual(len(set(ways.split())), 2, ways)

    def check_sctp(self, file):
        kinds = tshark(file, "-T", "fields", "-e", "sctp.chunk_type").replace(",", "\n").split()
        for kind, name in (("1", "INIT"), ("2", "INIT-ACK"), ("10", "COOKIE-ECHO"), ("11", "COOKIE-ACK")):
            self.assertIn(kind, kinds, name)
        self.assertTrue({"0", "64"} & set(kinds), "DATA or I-DATA")
        self.there_and_back(tshark(file, "-Y", f'sctp contains "{MESSAGE}"', "-T", "fields", "-e", "sctp.verification_tag"))
        self.assertEqual(tshark(file, "-Y", "_ws.malformed"), "")

    def test_a_capture_of_either_side_opens_with_the_message_in_it(self):
        server, where, fingerprint = self.serve("--capture", self.path("server.pcap"))
        self.dial("--capture", self.path("client.pcap"), where, fingerprint)
        server.terminate()
        server.wait()
        for name in "server.pcap", "client.pcap":
            self.assertEqual(os.stat(self.path(name)).st_mode & 0o077, 0, "only for its owner")
            self.check_sctp(self.path(name))

    def through_relay(self, *dial_args, server_args=(), dial_env=(), server_env=()):
        _, where, fingerprint = self.serve(*server_args, **dict(server_env))
        host, port = where.split(":")
        relay = Relay((host, int(port)), self.path("wire.pcap"))
        relay.start()
        try:
            self.dial(*dial_args, relay.where, fingerprint, **dict(dial_env))
        finally:
            time.sleep(0.2)  # the goodbye; nothing depends on it
            relay.stop()
        return self.path("wire.pcap")

    def check_decrypts(self, wire, keys):
        with open(keys, encoding="ascii") as lines:
            self.assertRegex(lines.readline(), "^CLIENT_RANDOM [0-9a-fA-F]{64} [0-9a-fA-F]{96}\n$")
        # Wireshark has no dissector for SCTP inside DTLS, so the decrypted records are shown as data.
        dtls = ("-d", "udp.port==3478,dtls", "-d", "dtls.port==3478,data")
        shown = ("-Y", f'data contains "{MESSAGE}"')
        self.assertEqual(tshark(wire, *dtls, *shown), "", "without the secrets nothing can be read")
        self.assertGreater(len(tshark(wire, *dtls, "-Y", "dtls.handshake.type == 1").splitlines()), 0, "a ClientHello")
        self.there_and_back(tshark(wire, *dtls, "-o", f"tls.keylog_file:{keys}", *shown, "-T", "fields", "-e", "udp.srcport"))

    def test_the_key_log_of_either_side_decrypts_what_went_over_the_wire(self):
        keys = [self.path("server.keys"), self.path("client.keys")]
        wire = self.through_relay("--key-log", keys[1], server_args=["--key-log", keys[0]])
        for file in keys:
            self.assertEqual(os.stat(file).st_mode & 0o077, 0, "only for its owner")
            self.check_decrypts(wire, file)

    def test_the_environment_names_the_key_log_as_it_does_for_browsers(self):
        keys = [self.path("server.keys"), self.path("client.keys")]
        wire = self.through_relay(dial_env={"SSLKEYLOGFILE": keys[1]}, server_env={"SSLKEYLOGFILE": keys[0]})
        for file in keys:
            self.check_decrypts(wire, file)

    def test_files_that_cannot_be_written_are_told(self):
        for option in "--capture", "--key-log":
            for args in (["serve", "--listen", "127.0.0.1:0"], ["dial", "127.0.0.1:9", "ab" * 32]):
                done = subprocess.run([WRD, *args, option, self.path("no/file")], capture_output=True, text=True,
                                      input="", timeout=20)
                self.assertEqual((done.returncode, done.stdout), (1, ""), args)
                self.assertRegex(done.stderr, "file cannot be written.*No such file")


class Short(Files):
    """Files that do not take everything."""

    def start(self, *args, room=resource.RLIM_INFINITY):
        """A server with metrics whose files have so much room."""
        server = subprocess.Popen([WRD, "serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", *args],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        where, fingerprint = server.stdout.readline().split()[1:3]
        return server, server.stdout.readline().split()[1].replace("/status", "/metrics"), (where, fingerprint)

    def talk(self, address, lines="x\n" * 40):
        done = subprocess.run([WRD, "dial", *PATIENT, *address], input=lines, capture_output=True, text=True, timeout=150)
        self.assertEqual((done.returncode, done.stdout), (0, lines), done.stderr)

    def metric(self, url, series):
        with urllib.request.urlopen(url) as response:
            return int(re.search(rf"^{series} (\d+)$", response.read().decode(), re.M)[1])

    def lost(self, url, file):
        return self.metric(url, f'wrd_trace_lost_total{{file="{file}"}}')

    def end(self, server):
        server.terminate()
        self.assertEqual(server.wait(), 0)
        return server.stderr.read()

    def packets(self, file):
        """How many there are, all of them whole."""
        with open(file, "rb") as capture:
            return self.packets_in(capture.read())

    def packets_in(self, capture):
        rest, count = capture[24:], 0
        while rest:
            length = struct.unpack("=IIII", rest[:16])[2]
            self.assertGreaterEqual(len(rest), 16 + length, "a packet that was cut")
            rest, count = rest[16 + length:], count + 1
        return count


class Full(Short):
    """A disk that is full: no file may grow beyond what is given."""

    ROOM = 8000

    def start(self, *args, room=ROOM):
        return super().start(*args, room=room)

    def test_a_capture_ends_at_a_whole_packet_and_the_server_goes_on(self):
        for room in range(self.ROOM, self.ROOM + 5):
            server, url, address = self.start("--capture", self.path("full.pcap"), "--threads", "2", room=room)
            for _ in range(4):
                self.talk(address)
            self.assertGreater(self.lost(url, "capture"), 10)
            self.assertRegex(self.end(server), r"^(wrd: \d+ threads on .*\n)?"
                             r"wrd: the capture ends here, at a whole packet, .*: File too large\n$")
            self.assertGreater(self.packets(self.path("full.pcap")), 10)

    def test_a_key_log_ends_at_a_whole_line_and_keeps_what_others_wrote(self):
        keys = self.path("full.keys")
        with open(keys, "w", encoding="ascii") as file:
            file.write("# of another program\n")
        server, url, address = self.start("--key-log", keys, room=500)
        for _ in range(4):
            self.talk(address)
        self.assertEqual(self.lost(url, "key-log"), 2)
        self.assertRegex(self.end(server), r"^wrd: the key log ends here, at a whole line, .*: File too large\n$")
        with open(keys, encoding="ascii") as file:
            self.assertRegex(file.read(), "^# of another program\n(CLIENT_RANDOM [0-9a-fA-F]{64} [0-9a-fA-F]{96}\n){2}$")

    def test_a_disk_without_any_room_is_told_at_the_end_if_not_before(self):
        server, _, address = self.start("--key-log", "/dev/full")
        self.talk(address)
        self.assertRegex(self.end(server), r"^wrd: the key log ends here, .*: No space left on device\n$")

    def test_the_client_tells_it_too(self):
        _, where, fingerprint = self.serve()
        done = subprocess.run([WRD, "dial", "--raw", *PATIENT, "--capture", self.path("client.pcap"), "--key-log", "/dev/full", where,
                               fingerprint],
                              input="x\n" * 40, capture_output=True, text=True,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)))
        self.assertEqual((done.returncode, done.stdout), (0, "x\n" * 40), done.stderr)
        self.assertEqual(done.stderr, f"wrd: the capture in {self.path('client.pcap')} is not complete: it cannot be written: "
                         "File too large\nwrd: the key log in /dev/full is not complete: it cannot be written: No space left on device\n")
        self.assertGreater(self.packets(self.path("client.pcap")), 5)


class Pipe(Short):
    """A named pipe, whose reader comes late, pauses, or goes."""

    def pipe(self):
        """Its name, and a reader that reads when told to."""
        os.mkfifo(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(lambda: reader in self.readers and os.close(reader))
        self.readers = {reader}
        return self.path("pipe"), reader

    def close(self, reader):
        self.readers.remove(reader)
        os.close(reader)

    def small(self, reader):
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)

    def read(self, reader):
        found = b""
        try:
            while chunk := os.read(reader, 65536):
                found += chunk
        except BlockingIOError:
            pass
        return found

    CROWD = 60 + 20 + 1  # those at once, those one at a time, and one to see that the server is there

    def crowd(self, address):
        done = subprocess.run([WRD, "bench", *address, "connects", "--clients", "60", "--at-once", "4"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)

    def told(self, said, pattern):
        return sum(int(count) for count in re.findall(pattern, said, re.M))

    def test_one_that_nobody_reads_is_told_at_the_start(self):
        os.mkfifo(self.path("pipe"))
        for option, what in ("--capture", "capture"), ("--key-log", "key log"):
            for args in (["serve", "--listen", "127.0.0.1:0"], ["dial", "127.0.0.1:9", "ab" * 32]):
                done = subprocess.run([WRD, *args, option, self.path("pipe")], capture_output=True, text=True,
                                      input="", timeout=20)
                self.assertEqual((done.returncode, done.stdout), (1, ""), args)
                self.assertRegex(done.stderr, f"the {what} is a pipe that nobody reads: start its reader first")

    def test_a_capture_goes_into_one(self):
        pipe, reader = self.pipe()
        server, _, address = self.start("--capture", pipe)
        self.talk(address)
        self.assertEqual(self.end(server), "")
        self.assertGreater(self.packets_in(self.read(reader)), 10)

    def test_a_reader_of_the_capture_that_pauses_stops_nobody_and_what_it_missed_is_told(self):
        pipe, reader = self.pipe()
        server, url, address = self.start("--capture", pipe, "--threads", "2")
        self.small(reader)
        for _ in range(4):
            self.talk(address)
        self.assertGreater(self.lost(url, "capture"), 10)
        got = self.read(reader)
        self.talk(address)
        more = self.read(reader)
        self.assertGreater(len(more), 0, "it goes on when it is read again")
        lost = self.lost(url, "capture")
        said = self.end(server)
        self.assertGreater(self.packets_in(got + more + self.read(reader)), 10)
        self.assertNotIn("ends here", said)
        told = self.told(said, r"^wrd: packets missing in the capture, for nobody read them: (\d+)$")
        self.assertGreaterEqual(told, lost)

    def test_a_reader_of_the_key_log_that_pauses_stops_nobody(self):
        pipe, reader = self.pipe()
        server, url, address = self.start("--key-log", pipe)
        self.small(reader)
        self.crowd(address)
        lost = self.lost(url, "key-log")
        whole = re.findall(rb"CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}\n", self.read(reader), re.I)
        self.assertEqual(len(whole) + lost, self.CROWD)
        self.assertGreater(lost, 10)
        self.assertEqual(self.told(self.end(server), r"^wrd: lines missing in the key log, for nobody read them: (\d+)$"), lost)

    def test_a_reader_that_goes_ends_the_capture_and_nothing_else(self):
        pipe, reader = self.pipe()
        server, url, address = self.start("--capture", pipe)
        self.talk(address)
        self.close(reader)
        self.talk(address)
        self.assertGreater(self.lost(url, "capture"), 10)
        self.assertRegex(self.end(server), r"^wrd: the capture ends here, at a whole packet, .*: Broken pipe\n$")

    def test_the_client_tells_it_too(self):
        _, where, fingerprint = self.serve()
        pipe, reader = self.pipe()
        lines = ("x" * 1000 + "\n") * 1500  # more than any pipe holds
        done = subprocess.run([WRD, "dial", "--raw", *PATIENT, "--capture", pipe, where, fingerprint], input=lines,
                              capture_output=True, text=True, timeout=150)
        self.assertEqual((done.returncode, done.stdout), (0, lines), done.stderr)
        self.assertEqual(done.stderr, f"wrd: the capture in {pipe} is not complete: nobody read it in time\n")
        self.assertGreater(self.packets_in(self.read(reader)), 20)


if __name__ == "__main__":
    unittest.main()
