#!/usr/bin/env python3
"""Speak WebSocket by hand, and see each frame: python3 docs/course/wire.py URL [OPTION...] STEP...

Steps:    text=Hello  ping=hi  close=4000,bye    send a frame, masked with the key of RFC 6455 5.7
          '81 85 37 fa …'                        send these bytes as they are
          wait  wait=3                           print the frames that arrive
          flood=300,60000                        send 300 texts of 60000 letters, and wait until they come back
          end                                    print frames until the connection ends
          cut                                    end TCP without a Close frame
          abort                                  reset TCP
          pause=2                                read nothing for some seconds
Options:  --head  --tls                          print the handshake, the TLS records
          --protocol=json  --header='Name: x'    add to the request

The key of the handshake and the masking key are constants here, so that everyone sees the same bytes. A real client must
choose them at random (RFC 6455 4.1, 5.3)."""

import base64
import hashlib
import signal
import socket
import ssl
import struct
import sys
import time
import zlib
from urllib.parse import urlsplit

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK = bytes.fromhex("37fa213d")
DEADLINE = 30
NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
RECORDS = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}


class Wire:
    """One connection. `bytes_in` has what arrived and was not used yet."""

    def __init__(self, url, options=(), say=print):
        self.url, self.say = urlsplit(url), say
        self.bytes_in, self.deflate = b"", False
        self.is_tls, self.shows_records = self.url.scheme == "wss", "--tls" in options
        port = self.url.port or (443 if self.is_tls else 80)
        self.socket = socket.create_connection((self.url.hostname, port), DEADLINE)
        if self.is_tls:
            self.start_tls()
        self.handshake(options)

    def start_tls(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # for self-signed certificates
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=self.url.hostname)
        self.with_tls(self.tls.do_handshake)

    def with_tls(self, action):
        """Repeats an action of TLS until it has the bytes that it needs."""
        while True:
            try:
                result = action()
            except ssl.SSLWantReadError:
                result = None
            if records := self.outgoing.read():
                self.show_records("→", records)
                self.socket.sendall(records)
            if result is not None or action == self.tls.do_handshake and self.tls.version() and self.tls.cipher():
                return result
            records = self.socket.recv(65536)
            self.show_records("←", records)
            self.incoming.write(records) if records else self.incoming.write_eof()

    def show_records(self, arrow, data):
        while self.shows_records and len(data) >= 5:
            length = struct.unpack(">H", data[3:5])[0]
            self.say(f"{arrow} {data[:5].hex(' ')} + {length} bytes   {RECORDS.get(data[0], '?')}")
            data = data[5 + length :]

    def write(self, data):
        if self.is_tls:
            self.with_tls(lambda: self.tls.write(data))
        else:
            self.socket.sendall(data)

    def read_more(self):
        """True if more bytes have arrived, false at the end."""
        more = self.with_tls(lambda: self.tls.read(65536)) if self.is_tls else self.socket.recv(65536)
        self.bytes_in += more
        return bool(more)

    def handshake(self, options):
        path = (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.url.netloc}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13"]
        values = [option.partition("=")[::2] for option in options]
        lines += [f"Sec-WebSocket-Protocol: {value}" for name, value in values if name == "--protocol"]
        lines += [value for name, value in values if name == "--header"]
        self.write("".join(line + "\r\n" for line in lines + [""]).encode())
        while b"\r\n\r\n" not in self.bytes_in and self.read_more():
            pass
        head, _, self.bytes_in = self.bytes_in.partition(b"\r\n\r\n")
        answer = head.decode(errors="replace").split("\r\n")
        if "--head" in options:
            for arrow, shown in ("→", lines), ("←", [a for a in answer if not a.startswith("Date:")]):
                for line in shown:
                    self.say(f"{arrow} {line}")
        if " 101 " not in answer[0]:
            sys.exit(f"{answer[0]}\n{self.body()}" if "--head" not in options else self.body())
        accept = base64.b64encode(hashlib.sha1((KEY + GUID).encode()).digest()).decode()
        fields = dict(line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in answer[1:])
        if fields.get("sec-websocket-accept") != accept:
            sys.exit("Sec-WebSocket-Accept is wrong")
        self.deflate = "permessage-deflate" in fields.get("sec-websocket-extensions", "")

    def body(self):
        while self.read_more():
            pass
        return self.bytes_in.decode(errors="replace").strip()

    def send(self, data):
        self.say(line_of("→", data, self.deflate))
        self.write(data)

    def flood(self, count, size):
        """Sends many texts to an echo or a broadcast. Prints the short frames that arrive meanwhile, without repetitions."""
        self.say(f"→ {count} texts of {size} letters")
        text, seen = masked(1, b"x" * size), set()
        for _ in range(count):
            self.write(text)
            while (frame := self.receive(quiet=True)) and len(frame) < size:
                if frame not in seen:
                    seen.add(frame)
                    self.say(line_of("←", frame))

    def receive(self, quiet=False):
        """The next frame, or None at the end of the connection."""
        while (length := frame_length(self.bytes_in)) is None or len(self.bytes_in) < length:
            try:
                if not self.read_more():
                    self.say("← end of TCP" + (", inside a frame" if self.bytes_in else ""))
                    return None
            except ConnectionError:
                self.say("← reset of TCP")
                return None
        frame, self.bytes_in = self.bytes_in[:length], self.bytes_in[length:]
        if not quiet:
            self.say(line_of("←", frame, self.deflate))
        return frame

    def step(self, step):
        name, _, value = step.partition("=")
        if name == "wait":
            for _ in range(int(value or 1)):
                if self.receive() is None:
                    break
        elif name == "end":
            while self.receive():
                pass
        elif name == "flood":
            self.flood(*map(int, value.split(",")))
        elif name == "pause":
            time.sleep(float(value))
        elif name == "cut":
            self.socket.close()
        elif name == "abort":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()
        elif name == "close":
            code, _, reason = value.partition(",")
            self.send(masked(8, struct.pack(">H", int(code)) + reason.encode() if code else b""))
        elif name in ("text", "ping"):
            self.send(masked(1 if name == "text" else 9, value.encode()))
        else:
            self.send(bytes.fromhex(step))


