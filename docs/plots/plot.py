#!/usr/bin/env python3
"""Draws the plots of docs/PERFORMANCE.md from the results of the peers' benchmark: JSON lines, one run each.

    python3 docs/plots/plot.py RESULTS.jsonl [--config pinned] [--peers ours,bun,ws] [--rename ours=chinwag] [--out docs/plots]

cost.svg    deliveries per second of the server's CPU time, by peer: lockstep and fan-out
growth.svg  p99 and CPU time per delivery against the number of clients, the number of deliveries being the same

Each value is the median of the repetitions. Incorrect ones (messages lost, doubled or reordered) count only if all are
incorrect, and are drawn hollow. Needs only Python.
"""
import argparse, json, math, statistics, sys
from html import escape
from pathlib import Path

# Okabe and Ito's colours, which colour-blind people can distinguish, in the order of the peers.
COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b8a600", "#7f3c8d", "#6b4c3b", "#444444", "#00a8a8",
           "#8c0045"]
LIMIT = {"limit": "#cccccc", "limit-batch": "#999999"}  # not a chat: what the machine can do
INK, FAINT, FONT = "#222222", "#dddddd", "system-ui, 'Segoe UI', 'Liberation Sans', Helvetica, Arial, sans-serif"
WIDTH, HEIGHT, TOP, BOTTOM = 960, 446, 108, 76


class Results:
    """The measured values by mode, key and peer."""

    def __init__(self, rows, config, peers):
        self.rows = [r for r in rows if r["config"] == config and (not peers or r["peer"] in peers)]
        found = list(dict.fromkeys(r["peer"] for r in self.rows))
        self.peers = [p for p in peers if p in found] or sorted(found, key=lambda p: p in LIMIT)
        self.config = config

    def keys(self, mode):
        """The keys with a result, in the order of measurement."""
        return list(dict.fromkeys(r["key"] for r in self.rows if r["mode"] == mode and r.get("deliveries_per_server_cpu_s")))

    def value(self, mode, key, peer, field):
        """The median, and whether it is from correct runs. None without a result."""
        rows = [r for r in self.rows if (r["mode"], r["key"], r["peer"]) == (mode, key, peer) and r.get(field)]
        correct = [r for r in rows if r.get("correct")]
        values = [r[field] for r in correct or rows]
        return (statistics.median(values), bool(correct)) if values else None

    def note(self, modes):
        rows = [r for r in self.rows if r["mode"] in modes]
        each = len({(r["mode"], r["key"], r["peer"]) for r in rows})
        times = f"medians of {len(rows) / max(each, 1):.0f} runs" if len(rows) > each else "one run each"
        where = "server on one core, generator on another" if self.config == "pinned" else "both on all cores"
        disturbed = sum(r.get("others_share", 0) > 0.15 for r in rows)
        return f"{times}; {where}; {disturbed} of {len(rows)} runs disturbed by other processes"


def colours(peers):
    chats = [p for p in peers if p not in LIMIT]
    return {p: LIMIT[p] if p not in chats else COLOURS[chats.index(p) % len(COLOURS)] for p in peers}


def text(x, y, words, size=12, anchor="start", colour=INK, weight="normal", turn=0):
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
            f'font-weight="{weight}"{turned}>{escape(words)}</text>')


def line(x1, y1, x2, y2, colour=INK, width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def picture(title, note, peers, names, parts):
    """A whole SVG with a background, for light and dark pages."""
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="{FONT}">',
           f"<title>{escape(title)}</title>", f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>',
           text(20, 30, title, 17, weight="bold")]
    x, y = 20, 45
    for peer in peers:
        name = names.get(peer, peer)
        if x + 17 + 7 * len(name) > WIDTH - 10:
            x, y = 20, y + 18
        out.append(f'<rect x="{x}" y="{y}" width="12" height="12" rx="2" fill="{colours(peers)[peer]}"/>')
        out.append(text(x + 17, y + 10.5, name))
        x += 36 + 7 * len(name)
    out += parts + [text(20, HEIGHT - 14, note, 11, colour="#666666"), "</svg>"]
    return "\n".join(out) + "\n"


def short(value):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def steps(most):
    """About five round numbers from 0 to at least `most`."""
    rough = most / 5
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * n for n in (1, 2, 5, 10) if size * n >= rough)
    return [step * n for n in range(math.ceil(most / step) + 1)]


def bars(results, mode, left, width, label):
    """A panel of grouped bars: one group for each key, one bar for each peer."""
    keys, peers, shade = results.keys(mode), results.peers, colours(results.peers)
    found = {(k, p): results.value(mode, k, p, "deliveries_per_server_cpu_s") for k in keys for p in peers}
    marks = steps(max(v[0] for v in found.values() if v))
    bottom, height = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP
    y = lambda value: bottom - height * value / marks[-1]
    out = [text(left, TOP - 12, label, 13, weight="bold")]
    for mark in marks:
        out += [line(left, y(mark), left + width, y(mark), FAINT), text(left - 6, y(mark) + 4, short(mark), 11, "end")]
    group = width / len(keys)
    bar = min(group * 0.82 / len(peers), 34)
    for nth, key in enumerate(keys):
        middle = left + group * (nth + 0.5)
        out.append(text(middle, bottom + 17, name_of(mode, key), anchor="middle"))
        for place, peer in enumerate(peers):
            if not found[key, peer]:
                continue
            value, correct = found[key, peer]
            x = middle + (place - len(peers) / 2) * bar
            fill = shade[peer] if correct else "#ffffff"
            out.append(f'<rect x="{x + 1:.1f}" y="{y(value):.1f}" width="{bar - 2:.1f}" height="{bottom - y(value):.1f}" '
                       f'fill="{fill}" stroke="{shade[peer]}"><title>{escape(peer)}: {short(value)}</title></rect>')
            if bar >= 22:
                out.append(text(x + bar / 2, y(value) - 4, short(value), 9, "middle"))
    axis = "clients" if mode == "lockstep" else "clients × messages a second"
    return out + [line(left, bottom, left + width, bottom), text(left + width / 2, bottom + 35, axis, 11, "middle")]


