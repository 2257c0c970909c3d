#!/usr/bin/env python3
"""Records connections to the examples, and draws them: python3 docs/course/diagrams.py [--check] [FOLDER]

FOLDER has the built examples: `cargo build --examples` puts them in target/debug/examples, which is the default. With
--check, nothing is written: the exit code is 1 if a diagram differs from what the examples send today."""

import html
import pathlib
import subprocess
import sys

from wire import Wire

# A machine that is busy for longer than the server waits for the slow client records it again.
TRIES = 5

HERE = pathlib.Path(__file__).parent
ROW, LINE, TOP, WIDTH = 20, 16, 56, 760
STYLE = """
  rect.page { fill: #fff } text { font: 14px system-ui, sans-serif; fill: #1b1f24 }
  text.code { font: 13px ui-monospace, monospace } text.note { fill: #57606a; stroke: #fff; stroke-width: 6; paint-order: stroke } text.lane { font-weight: 600 }
  line.lane { stroke: #8c959f; stroke-dasharray: 4 4 } path { fill: none; stroke-width: 2 }
  .up path { stroke: #0550ae } .down path { stroke: #116329 } .up polygon { fill: #0550ae } .down polygon { fill: #116329 }
  @media (prefers-color-scheme: dark) {
    rect.page { fill: #0d1117 } text { fill: #e6edf3 } text.note { fill: #9198a1; stroke: #0d1117 } line.lane { stroke: #656c76 }
    .up path { stroke: #79c0ff } .down path { stroke: #7ee787 } .up polygon { fill: #79c0ff } .down polygon { fill: #7ee787 }
  }
"""


