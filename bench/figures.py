# SPDX-License-Identifier: MIT
"""What bench/run measures, and what is asked of it. All figures are costs of the server: less is better, and a ratio
says how many times cheaper we are than the other (above 1: cheaper)."""

# `bench` is the row of wrd bench, `ceiling` that of the ceiling; `at_most` bounds our figure itself.
FIGURES = [
    {"name": "connect", "unit": "us", "bench": "connects.server_cpu", "ceiling": "connect", "ceiling_target": 0.75},
    {"name": "memory (RSS) per idle client", "unit": "B", "bench": "idle.server_memory"},
    {"name": "CPU for 1000 idle clients", "unit": "%", "bench": "idle.server_cpu", "ceiling": "idle", "at_most": 0.3},
    {"name": "echo of 100 B, one in flight", "unit": "us", "bench": "echo.100.1x1.server_cpu", "ceiling": "echo-one"},
    {"name": "echo of 100 B, 64 clients with one each", "unit": "us", "bench": "echo.100.64x1.server_cpu",
     "ceiling": "echo", "ceiling_target": 0.80},
    {"name": "echo of 100 B, 4 clients with 64 each", "unit": "us", "bench": "echo.100.4x64.server_cpu",
     "ceiling": "echo-bundled"},
    {"name": "receive, messages of 16 KiB", "unit": "ns/B", "bench": "receive.16384.server_cpu", "ceiling": "receive",
     "ceiling_target": 0.75},
    {"name": "send, messages of 16 KiB", "unit": "ns/B", "bench": "send.16384.server_cpu", "ceiling": "send",
     "ceiling_target": 0.75},
]
# One message in flight of each of many clients: a mode by itself, only of ours, for the ceiling does the same.
CROWD = "echo of a crowd"
UNBUNDLED, BUNDLED, BUNDLING_TARGET = FIGURES[4]["name"], FIGURES[5]["name"], 3

# Times cheaper than the best of the peers.
PEER_TARGETS = {
    FIGURES[0]["name"]: 8,
    FIGURES[1]["name"]: 10,
    FIGURES[2]["name"]: 10,
    FIGURES[3]["name"]: 6,
    FIGURES[5]["name"]: 6,
    FIGURES[6]["name"]: 3,
    FIGURES[7]["name"]: 6,
}


def mode_of(figure):
    return CROWD if figure["name"] == UNBUNDLED else figure["bench"].split(".")[0]


def row(figure, value, peer, ratio, target, met=None):
    if met is None and target is not None:
        met = ratio >= target
    return {"name": figure["name"], "value": value, "unit": figure["unit"], "peer": peer, "ratio": ratio,
            "target": target, "met": met}


def rows_of(result, peers):
    """Rows of {name, value, unit, peer, ratio, target, met}: ours, beside each of the others. The target is one for the
    ratio, of the best peer alone; without a peer it is the most that `value` may be."""
    rows, ours = [], result.get("ours", {})
    for figure in FIGURES:
        name = figure["name"]
        value = ours.get(name)
        if value is None:
            continue
        if "at_most" in figure:
            rows.append(row(figure, value, None, None, figure["at_most"], value <= figure["at_most"]))
        bound = result.get("ceiling", {}).get(name)
        if bound is not None:
            rows.append(row(figure, value, "ceiling", bound / value, figure.get("ceiling_target")))
        if name == BUNDLED and UNBUNDLED in ours:
            rows.append(row(figure, value, "ours, " + UNBUNDLED, ours[UNBUNDLED] / value, BUNDLING_TARGET))
        theirs = {peer: result[peer][name] for peer in peers if name in result.get(peer, {})}
        best = min(theirs, key=theirs.get, default=None)
        for peer, cost in theirs.items():
            rows.append(row(figure, value, peer, cost / value, PEER_TARGETS.get(name) if peer == best else None))
    return rows


def text_of(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def grid(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def table_of(result, peers):
    """Two tables for a person: the figures, and those that have a target."""
    figures = [["server CPU, but memory", "unit", "ours", "ceiling", *peers]]
    for figure in FIGURES:
        cells = [text_of(result.get(name, {}).get(figure["name"])) for name in ["ours", "ceiling", *peers]]
        figures.append([figure["name"], figure["unit"], *cells])
    targets = [["targets", "is", "of", "target", ""]]
    for r in rows_of(result, peers):
        if r["target"] is None:
            continue
        if r["peer"] is None:
            targets.append([r["name"], f"{text_of(r['value'])} {r['unit']}", "", f"<= {r['target']}",
                            "met" if r["met"] else "MISSED"])
        else:
            what = "the ceiling" if r["peer"] == "ceiling" else f"{r['peer']}, times cheaper"
            targets.append([r["name"], f"{r['ratio']:.2f}", what, f">= {r['target']}", "met" if r["met"] else "MISSED"])
    return grid(figures) + "\n\n" + grid(targets) + "\n"
