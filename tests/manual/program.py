"""The program and a real Chromium, for the scripts of this folder.

CHINWAG_BIN is the binary, by default the release build. CHINWAG_CHROMIUM is Chromium, by default /usr/bin/chromium.
"""

import contextlib
import os
import pathlib
import re
import subprocess

import playwright.sync_api

ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("CHINWAG_BIN", ROOT / "target/release/chinwag")
CHROMIUM = os.environ.get("CHINWAG_CHROMIUM", "/usr/bin/chromium")
# Chromium's sandbox does not work for root.
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@contextlib.contextmanager
def running(flags=()):
    """A server, and Chromium with these flags besides the usual ones: its browser, and the address of the page."""
    server = subprocess.Popen([BINARY, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://\S+", server.stdout.readline())[0]
        with playwright.sync_api.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
            yield browser, url
            browser.close()
    finally:
        server.terminate()
        server.wait()
