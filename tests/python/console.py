"""Runs code in the console of a page, and prints what it logs: console.py URL LINES CODE. For tests/course.rs."""

import os
import sys
import time

from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("CHINWAG_CHROMIUM", "/usr/bin/chromium")
DEADLINE = 60
url, count, code = sys.argv[1], int(sys.argv[2]), sys.argv[3]

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    page = browser.new_page()
    page.goto(url)
    lines = []
    # Messages of the browser itself have the type "error", those of console.log "log".
    page.on("console", lambda message: lines.extend(message.text.split("\n") if message.type == "log" else []))
    page.evaluate(f"() => {{ {code} }}")
    until = time.monotonic() + DEADLINE
    while len(lines) < count and time.monotonic() < until:
        page.wait_for_timeout(20)
    print("\n".join(lines))
    browser.close()