class Server:
    """An example on a free port."""

    def __init__(self, folder, name):
        command = [folder / name, "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = "ws://" + self.process.stdout.readline().split("://")[1].split("/")[0] + "/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Diagram:
    """Rows from top to bottom: arrows between lanes, and notes."""

    def __init__(self, title, lanes):
        self.title, self.lanes, self.rows = title, lanes, []

    def x(self, lane):
        return 90 + lane * (WIDTH - 180) // (len(self.lanes) - 1)

    def arrow(self, start, end, code, words=""):
        """`code` is on the arrow, one line or several, `words` behind it."""
        self.rows.append((start, end, code if isinstance(code, list) else [code], words))

    def note(self, words):
        self.rows.append((None, None, [], words))

    def frames(self, lines, client=0, server=1):
        """What wire.py says about frames."""
        for line in lines:
            code, _, words = line[2:].partition("  ")
            if line.startswith("← end"):
                self.arrow(server, client, "FIN", "the server ends TCP")
            else:
                ends = (client, server) if line[0] == "→" else (server, client)
                self.arrow(*ends, code.strip(), words.strip())

    def svg(self):
        y, parts = TOP, []
        for start, end, code, words in self.rows:
            if start is None:
                y += ROW + 10
                parts.append(f'<text class="note" x="{WIDTH // 2}" y="{y}" text-anchor="middle">{escape(words)}</text>')
                y += 8
                continue
            left, right = sorted((self.x(start), self.x(end)))
            for line in code:
                y += LINE
                parts.append(f'<text class="code" x="{left + 14}" y="{y}">{escape(line)}</text>')
            if words:
                y += 0 if len(code[-1]) * 8 + len(words) * 7 + 40 < right - left else LINE
                parts.append(f'<text class="note" x="{right - 14}" y="{y}" text-anchor="end">{escape(words)}</text>')
            y += 8
            x1, x2 = self.x(start), self.x(end)
            tip = -10 if x2 > x1 else 10
            kind = "up" if end == 1 else "down"
            parts.append(f'<g class="{kind}"><path d="M{x1} {y} L{x2 + tip // 2} {y + 6}"/>')
            parts.append(f'<polygon points="{x2},{y + 6} {x2 + tip},{y + 1} {x2 + tip},{y + 11}"/></g>')
            y += ROW
        height = y + 20
        lanes = [
            f'<line class="lane" x1="{self.x(n)}" y1="42" x2="{self.x(n)}" y2="{height - 12}"/>'
            f'<text class="lane" x="{self.x(n)}" y="30" text-anchor="middle">{escape(name)}</text>'
            for n, name in enumerate(self.lanes)
        ]
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
        body = "\n".join(lanes + parts)
        page = '<rect class="page" width="100%" height="100%" rx="8"/>'
        return f"{head}\n<title>{escape(self.title)}</title>\n<style>{STYLE}</style>\n{page}\n{body}\n</svg>\n"


def escape(text):
    return html.escape(text, quote=False)


def recorded(url, steps, options=()):
    """The lines of wire.py, with the port of the text."""
    lines = []
    port = url.split(":")[2].strip("/")
    wire = Wire(url, options, lambda line: lines.append(line.replace(port, "9001")))
    for step in steps:
        wire.step(step)
    return lines


def handshake(folder):
    with Server(folder, "02_echo") as server:
        lines = recorded(server.url, ["text=Hello", "wait", "close=1000", "end"], ["--head"])
    heads, frames = [line for line in lines if is_head(line)], [line for line in lines if not is_head(line)]
    diagram = Diagram("The handshake: GET with Upgrade and a key, then 101 with the accept value, then frames", ["client", "server"])
    diagram.note("TCP is connected; readyState is CONNECTING")
    diagram.arrow(0, 1, [line[2:] for line in heads if line[0] == "→"])
    diagram.arrow(1, 0, [line[2:] for line in heads if line[0] == "←"])
    diagram.note("readyState is OPEN; from here on, both sides send frames at any time")
    diagram.frames(frames[:2])
    return diagram


def is_head(line):
    return ": " in line or "HTTP/1.1" in line


def fragments(folder):
    with Server(folder, "02_echo") as server:
        steps = ["01 83 37 fa 21 3d 7f 9f 4d", "ping=now", "wait", "80 82 37 fa 21 3d 5b 95", "wait"]
        lines = recorded(server.url, steps)
    diagram = Diagram("A text in two fragments, with a Ping and its Pong between them", ["client", "server"])
    diagram.frames(lines[:3])
    diagram.note("a control frame may come between two fragments, and is answered at once")
    diagram.frames(lines[3:])
    return diagram


def closing(folder):
    with Server(folder, "02_echo") as server:
        lines = recorded(server.url, ["close=4000,bye", "end"])
    diagram = Diagram("Closing: a Close frame, the same code back, then the server ends TCP", ["client", "server"])
    diagram.note("ws.close(4000, 'bye'); readyState is CLOSING")
    diagram.frames(lines)
    diagram.note("onclose: code 4000, wasClean true; readyState is CLOSED")
    return diagram


def slow_client(folder):
    for _ in range(TRIES):
        kept, seen, first, last = slow_traffic(folder)
        if last:
            break
    else:
        sys.exit("the slow client was cut before it read the Close frame: try again on a less busy machine")
    diagram = Diagram("A client that does not read is closed, and another one is not delayed", ["slow client", "server", "fast client"])
    diagram.frames(kept[:1], 0, 1)
    diagram.note("the slow client stops reading")
    diagram.arrow(2, 1, "300 × 60 kB")
    diagram.arrow(1, 2, "300 × 60 kB", "all, at once")
    diagram.arrow(1, 0, first[:4].hex(" ") + " …", "fill the kernel's buffers")
    diagram.note("then 256 KiB wait in its outbox: it is full")
    diagram.arrow(1, 0, last[:4].hex(" ") + " …", "close 1013")
    diagram.note("the slow client continues, reads what was buffered, then the Close frame")
    diagram.arrow(1, 2, "text", seen[-1].partition('"')[2].strip('"'))
    return diagram


def slow_traffic(folder):
    """What both clients sent and received, and the slow one's first frame of the flood and its Close frame, or None."""
    kept, seen = [], []
    with Server(folder, "03_broadcast") as server:
        slow = Wire(server.url, (), kept.append)
        slow.step("text=here")
        slow.step("wait=2")
        fast = Wire(server.url, (), seen.append)
        fast.step("flood=300,60000")
        frames = []
        while frame := slow.receive(quiet=True):
            frames.append(frame)
            if frame[0] & 15 == 8:
                slow.receive(quiet=True)
                fast.step("wait")
                break
    return kept, seen, next((frame for frame in frames if len(frame) > 60000), None), frame


DRAWN = {"handshake.svg": handshake, "fragments.svg": fragments, "closing.svg": closing, "slow-client.svg": slow_client}


def main():
    paths = [arg for arg in sys.argv[1:] if not arg.startswith("--")]
    folder = pathlib.Path(paths[0] if paths else "target/debug/examples")
    for name, record in DRAWN.items():
        file = HERE / name
        if "--check" not in sys.argv:
            file.write_text(record(folder).svg(), encoding="utf-8")
        elif file.read_text(encoding="utf-8") != record(folder).svg():
            sys.exit(f"{name} is not what the example sends: run docs/course/diagrams.py")


if __name__ == "__main__":
    main()
