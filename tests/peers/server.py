"""An independent server for tests of chinwag's client: Python `websockets`. The path selects its behaviour.

It prints its port. Run by tests/client_others.rs.
"""

import os
import signal

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve


def handle(socket):
    path = socket.request.path
    if path == "/fragments":
        socket.send(["one, ", "", "two, ", "gr\u00fc\u00dfe"])
        socket.send([b"\0\1", b"\2"])
    elif path == "/close":
        socket.close(4001, "from Python: gr\u00fc\u00dfe")
        return
    elif path == "/big":
        socket.send("x" * 5_000_000)
    elif path == "/ping":
        assert socket.ping(b"there?").wait(5)
        socket.send("a Pong arrived")
    elif path == "/kill":
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        while True:
            socket.send(socket.recv())
    except ConnectionClosed as end:
        # Stores the code and reason of the client's Close for /last.
        if path == "/remember":
            handle.last = f"{end.rcvd.code} {end.rcvd.reason}"


def answer(connection, request):
    if request.path == "/forbidden":
        return connection.respond(403, "not allowed\n")
    if request.path == "/last":
        return connection.respond(404, handle.last)
    return None


def choose(connection, offered):
    return next((name for name in offered if name == "b"), None)


handle.last = ""
with serve(handle, "127.0.0.1", 0, process_request=answer, select_subprotocol=choose, max_size=None) as server:
    print(server.socket.getsockname()[1], flush=True)
    server.serve_forever()
