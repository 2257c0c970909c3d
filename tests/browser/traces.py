"""Writes performance traces of the page to the folder CHINWAG_TRACES, one for each figure of its speed, and prints the figures.

Run it on a quiet machine, with a release build: `python -m pytest -s traces.py`, and the variables of tests/browser.rs. Chromium's
DevTools (Performance, Load profile) and https://ui.perfetto.dev open the files. There are no limits here: the tests judge what
the page does, not how long it takes.
"""

import json
import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from relay import Relay
from support import IS_FIREFOX
from test_following import FILL, STREAM, names

pytestmark = pytest.mark.skipif(IS_FIREFOX or "CHINWAG_TRACES" not in os.environ, reason="set CHINWAG_TRACES to a folder; Chromium only")
CATEGORIES = ["devtools.timeline", "blink.user_timing", "toplevel", "v8.execute", "loading"]

# Replaces one of many people, twenty times. Returns the milliseconds of each change, with style and layout.
CHANGES = """async (names) => {
    const ids = names.map((_, n) => n + 10);
    const times = [];
    receive({ type: 'userlist', users: names, ids });
    for (let n = 0; n < 20; n++) {
        await new Promise(requestAnimationFrame);
        names.push(`late ${n}`); ids.push(90000 + n);
        names.splice(names.length / 2, 1); ids.splice(ids.length / 2, 1);
        const begin = performance.now();
        receive({ type: 'userlist', users: names, ids });
        document.getElementById('people-list').getBoundingClientRect();
        times.push(performance.now() - begin);
    }
    return times.sort((one, other) => one - other)[10];
}"""


@contextmanager
def trace(browser, window, name):
    """Traces what happens meanwhile, and prints the longest task."""
    folder = Path(os.environ["CHINWAG_TRACES"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    browser.start_tracing(page=window.page, path=path, categories=CATEGORIES)
    try:
        yield
    finally:
        browser.stop_tracing()
        tasks = [event.get("dur", 0) for event in json.loads(path.read_text())["traceEvents"] if str(event.get("name")).endswith("RunTask")]
        print(f"\n{path}: {path.stat().st_size // 1024} KiB, longest task {max(tasks, default=0) / 1000:.1f} ms")


def test_following(browser, window):
    reader = window("reader", simulated=True)
    reader.page.evaluate(FILL, 1400)
    with trace(browser, reader, "following-30-a-second"):
        stopped = reader.page.evaluate(STREAM, [600, 30])
    print(f"600 messages, 30 a second, with 1400 before: following stopped {stopped} times")


@pytest.mark.parametrize("count", [1000, 4000])
def test_people(browser, window, count):
    reader = window("reader", simulated=True)
    with trace(browser, reader, f"people-{count}"):
        median = reader.page.evaluate(CHANGES, names(count))
    print(f"a change of {count} people: {median:.1f} ms")


def test_loading(browser, window, chinwag):
    """A round trip takes 200 ms."""
    relay = Relay(chinwag.port, delay=0.1)
    ready = "() => Math.round(performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd)"
    try:
        ann = window(at="about:blank", connects=False)
        for name in ("first-load", "return"):
            with trace(browser, ann, name):
                ann.page.goto(relay.url)
                time = ann.page.evaluate(ready)
            print(f"{name}: {time} ms")
            ann.page.goto("about:blank")
        ann.page.goto(relay.url)
        with trace(browser, ann, "inspector"):
            ann.inspect()
    finally:
        relay.close()
