# SPDX-License-Identifier: MIT
"""What bench/run makes of figures: which it takes, what it compares them with, what it draws."""
import importlib.machinery
import importlib.util
import json
import os
import sys
import tempfile
import unittest
import xml.dom.minidom

sys.dont_write_bytecode = True
BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
sys.path.insert(0, BENCH)

import chart
import figures


def load_run():
    loader = importlib.machinery.SourceFileLoader("bench_run", os.path.join(BENCH, "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    return module


CONNECT, SEND = figures.FIGURES[0]["name"], figures.FIGURES[-1]["name"]
RESULT = {
    "ceiling": {CONNECT: 90.0, SEND: 1.0},
    "ours": {CONNECT: 100.0, SEND: 2.0},
    "str0m": {CONNECT: 500.0, SEND: 16.0},
    "pion": {CONNECT: 900.0},
}


class Figures(unittest.TestCase):
    def loaded(self, rows):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"rows": [{"name": name, "value": value, "unit": ""} for name, value in rows.items()]}, file)
            file.flush()
            return load_run().load_figures(file.name)

    def rows(self, name):
        return [row for row in figures.rows_of(RESULT, ["str0m", "pion"]) if row["name"] == name]

    def test_what_went_without_fault_is_taken(self):
        taken, notes = self.loaded({"connects.failed": 0, "connects.server_cpu": 120.5})
        self.assertEqual((taken, notes), ({CONNECT: 120.5}, []))

    def test_a_mode_with_failures_is_left_out_and_told(self):
        taken, notes = self.loaded({"connects.failed": 3, "connects.server_cpu": 120.5, "send.16384.failed": 0,
                                    "send.16384.server_cpu": 1.5})
        self.assertEqual(taken, {SEND: 1.5})
        self.assertEqual(notes, ["connects: 3 failed, left out"])

    def test_a_few_clients_that_did_not_open_are_told_and_the_others_counted(self):
        taken, notes = self.loaded({"connects.failed": 1, "connects.opened": 7, "connects.server_cpu": 120.5})
        self.assertEqual((taken, notes), ({CONNECT: 120.5}, ["connects: 1 failed, 7 opened"]))

    def test_the_least_of_all_rounds_counts(self):
        self.assertEqual(load_run().least([{SEND: 2.0}, {SEND: 1.5, CONNECT: 90.0}, {}]), {SEND: 1.5, CONNECT: 90.0})

    def test_a_ratio_says_how_many_times_cheaper_we_are(self):
        ratios = {row["peer"]: row["ratio"] for row in self.rows(CONNECT)}
        self.assertEqual(ratios, {"ceiling": 0.9, "str0m": 5.0, "pion": 9.0})

    def test_the_target_is_held_against_the_best_peer_alone(self):
        targets = {row["peer"]: (row["target"], row["met"]) for row in self.rows(CONNECT)}
        self.assertEqual(targets, {"ceiling": (0.75, True), "str0m": (8, False), "pion": (None, None)})

    def test_a_missed_share_of_the_ceiling_is_said(self):
        [row] = [row for row in self.rows(SEND) if row["peer"] == "ceiling"]
        self.assertEqual((row["ratio"], row["target"], row["met"]), (0.5, 0.75, False))
        self.assertRegex(figures.table_of(RESULT, ["str0m", "pion"]), r"send.* 0\.50 .*the ceiling .*MISSED")

    def test_the_chart_has_a_bar_for_each_figure_of_each_server(self):
        document = xml.dom.minidom.parseString(chart.draw(RESULT, figures.FIGURES))
        self.assertEqual(len(document.getElementsByTagName("rect")), 7)


if __name__ == "__main__":
    unittest.main()
