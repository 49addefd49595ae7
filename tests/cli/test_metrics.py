#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""/metrics of wrd serve, read by Prometheus' own client library and held against its conventions."""
import os
import re
import subprocess
import sys
import time
import unittest
import urllib.request

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    sys.exit("python3-prometheus-client is missing: scripts/setup test")

WRD = os.environ.get("WRD_COMMAND") or os.path.join(os.environ.get("WRD_BUILD", "build"), "wrd")
COUNTERS = {
    "wrd_datagrams": {"in", "out"}, "wrd_bytes": {"in", "out"}, "wrd_messages": {"in", "out"},
    "wrd_message_bytes": {"in", "out"}, "wrd_sctp_chunks": {"in", "out"},
    "wrd_checks": {"answered", "invalid", "unknown-token", "expired-token", "put-off"},
    "wrd_handshakes": {"opened", "failed", "timed-out", "evicted"},
    "wrd_dropped_datagrams": {"garbage", "unknown-path", "handshake-rate", "address-handshake-rate", "address-connections",
                              "full", "draining", "memory", "busy", "receive-buffer", "handover", "send-refused"},
    "wrd_handshakes_begun": {None}, "wrd_cookies_sent": {None}, "wrd_cookies_wrong": {None},
    "wrd_connections_closed": {None}, "wrd_connections_lost": {None}, "wrd_connections_failed": {None},
    "wrd_paths_moved": {None}, "wrd_passed_on_datagrams": {None}, "wrd_send_full": {None},
    "wrd_sctp_chunks_retransmitted": {None}, "wrd_sctp_timeouts": {None}, "wrd_log_lines_dropped": {None}, "wrd_http_refused": {None},
    "wrd_trace_lost": {"capture", "key-log"},
    "process_cpu_seconds": {None},
}
GAUGES = {"wrd_connections", "wrd_memory_bytes", "wrd_threads", "wrd_socket_buffer_bytes", "wrd_build_info",
          "process_start_time_seconds", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"}


class Metrics(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([WRD, "serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"],
                                       stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.kill)
        self.where, self.fingerprint = self.server.stdout.readline().split()[1:3]
        self.url = self.server.stdout.readline().split()[1].replace("/status", "/metrics")

    def read(self):
        with urllib.request.urlopen(self.url) as response:
            self.assertEqual(response.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
            text = response.read().decode()
        self.assertTrue(text.endswith("\n"))
        return text, {family.name: family for family in text_string_to_metric_families(text)}

    def values(self, family):
        return {next(iter(sample.labels.values()), None): sample.value for sample in self.read()[1][family].samples}

    def eventually(self, family, label, value):
        """Counters may be a moment old."""
        end = time.monotonic() + 30
        while self.values(family)[label] < value and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(self.values(family)[label], value, family)

    def dial(self, lines):
        done = subprocess.run([WRD, "dial", "--timeout", "60", "--wait", "60", self.where, self.fingerprint], input=lines, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_family_is_of_its_type_and_has_its_labels(self):
        _, families = self.read()
        for name, values in COUNTERS.items():
            self.assertEqual(families[name].type, "counter", name)
            found = {next(iter(sample.labels.values()), None) for sample in families[name].samples}
            self.assertTrue(values <= found, f"{name}: {values - found} missing")
        for name in GAUGES:
            self.assertEqual(families[name].type, "gauge", name)
        self.assertEqual(set(families), set(COUNTERS) | GAUGES | {"wrd_rtt_seconds"})

    def test_each_family_is_said_once_with_help_and_type_before_its_samples(self):
        text, families = self.read()
        self.assertEqual(len(re.findall("^# HELP ", text, re.M)), len(families))
        self.assertEqual(len(re.findall("^# TYPE ", text, re.M)), len(families))
        family = None
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family = line.split()[2]
                self.assertRegex(line, r"\.$")
            elif line.startswith("# TYPE "):
                self.assertEqual(line.split()[2], family)
            else:
                self.assertTrue(line.startswith(family), line)
        for family in families.values():
            samples = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
            self.assertEqual(len(samples), len(set(samples)), f"{family.name} has a series twice")

    def test_counters_count_what_clients_do(self):
        self.dial("one\ntwo\n")
        self.eventually("wrd_connections_closed", None, 1)
        self.assertEqual(self.values("wrd_handshakes")["opened"], 1)
        self.assertEqual(self.values("wrd_connections"), {"open": 0, "opening": 0})
        self.assertGreater(self.values("wrd_datagrams")["in"], 2)
        before = self.values("wrd_bytes")
        self.assertGreater(min(before.values()), 100)
        self.assertEqual(self.values("wrd_messages"), {"in": 2, "out": 2})
        self.assertEqual(self.values("wrd_message_bytes"), {"in": 6, "out": 6})
        self.dial("three\n")
        self.eventually("wrd_connections_closed", None, 2)
        for direction, count in self.values("wrd_bytes").items():
            self.assertGreater(count, before[direction])
        self.assertEqual(self.values("wrd_messages"), {"in": 3, "out": 3})
        self.assertEqual(self.values("wrd_handshakes_begun")[None], 2)

    def test_the_histogram_is_cumulative_and_adds_up(self):
        self.dial("one\n")
        self.eventually("wrd_connections_closed", None, 1)
        samples = self.read()[1]["wrd_rtt_seconds"].samples
        self.assertEqual(self.read()[1]["wrd_rtt_seconds"].type, "histogram")
        buckets = [(float(sample.labels["le"]), sample.value) for sample in samples if sample.name.endswith("_bucket")]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual([count for _, count in buckets], sorted(count for _, count in buckets))
        self.assertEqual(buckets[-1][0], float("inf"))
        (count,) = [sample.value for sample in samples if sample.name.endswith("_count")]
        (total,) = [sample.value for sample in samples if sample.name.endswith("_sum")]
        self.assertEqual(buckets[-1][1], count)
        self.assertGreater(count, 0, "a round trip was measured")
        self.assertGreater(total, 0)
        self.assertLess(total, 60, "seconds, not microseconds")

    def test_the_process_is_told(self):
        _, families = self.read()
        value = {name: family.samples[0].value for name, family in families.items()}
        self.assertLess(abs(value["process_start_time_seconds"] - time.time()), 60)
        with os.scandir(f"/proc/{self.server.pid}/fd") as files:
            self.assertLess(abs(value["process_open_fds"] - len(list(files))), 5)
        self.assertGreater(value["process_resident_memory_bytes"], 100_000)
        self.assertEqual(value["wrd_threads"], 1)
        self.assertRegex(families["wrd_build_info"].samples[0].labels["version"], r"^\d+\.\d+\.\d+$")


if __name__ == "__main__":
    unittest.main()
