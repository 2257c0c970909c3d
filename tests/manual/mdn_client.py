"""MDN's chat client, unmodified, against this server, in Chromium.

MDN's files are not part of this repository, so run it by hand:

    git clone https://github.com/mdn/samples-server
    cargo build
    CHINWAG_MDN=samples-server/s/websocket-chat python3 -m pytest tests/manual/mdn_client.py

It needs the Python packages of .ci/requirements.txt, Chromium (CHINWAG_CHROMIUM, default /usr/bin/chromium), and the free
port 6502, which is fixed in MDN's client. CHINWAG_SHOTS=FOLDER keeps a screenshot of each window.
"""

import functools
import http.server
import json
import os
import pathlib
import subprocess
import threading

import playwright.sync_api
import pytest
import websockets.sync.client

ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("CHINWAG_BIN", ROOT / "target/debug/chinwag")
CHROMIUM = os.environ.get("CHINWAG_CHROMIUM", "/usr/bin/chromium")
MDN = os.environ.get("CHINWAG_MDN")
SERVER = "ws://127.0.0.1:6502/"
# Chromium's sandbox does not work for root. The other flags disable background services.
FLAGS = ["--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
DEADLINE_MS = 5000
# MDN's client calls a function that only Firefox has, after it has shown a message.
MDNS_OWN_ERROR = "scrollByPages is not a function"

pytestmark = pytest.mark.skipif(not MDN, reason="CHINWAG_MDN is not set to MDN's s/websocket-chat")


@pytest.fixture(scope="module")
def chinwag():
    # Only default settings: the flag repeats the default.
    process = subprocess.Popen([BINARY, "--listen", "127.0.0.1:6502"], stdout=subprocess.PIPE, text=True)
    assert "127.0.0.1:6502" in process.stdout.readline(), "is the port 6502 taken?"
    yield process
    process.terminate()
    assert process.wait(timeout=10) == 0


@pytest.fixture(scope="module")
def site():
    """MDN's folder as a web site on a free port."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=MDN)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Window:
    """A window with MDN's page."""

    def __init__(self, browser, site, name):
        self.page = browser.new_page()
        self.page.set_default_timeout(DEADLINE_MS)
        self.dialogs = []
        self.errors = []
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.on("pageerror", lambda error: MDNS_OWN_ERROR in str(error) or self.errors.append(str(error)))
        self.page.goto(site)
        self.page.fill("#name", name)
        self.page.click("input[name=login]")

    def wait_for_users(self, *names):
        wanted = "".join(name + "<br>" for name in names)
        self.page.wait_for_function(
            "wanted => document.getElementById('userlistbox').innerHTML === wanted", arg=wanted
        )

    def wait_for_line(self, part):
        """Waits until the chat shows `part` as text."""
        self.page.wait_for_function(
            "part => document.getElementById('chatbox').contentDocument.body?.innerText.includes(part)", arg=part
        )

    def send(self, text):
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def elements(self, selector):
        """The number of such elements in the page and its chat box."""
        return self.page.evaluate(
            """selector => document.querySelectorAll(selector).length
               + document.getElementById('chatbox').contentDocument.querySelectorAll(selector).length""",
            selector,
        )


def test_two_windows_chat_and_markup_stays_text(chinwag, site, browser):
    ann = Window(browser, site, "ann")
    ann.wait_for_users("ann")
    ann.wait_for_line("User ann signed in at")

    bob = Window(browser, site, "ann")
    bob.wait_for_line("Your username has been set to ann1 because the name you chose is in use.")
    for window in ann, bob:
        window.wait_for_users("ann", "ann1")
        window.wait_for_line("User ann1 signed in at")

    ann.send("hello from one window")
    bob.send("1 < 2 && <b>bold</b>")
    for window in ann, bob:
        window.wait_for_line("ann: hello from one window")
        window.wait_for_line("ann1: 1 < 2 && <b>bold</b>")

    attacker = websockets.sync.client.connect(SERVER, subprotocols=["json"])
    with attacker as socket:
        evil = "<img src=x onerror=alert(1)>"
        socket.send(json.dumps({"type": "username", "name": evil}))
        socket.send(json.dumps({"type": "message", "text": "<script>alert(2)</script>" + evil}))
        for window in ann, bob:
            window.wait_for_users("ann", "ann1", "&lt;img src=x onerror=alert(1)&gt;")
            window.wait_for_line(f"User {evil} signed in at")
            window.wait_for_line(f"{evil}: <script>alert(2)</script>{evil}")
            # The page's own script element is the only one: no message became an element.
            assert window.elements("img") == 0
            assert window.elements("script") == 1
        keep_screenshots(ann=ann, bob=bob)

    for window in ann, bob:
        window.wait_for_users("ann", "ann1")
        assert window.dialogs == [] and window.errors == []
    bob.page.close()
    ann.wait_for_users("ann")


def keep_screenshots(**windows):
    folder = os.environ.get("CHINWAG_SHOTS")
    if folder:
        for name, window in windows.items():
            window.page.screenshot(path=f"{folder}/mdn-{name}.png")
