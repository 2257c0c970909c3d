"""Makes docs/chat.png: two windows of Chromium side by side, with the page.

Run it by hand after changes of the page:

    cargo build --release
    python3 tests/manual/screenshot.py docs/chat.png

It needs the Python packages of .ci/requirements.txt and Chromium (CHINWAG_CHROMIUM, default /usr/bin/chromium).
CHINWAG_BIN is the binary.
"""

import base64
import sys

import program

DEADLINE_MS = 5000
WINDOW = {"width": 440, "height": 470}
# The conversation.
TALK = [
    ("ann", "hello bob, do you read me?"),
    ("bob", "loud and clear. What do you run this on?"),
    ("ann", "the router in the cupboard"),
    ("bob", "and 1 < 2 still holds there"),
]
# The two windows, in one picture.
FRAME = """<style>body {{ margin: 0; display: flex; gap: 12px; padding: 12px; background: #8a94a6 }}
img {{ display: block; width: {width}px; height: {height}px; border-radius: 8px }}</style>"""


class Window:
    """A window with the page, in its own browser context."""

    def __init__(self, browser, url, name):
        context = browser.new_context(viewport=WINDOW, locale="en", timezone_id="UTC", device_scale_factor=1.5)
        self.page = context.new_page()
        self.page.set_default_timeout(DEADLINE_MS)
        self.page.goto(url)
        self.page.fill("#name", name)
        self.page.press("#name", "Enter")
        self.expect(name)

    def send(self, text):
        self.page.fill("#text", text)
        self.page.press("#text", "Enter")

    def expect(self, text):
        self.page.wait_for_function("text => document.querySelector('#log').innerText.includes(text)", arg=text)

    def picture(self):
        png = base64.b64encode(self.page.screenshot()).decode()
        return f'<img src="data:image/png;base64,{png}">'


def talk(windows):
    for name, text in TALK:
        windows[name].send(text)
        for window in windows.values():
            window.expect(text)


def photograph(browser, windows, file):
    pictures = "".join(window.picture() for window in windows.values())
    page = browser.new_context(
        viewport={"width": 2 * WINDOW["width"] + 36, "height": WINDOW["height"] + 24}, device_scale_factor=1.5
    ).new_page()
    page.set_content(FRAME.format(**WINDOW) + pictures)
    page.screenshot(path=file)


def main(file):
    with program.running() as (browser, url):
        windows = {name: Window(browser, url, name) for name in ("ann", "bob")}
        talk(windows)
        photograph(browser, windows, file)


main(sys.argv[1])
