"""A server and clients for the tests: the real binary, and `websockets`, which nobody here wrote.

Nothing sleeps, and every wait has a deadline. User lists are kept apart from the other messages, because the server
merges those that follow each other within 100 ms: which list comes last is certain, how many come before it is not.
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
    """A connection. `hello` is its first message, and `id` the number in it."""

    def __init__(self, socket):
        self.socket = socket
        self.protocol = socket.subprotocol
        self.waiting = collections.deque()
        self.userlist = None
        self.everything = []
        self.hello = self.next()
        self.id = int(re.search(r"\d+", self.hello)[0])

    def say(self, message):
        self.socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    def sign_in(self, name):
        self.say({"type": "username", "name": name})
        while not self.next().startswith('{"type":"username"'):
            pass
        return self

    def next(self):
        """The next message that is no user list, exactly as it came."""
        while not self.waiting:
            self._read()
        return self.waiting.popleft()

    def expect(self, template):
        """The next message must be `template`, byte for byte; DATE stands for a time within the last minute."""
        pattern = re.escape(template).replace("DATE", r"(\d{13})")
        got = self.next()
        match = re.fullmatch(pattern, got)
        assert match, f"\nexpected {template}\n     got {got}"
        for date in match.groups():
            assert abs(time.time() - int(date) / 1000) < 60, f"not the server's time: {got}"

    def expect_users(self, *names):
        """The user list becomes these, byte for byte."""
        wanted = json.dumps({"type": "userlist", "users": names}, separators=(",", ":"), ensure_ascii=False)
        while self.userlist != wanted:
            self._read()

    def expect_error(self, reason):
        """The next message refuses, for `reason`, with a sentence for people; returns the sentence."""
        got = self.next()
        match = re.fullmatch(r'\{"type":"error","reason":"%s","about":"([^\n]+[.!?])"\}' % reason, got)
        assert match, f"\nexpected an error {reason}\n     got {got}"
        return match[1]

    def expect_close(self):
        """Passes over what still comes; the code with which the server closes, and its reason."""
        try:
            while True:
                self._read()
        except websockets.ConnectionClosed as closed:
            assert closed.rcvd, f"no Close frame came: {closed}"
            return closed.rcvd.code

    def close(self, code=1000):
        """Closes; the code of the server's answer."""
        self.socket.close(code)
        return self.socket.protocol.close_rcvd.code

    def _read(self):
        try:
            message = self.socket.recv(timeout=DEADLINE)
        except TimeoutError:
            pytest.fail("nothing came; so far:\n" + "\n".join(map(str, self.everything)))
        assert isinstance(message, str), "the chat speaks text"
        self.everything.append(message)
        if message.startswith('{"type":"userlist"'):
            self.userlist = message
        else:
            self.waiting.append(message)


class Server:
    """A running binary."""

    def __init__(self, *flags):
        command = [BINARY, "--listen", "127.0.0.1:0", *flags]
        # The flags and the log level of whoever runs the tests are not the server's.
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("CHINWAG_", "RUST_LOG"))
        }
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        self.url = self._first_line().replace("http", "ws")
        self.clients = contextlib.ExitStack()

    def client(self, *protocols, at=""):
        """A new client, which asks for these subprotocols, at that path and query; it is closed with the server."""
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