def name_of(mode, key):
    return key.removeprefix("N=") if mode == "lockstep" else "×".join(key.split("x")[:2])


def cost(results, names):
    modes = [m for m in ("lockstep", "fanout") if results.keys(m)]
    labels = {"lockstep": "Lockstep: everybody answers everybody", "fanout": "Fan-out: at a fixed rate"}
    parts, width = [], (WIDTH - 70 * len(modes) - 20) / max(len(modes), 1)
    for nth, mode in enumerate(modes):
        parts += bars(results, mode, 66 + nth * (width + 70), width, labels[mode])
    title = "Messages delivered per second of the server’s CPU time (more is better)"
    return picture(title, results.note(modes), results.peers, names, parts) if modes else None


def growing(results, load):
    """The fan-outs with the same number of deliveries a second, within a tenth: (clients, key), in order."""
    sizes = [(*map(int, key.split("x")[:2]), key) for key in results.keys("fanout")]
    return sorted((clients, key) for clients, rate, key in sizes if abs(clients * rate / load - 1) <= 0.1)


def curves(results, sizes, left, width, label, axis, read):
    """A panel of lines over the number of clients, both axes logarithmic."""
    points = {p: [(n, *v) for n, key in sizes if (v := read(key, p))] for p in results.peers}
    values = [value for line_ in points.values() for _, value, _ in line_]
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)
    first, last = math.log10(sizes[0][0]), math.log10(sizes[-1][0])
    bottom, height, shade = HEIGHT - BOTTOM, HEIGHT - BOTTOM - TOP, colours(results.peers)
    x = lambda clients: left + 14 + (width - 28) * (math.log10(clients) - first) / (last - first)
    y = lambda value: bottom - height * (math.log10(value) - low) / (high - low)
    out = [text(left, TOP - 12, label, 13, weight="bold"), text(left - 44, (TOP + bottom) / 2, axis, 11, "middle", turn=-90)]
    for power in range(low, high + 1):
        for part in (1, 2, 5) if power < high else (1,):
            mark = part * 10.0 ** power
            out += [line(left, y(mark), left + width, y(mark), FAINT), text(left - 6, y(mark) + 4, f"{mark:g}", 11, "end")]
    out += [text(x(n), bottom + 17, f"{n:,}".replace(",", " "), anchor="middle") for n, _ in sizes]
    for peer, line_ in points.items():
        path = " ".join(f"{x(n):.1f},{y(value):.1f}" for n, value, _ in line_)
        out.append(f'<polyline points="{path}" fill="none" stroke="{shade[peer]}" stroke-width="2.5" stroke-linejoin="round"/>')
        for n, value, correct in line_:
            fill = shade[peer] if correct else "#ffffff"
            out.append(f'<circle cx="{x(n):.1f}" cy="{y(value):.1f}" r="4" fill="{fill}" stroke="{shade[peer]}" '
                       f'stroke-width="2"><title>{escape(peer)}, {n}: {value:.3g}</title></circle>')
    return out + [line(left, bottom, left + width, bottom), text(left + width / 2, bottom + 35, "clients", 11, "middle")]


def growth(results, names, load):
    sizes = growing(results, load)
    if len(sizes) < 2:
        return None

    def read(field, scale):
        found = lambda key, peer: results.value("fanout", key, peer, field)
        return lambda key, peer: (scale(v[0]), v[1]) if (v := found(key, peer)) else None

    width = (WIDTH - 190) / 2
    late = read("lat_p99_us", lambda micros: micros / 1000)
    paid = read("deliveries_per_server_cpu_s", lambda deliveries: 1e6 / deliveries)
    parts = curves(results, sizes, 80, width, "p99 of the time to everybody", "milliseconds", late)
    parts += curves(results, sizes, 170 + width, width, "Server’s CPU time per delivery", "microseconds", paid)
    title = f"{load:,} deliveries a second, to more and more clients (less is better)".replace(",", " ")
    return picture(title, results.note(["fanout"]), results.peers, names, parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", help="of one run: others were measured on another day's machine")
    parser.add_argument("--config", default="pinned", help="pinned or unpinned")
    parser.add_argument("--peers", default="", help="these only, in this order")
    parser.add_argument("--rename", action="append", default=[], help="what a peer is called, as FROM=TO")
    parser.add_argument("--load", type=int, default=50_000, help="growth.svg: deliveries a second, clients times rate")
    parser.add_argument("--out", default=str(Path(__file__).parent))
    args = parser.parse_args()
    rows = [json.loads(line) for name in args.results for line in Path(name).read_text().splitlines() if line.strip()]
    results = Results(rows, args.config, [p for p in args.peers.split(",") if p])
    names = dict(pair.split("=", 1) for pair in args.rename)
    plots = {"cost.svg": cost(results, names), "growth.svg": growth(results, names, args.load)}
    for name, svg in plots.items():
        if svg:
            (Path(args.out) / name).write_text(svg)
        print(f"{Path(args.out) / name}" if svg else f"{name}: nothing was measured for it", file=sys.stdout if svg else sys.stderr)
    sys.exit(0 if all(plots.values()) else 1)


if __name__ == "__main__":
    main()
