"""A server and clients for the tests: the binary, and the independent library `websockets`.

Nothing sleeps, and each wait has a deadline. User lists are kept apart from other messages, because the server merges
lists within 100 ms: the last list is certain, the number of lists before it is not.
"""

import collections
import contextlib
import json
import os
import pathlib
import re
import selectors
import signal
import subprocess
import time

import pytest
import websockets.sync.client

DEADLINE = 5
ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("CHINWAG_BIN", ROOT / "target/debug/chinwag")


class Client:
    """A connection. `hello` is its first message, `id` the number in it."""

    def __init__(self, socket):
        self.socket = socket
        self.protocol = socket.subprotocol
        self.waiting = collections.deque()
        self.userlist = None
        self.everything = []
        self.hello = self.next()
        self.id = int(re.search(r"\d+", self.hello)[0])

    def send(self, message):
        self.socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    def sign_in(self, name):
        self.send({"type": "username", "name": name})
        while not self.next().startswith('{"type":"username"'):
            pass
        return self

    def next(self):
        """The next message that is not a user list, unchanged."""
        while not self.waiting:
            self._read()
        return self.waiting.popleft()

    def expect(self, template):
        """The next message must be `template`, byte for byte; DATE stands for a time within the last minute."""
        pattern = re.escape(template).replace("DATE", r"(\d{13})")
        received = self.next()
        match = re.fullmatch(pattern, received)
        assert match, f"\nexpected {template}\n     got {received}"
        for date in match.groups():
            assert abs(time.time() - int(date) / 1000) < 60, f"not the server's time: {received}"

    def expect_users(self, *names):
        """Waits until the user list has these names, byte for byte."""
        wanted = json.dumps({"type": "userlist", "users": names}, separators=(",", ":"), ensure_ascii=False)
        while self.userlist != wanted:
            self._read()

    def expect_error(self, reason):
        """The next message must be an error with `reason`. Returns its sentence."""
        received = self.next()
        match = re.fullmatch(r'\{"type":"error","reason":"%s","about":"([^\n]+[.!?])"\}' % reason, received)
        assert match, f"\nexpected an error {reason}\n     got {received}"
        return match[1]

    def expect_close(self):
        """Skips messages up to the server's Close frame. Returns its code."""
        try:
            while True:
                self._read()
        except websockets.ConnectionClosed as closed:
            assert closed.rcvd, f"no Close frame: {closed}"
            return closed.rcvd.code

    def close(self, code=1000):
        """Closes. Returns the code of the server's Close frame."""
        self.socket.close(code)
        return self.socket.protocol.close_rcvd.code

    def _read(self):
        try:
            message = self.socket.recv(timeout=DEADLINE)
        except TimeoutError:
            pytest.fail("no message before the deadline; so far:\n" + "\n".join(map(str, self.everything)))
        assert isinstance(message, str), "the chat speaks text"
        self.everything.append(message)
        if message.startswith('{"type":"userlist"'):
            self.userlist = re.sub(r',"ids":\[[\d,]+\]', "", message)  # in chinwag.v1
        else:
            self.waiting.append(message)


class Server:
    """A running binary."""

    def __init__(self, *flags):
        command = [BINARY, "--listen", "127.0.0.1:0", *flags]
        # The server does not get the caller's flags and log level.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("CHINWAG_", "RUST_LOG"))
        }
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        self.url = self._first_line().replace("http", "ws")
        self.clients = contextlib.ExitStack()

    def client(self, *protocols, at=""):
        """A new client that offers these subprotocols, at that path and query. It is closed with the server."""
        connection = websockets.sync.client.connect(
            self.url + at,
            subprotocols=protocols or None,
            compression=None,
            ping_interval=None,
            max_queue=None,
            open_timeout=DEADLINE,
        )
        return Client(self.clients.enter_context(connection))

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def exit_status(self):
        return self.process.wait(timeout=2 * DEADLINE)

    def end(self):
        self.process.kill()
        self.process.wait(timeout=DEADLINE)
        self.process.stdout.close()
        self.clients.close()

    def _first_line(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(DEADLINE):
                self.process.kill()
                pytest.fail("the server printed no address")
        line = self.process.stdout.readline()
        match = re.search(r"http://[\d.]+:\d+/", line)
        assert match, f"no address in the first line: {line!r}"
        return match[0]


@pytest.fixture
def server():
    """A fresh server for each test."""
    server = Server()
    yield server
    server.end()
