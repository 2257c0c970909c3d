"""What the browser tests share: a window with the page in it, and servers of their own.

Every wait is for a condition, with a deadline; nothing sleeps.
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
).split() + ["--host-resolver-rules=MAP *.test 127.0.0.1"]  # names that lead here, as a hostile page's would
CHROMIUM = os.environ.get("CHINWAG_CHROMIUM", "/usr/bin/chromium")
DEADLINE = 30  # seconds; generous, for a loaded machine: a passing test never waits it out

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
SMALL = {"width": 320, "height": 568}


# 200 people, one with the longest name there may be and more, who say long things.
CROWD = """async () => {
    const { showPeople } = await import('/people.js');
    const { addMessage } = await import('/log.js');
    const names = ['m'.repeat(40), ...Array.from({ length: 199 }, (_, n) => `person number ${n}`)];
    showPeople(names, names[0], () => {});
    for (const name of names.slice(0, 3)) addMessage({ name, text: 'W'.repeat(5000), date: Date.now() }, false);
    addMessage({ name: names[1], text: 'a word and more '.repeat(312), date: Date.now() }, false);
    addMessage({ name: names[0], text: 'https://example.org/' + 'x'.repeat(300), date: Date.now() }, true);
}"""


class Window:
    """One window on the chat. What the browser complains of meanwhile fails the test (conftest.py)."""

    def __init__(self, page: Page):
        self.page = page
        self.complaints = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def find(self, selector, **options):
        return self.page.locator(selector, **options)

    def try_now(self):
        """As a click on that button, which is gone when the page has just tried by itself."""
        self.find("#again").dispatch_event("click")

    def expect_state(self, state, within=DEADLINE):
        expect(self.find("#state-code")).to_have_text(state, timeout=within * 1000)

    def join(self, name, given=None):
        self.find("#name").fill(name)
        self.find("#name").press("Enter")
        self.expect_person(given or name)
        expect(self.find("#me")).to_have_text(given or name)
        return self

    def say(self, text):
        """Types it, sends it, and waits until the server has sent it round."""
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

    def look(self, part="life"):
        """Opens the inspector at one of its parts."""
        if self.find("#hood").is_hidden():
            self.find("#hood-button").click()
        if self.find(f"#{part}").get_attribute("open") is None:
            self.find(f"#{part} > summary").click()
        expect(self.find(f"#{part} > p").first).to_be_visible()


class Chinwag:
    """A server of a test's own, to be stopped and started again at the same port."""

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
