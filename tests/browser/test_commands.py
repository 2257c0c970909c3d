"""A typed line means the same in the page, in the subprotocol `text` and in `chinwag chat`."""

import fcntl
import json
import os
import pty
import queue
import re
import struct
import subprocess
import termios
import threading

import pytest
from playwright.sync_api import expect

from support import DEADLINE

connect = pytest.importorskip("websockets.sync.client").connect

NO_USER = "There is no such user in this room."
NOT_ADMIN = "Only operators may do this."

# A line, the messages that arrive and their recipients, and words of the answer to its author.
LINES = [
    ("hello", [("all", "hello")], ""),
    ("  /users", [("all", "  /users")], ""),
    ("//me x", [("all", "/me x")], ""),
    ("///x", [("all", "//x")], ""),
    ("//", [("all", "/")], ""),
    ("/", [], "There is no command /."),
    ("/ hello", [], "There is no command /."),
    ("/nmae bob", [], "There is no command /nmae."),
    ("/MSG bob hi", [], "There is no command /MSG."),
    ("/constructor", [], "There is no command /constructor."),
    ("/me waves", [("all", "/me waves")], ""),
    ("/me  waves  twice ", [("all", "/me  waves  twice ")], ""),
    ("/me", [], "What do you do?"),
    ("/me  ", [], "What do you do?"),
    ("/msg bob hi  there ", [("bob", "hi  there ")], ""),
    ("/msg  BOB  hi", [("bob", "hi")], ""),
    ("/msg @bob hi", [("bob", "hi")], ""),
    ('/msg "bob" hi', [("bob", "hi")], ""),
    ('/msg "Ann B" hi', [("Ann B", "hi")], ""),
    ('/msg "Ann B"hi', [("Ann B", "hi")], ""),
    ('/msg @"Ann B" hi', [("Ann B", "hi")], ""),
    ('/msg "Ann B" "hi"', [("Ann B", '"hi"')], ""),
    ("/msg bob /users", [("bob", "/users")], ""),
    ("/msg Ann B hi", [], NO_USER),
    ('/msg "Ann B hi', [], NO_USER),
    ("/msg nobody hi", [], NO_USER),
    ("/msg", [], "To whom, and what?"),
    ("/msg bob", [], "To whom, and what?"),
    ("/msg bob  ", [], "To whom, and what?"),
    ('/msg "Ann B"', [], "To whom, and what?"),
    ('/msg "" hi', [], "To whom, and what?"),
    ("/msg @ hi", [], "To whom, and what?"),
    ("/name", [], "Which name?"),
    ("/name  ", [], "Which name?"),
    ("/users", [], "bob"),
    ("/users now", [], "bob"),
    ("/help", [], "/msg "),
    ("/kick bob", [], NOT_ADMIN),
    ("/stats", [], NOT_ADMIN),
    ("/name  Tom T ", [("all", "is Tom T")], ""),
]


class Member:
    """A user of the room, who receives messages."""

    def __init__(self, url, name):
        self.name = name
        self.socket = connect(url, subprotocols=["chinwag.v1"]).__enter__()
        self.socket.send(json.dumps({"type": "username", "name": name}))
        self.until(lambda message: message["type"] == "username" and message["name"] == name)

    def until(self, is_last):
        """What arrives until then."""
        received = []
        while not received or not is_last(received[-1]):
            received.append(json.loads(self.socket.recv(timeout=DEADLINE)))
        return received[:-1]


class Page:
    def __init__(self, window):
        self.window = window
        self.told = window.find("#log .text, #log .note:is(.users, .help), #error:not([hidden]) #error-text").last

    def type(self, line):
        if self.window.find("#private").is_visible():  # a rejected private text came back
            self.window.find("#text").press("Escape")
        self.window.find("#text").fill(line)
        self.window.find("#text").press("Enter")

    def expect_told(self, words):
        expect(self.told).to_contain_text(words)

    def expect_own(self, text):
        """A page shows what its user sent. Later answers to commands must come after it."""
        self.expect_told(text)

    def close(self):
        pass


