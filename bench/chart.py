# SPDX-License-Identifier: MIT
"""The chart of bench/run: a panel for each figure, a bar for each server, as SVG for light and dark pages."""
from html import escape

WIDTH, PANEL, BAR, LABEL, GAP, TITLE = 860, 430, 18, 110, 14, 26
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.other { fill: #9aa4b0 }
.ours { fill: #1a7f64 }
.ceiling { fill: #c9851b }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .other { fill: #626c78 }
  .ours { fill: #3fb68b }
  .ceiling { fill: #e0a443 }
}
"""


def text_of(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 1 else f"{value:.3g}"


def panel(x, y, figure, result):
    name = figure["name"]
    bars = [(server, figures[name]) for server, figures in result.items() if figures.get(name)]
    bars.sort(key=lambda bar: bar[1])
    most = max(value for _, value in bars)
    room = PANEL - LABEL - 80
    out = [f'<text class="title" x="{x}" y="{y + 14}">{escape(name)}, {escape(figure["unit"])}</text>']
    for i, (server, value) in enumerate(bars):
        top = y + TITLE + i * BAR
        kind = server if server in ("ours", "ceiling") else "other"
        long = max(1.5, room * value / most)
        out.append(f'<text x="{x + LABEL - 8}" y="{top + 12}" text-anchor="end">{escape(server)}</text>')
        out.append(f'<rect class="{kind}" x="{x + LABEL}" y="{top + 2}" width="{long:.1f}" height="{BAR - 5}" rx="2"/>')
        out.append(f'<text x="{x + LABEL + long + 6:.1f}" y="{top + 12}">{text_of(value)}</text>')
    return out, TITLE + len(bars) * BAR + GAP


def draw(result, figures):
    figures = [figure for figure in figures if any(f.get(figure["name"]) for f in result.values())]
    out, y = [], 32
    for i in range(0, len(figures), 2):
        heights = []
        for k, figure in enumerate(figures[i:i + 2]):
            lines, height = panel(k * PANEL, y, figure, result)
            out += lines
            heights.append(height)
        y += max(heights)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-6 0 {WIDTH + 12} {y}" role="img" '
            f'aria-label="What each server costs"><style>{STYLE}</style>')
    title = '<text class="title" x="0" y="16">What a server costs, in CPU time and memory. Shorter is better.</text>'
    return "\n".join([head, title, *out, "</svg>", ""])
