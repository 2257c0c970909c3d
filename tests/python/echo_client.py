"""Checks an echo server at the given URL. Run by tests/examples.rs."""

import sys

import websockets.sync.client

with websockets.sync.client.connect(sys.argv[1], compression=None, open_timeout=5) as socket:
    for message in "hello", "안녕", "", bytes(range(256)), "x" * 60_000:
        socket.send(message)
        assert socket.recv(timeout=5) == message
    socket.send(["in ", "three ", "frames"])
    assert socket.recv(timeout=5) == "in three frames"
    socket.ping().wait(5)
    socket.close(1000)
    assert socket.close_code == 1000