class Lines:
    """A client that prints lines."""

    def __init__(self):
        self.printed = queue.Queue()

    def expect_told(self, words):
        shown = ""
        while words not in shown:
            try:
                shown += self.printed.get(timeout=DEADLINE)
            except queue.Empty:
                raise AssertionError(f"{words!r} is not in {shown!r}") from None

    def expect_own(self, text):
        pass

    def forget(self):
        while not self.printed.empty():
            self.printed.get()


class Text(Lines):
    def __init__(self, url):
        super().__init__()
        self.socket = connect(url, subprotocols=["text"]).__enter__()
        threading.Thread(target=lambda: [self.printed.put(line) for line in self.socket], daemon=True).start()
        self.type("/name tom")
        self.expect_told("tom")

    def type(self, line):
        self.forget()
        self.socket.send(line)

    def close(self):
        self.socket.close()


class Terminal(Lines):
    def __init__(self, url):
        super().__init__()
        self.screen, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        command = [os.environ["CHINWAG_BIN"], "chat", url, "--name", "tom"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHINWAG_")}
        self.process = subprocess.Popen(
            command, stdin=inner, stdout=inner, stderr=inner, env={**environment, "TERM": "xterm"}, start_new_session=True
        )
        os.close(inner)
        threading.Thread(target=self._read, daemon=True).start()
        self.expect_told("you are tom")

    def _read(self):
        try:
            while data := os.read(self.screen, 65536):
                self.printed.put(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", data.decode(errors="replace")))
        except OSError:
            self.printed.put("(the terminal is closed)")

    def type(self, line):
        self.forget()
        os.write(self.screen, f"{line}\r".encode())

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        os.close(self.screen)


def has_terminal():
    command = [os.environ["CHINWAG_BIN"], "chat", "--help"]
    return b"built without" not in subprocess.run(command, capture_output=True, timeout=DEADLINE).stdout


@pytest.fixture(params=["page", "text", "terminal"])
def author(request, url, window):
    address = url.replace("http", "ws", 1)
    if request.param == "terminal" and not has_terminal():
        pytest.skip("the binary was built without the feature terminal")
    made = {"page": lambda: Page(window("tom")), "text": lambda: Text(address), "terminal": lambda: Terminal(address)}
    author = made[request.param]()
    yield author
    author.close()


def test_line_means_the_same_everywhere(author, url):
    """After each line, a message marks the end of what it sent: the server keeps their order."""
    members = [Member(url.replace("http", "ws", 1), name) for name in ("bob", "Ann B")]
    # The list of users may come later than their names, but before this message.
    members[0].until(lambda message: len(message.get("users", "")) == 3)
    members[0].socket.send(json.dumps({"type": "message", "text": "all are here"}))
    for member in members:
        member.until(lambda message: message.get("text") == "all are here")
    author.expect_told("all are here")
    found = []
    for number, (line, _, words) in enumerate(LINES):
        author.type(line)
        if words:
            author.expect_told(words)
        author.type(f"end {number}")
        received = []
        for member in members:
            for message in member.until(lambda message: message.get("text") == f"end {number}"):
                to = member.name if "target" in message else "all"
                if message["type"] == "message":
                    received.append((to, message["text"]))
                elif message["type"] == "username" and message["id"] != 0 and message["name"] not in ("bob", "Ann B"):
                    received.append((to, f"is {message['name']}"))
        author.expect_own(f"end {number}")
        found.append((line, sorted(set(received)), words))
    assert found == LINES


def test_completed_name_with_spaces_is_one_name_in_a_command(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("() => receive({ type: 'userlist', users: ['ann', 'Zoë X'], ids: [1, 4] })")
    text = ann.find("#text")
    for typed in ("/msg @z", "/msg z", '/msg "z'):
        text.fill("")
        text.press_sequentially(typed)
        text.press("Tab")
        expect(text).to_have_value('/msg "Zoë X" ')
    text.press_sequentially("hello")
    text.press("Enter")
    expect(ann.find("#log .private .only")).to_have_text("Only to Zoë X")
    assert ann.page.evaluate("() => [sent.at(-1).text, sent.at(-1).target]") == ["hello", 4]
