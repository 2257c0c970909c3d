"""Python `websockets` against an echo server with compression. Run by tests/deflate_others.rs, with the URL."""

import sys

from websockets.sync.client import connect

with connect(sys.argv[1]) as socket:
    print(socket.response.headers["Sec-WebSocket-Extensions"])
    for size in [0, 0, 1, 255, 256, 1000, 0, 5000, 60_000, 1000]:
        for message in [("gr\u00fc\u00dfe 0123456789 " * size)[: size // 2], bytes(n * n // 9 % 256 for n in range(size))]:
            socket.send(message)
            assert socket.recv(timeout=15) == message, (size, type(message))
    socket.send(["one, ", "", "two " * 500])
    assert socket.recv(timeout=15) == "one, " + "two " * 500