def masked(opcode, payload):
    length = len(payload)
    if length < 126:
        header = bytes([0x80 | opcode, 0x80 | length])
    elif length < 65536:
        header = bytes([0x80 | opcode, 0xFE]) + struct.pack(">H", length)
    else:
        header = bytes([0x80 | opcode, 0xFF]) + struct.pack(">Q", length)
    return header + MASK + xor(payload, MASK)


def xor(data, key):
    keys = (key * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(keys, "big")).to_bytes(len(data), "big")


def split(data):
    """The sizes of header and payload, or None if the header is not complete."""
    if len(data) < 2:
        return None
    short, size = data[1] & 0x7F, 2
    if short > 125:
        size += 2 if short == 126 else 8
        if len(data) < size:
            return None
        short = int.from_bytes(data[2:size], "big")
    return size + (4 if data[1] & 0x80 else 0), short


def frame_length(data):
    sizes = split(data)
    return sizes and sum(sizes)


def line_of(arrow, data, deflate=False):
    shown = data.hex(" ") if len(data) <= 14 else data[:12].hex(" ") + f" … ({len(data)} bytes)"
    return f"{arrow} {shown:<52} {describe(data, deflate)}".rstrip()


def describe(data, deflate=False):
    sizes = split(data)
    if sizes is None or sum(sizes) > len(data):
        return "not a whole frame"
    header, length = sizes
    payload = data[header : header + length]
    if data[1] & 0x80:
        payload = xor(payload, data[header - 4 : header])
    opcode = data[0] & 15
    words = [NAMES.get(opcode, f"opcode {opcode}")]
    if not data[0] & 0x80:
        words.append("FIN 0")
    if data[0] & 0x40:
        words.append("RSV1")
        if deflate:
            payload = zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff")
    if opcode == 8 and payload:
        words.append(str(struct.unpack(">H", payload[:2])[0]))
        payload = payload[2:]
    text = payload.decode(errors="replace")
    if payload:
        words.append(f'"{text}"' if len(text) <= 130 else f'"{text[:30]}…" ({len(text)} letters)')
    return " ".join(words)


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # so that `| head` ends it quietly
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
    options = [arg for arg in sys.argv[2:] if arg.startswith("--")]
    try:
        wire = Wire(sys.argv[1], options)
        for step in sys.argv[2:]:
            if not step.startswith("--"):
                wire.step(step)
    except ConnectionRefusedError:
        sys.exit(f"{sys.argv[1]}: no server listens there. Start the one that the chapter names.")
    except TimeoutError:
        sys.exit(f"nothing arrived for {DEADLINE} seconds")
    except ssl.SSLError as error:
        hint = "This port does not use TLS. Use ws:// here." if error.reason == "WRONG_VERSION_NUMBER" else error.reason
        sys.exit(f"{sys.argv[1]}: {hint}")
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error.strerror}")
    except ValueError as error:
        sys.exit(f"{error}. Without arguments, this script explains the steps.")


if __name__ == "__main__":
    main()
