"""Shared by the browser tests: a window with the page, and a server that a test can stop and start.

Every wait is for a condition and has a deadline. Nothing sleeps.
"""

import os
import queue
import re
import signal
import subprocess
import threading

from playwright.sync_api import Page, expect

ARGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split() + ["--host-resolver-rules=MAP *.test 127.0.0.1"]  # all names in .test lead to this machine, as a hostile page's name could
CHROMIUM = os.environ.get("CHINWAG_CHROMIUM", "/usr/bin/chromium")
FIREFOX = os.environ.get("CHINWAG_FIREFOX", "/usr/bin/firefox-esr")
IS_FIREFOX = os.environ.get("CHINWAG_BROWSER") == "firefox"
DEADLINE = int(os.environ.get("CHINWAG_DEADLINE", 30))  # seconds; long, for a loaded machine

# What the browsers log when a server is down, or refuses a connection.
NETWORK = "WebSocket connection to .* failed|Failed to load resource|NetworkError|can’t establish|was interrupted"

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SMALL = {"width": 320, "height": 568}


# A browser may draw no frame of a window that it takes to be hidden.
FRAME = "window.frame = () => new Promise((done) => { requestAnimationFrame(done); setTimeout(done, 1000); });"

# A server within the page, in place of the browser's WebSocket. It answers at once, unless a test sets `hangs`.
SIMULATED = """
window.sockets = [];
window.sent = [];
window.seq = 0;
window.names = {}; // of the people in the last list, by number
window.receive = (message, socket = window.sockets.at(-1)) => {
    if (message.type === 'userlist') message.users.forEach((name, at) => { names[message.ids?.[at]] = name; });
    if (socket.readyState === 1) socket.onmessage({ data: JSON.stringify(message) });
};
window.say = (name, text, more) => receive({ type: 'message', name, text, id: 7, date: Date.now(), seq: ++seq, ...more });
window.WebSocket = class {
    static CONNECTING = 0; static OPEN = 1; static CLOSING = 2; static CLOSED = 3;
    readyState = 0; bufferedAmount = 0; extensions = ''; protocol = 'chinwag.v1';
    constructor(url) {
        this.url = url;
        this.id = window.sockets.push(this);
        setTimeout(() => window.hangs || this.open());
    }
    open() {
        this.readyState = 1;
        this.onopen?.({});
        receive({ type: 'id', id: this.id, seq: window.seq, log: 'a' }, this);
    }
    send(data) {
        const { type, name, text, nonce, target } = JSON.parse(data);
        window.sent.push(JSON.parse(data));
        const { id } = this;
        if (window.hangs) return;
        if (type === 'ping') receive({ type: 'pong' }, this);
        if (type === 'username') {
            this.name = name;
            receive({ type: 'userlist', users: [name], ids: [id] }, this);
            receive({ type: 'username', id, name, date: Date.now() }, this);
        }
        if (type === 'message') receive({ type: 'message', id, name: this.name, text, nonce, target: names[target] ?? target, date: Date.now(), seq: target ? undefined : ++seq }, this);
    }
    close(code = 1005, reason = '') {
        if (this.readyState > 1) return;
        this.readyState = 3;
        setTimeout(() => this.onclose?.({ code, reason, wasClean: true }));
    }
};
"""

# 200 people, one with an overlong name, and long messages.
CROWD = """() => {
    const me = document.getElementById('me').textContent;
    const names = [me, 'm'.repeat(40), ...Array.from({ length: 199 }, (_, n) => `person number ${n}`)];
    receive({ type: 'userlist', users: names, ids: names.map((_, n) => n + 1) });
    for (const name of names.slice(1, 4)) say(name, 'W'.repeat(5000));
    say(names[2], 'a word and more '.repeat(312));
    say(me, 'https://example.org/' + 'x'.repeat(300), { id: sockets.length });
}"""


class Window:
    """One window on the chat. An error or a warning in its console fails the test (conftest.py)."""

    def __init__(self, page: Page):
        self.page = page
        self.errors = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"thrown: {error}"))

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type}: {message.text}")

    def find(self, selector, **options):
        return self.page.locator(selector, **options)

    def reconnect_now(self):
        """Like a click on the button, which may vanish because the page reconnects by itself."""
        self.find("#retry").dispatch_event("click")

    def expect_state(self, state, within=DEADLINE):
        expect(self.find("#state-code")).to_have_text(state, timeout=within * 1000)

    def join(self, name, given=None):
        self.find("#name").fill(name)
        self.find("#name").press("Enter")
        self.expect_person(given or name)
        expect(self.find("#me")).to_have_text(given or name)
        return self

    def send(self, text):
        """Types and sends the text, and waits until the server delivers it."""
        self.find("#text").fill(text)
        self.find("#text").press("Enter")
        self.expect_message(text)
        expect(self.find("#pending > *")).to_have_count(0)

    def expect_message(self, text):
        expect(self.find("#log .text").last).to_have_text(text, use_inner_text=False)

    def expect_person(self, name):
        expect(self.find("#people-list bdi", has_text=re.compile(f"^{re.escape(name)}$"))).to_have_count(1)

    def crowd(self):
        self.page.evaluate(CROWD)

    def inspect(self, part=None):
        """Opens the inspector, whose timeline is always visible, and a part of it."""
        if self.find("#inspector").is_hidden():
            self.find("#inspector-button").click()
        expect(self.find("#event-list")).to_be_visible()
        if part and self.find(f"#{part}").get_attribute("open") is None:
            self.find(f"#{part} > summary").click()
            expect(self.find(f"#{part} > :nth-child(2)")).to_be_visible()


class Chinwag:
    """A server of one test. It can be stopped, and started again at the same port."""

    def __init__(self, *flags):
        self.port = 0
        self.flags = flags
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self):
        command = [os.environ["CHINWAG_BIN"], "--listen", f"127.0.0.1:{self.port}", *self.flags]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CHINWAG_")}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in self.process.stdout], daemon=True).start()
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)", lines.get(timeout=DEADLINE))[1])

    def stop(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.wait(DEADLINE)
