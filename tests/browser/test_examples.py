"""The pages of the examples, and what the comments of examples/grow say.

The script of a step fails with the step before it, and works with its own.
"""

import os
import re
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support import DEADLINE, IS_FIREFOX

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = Path(os.environ["CHINWAG_BIN"]).parent / "examples"
STEPS = [path.stem for path in sorted((REPOSITORY / "examples/grow").glob("*.rs"))]


def snippet(step):
    """The lines of the script, which begin after `See it:`. A line in parentheses or of the shell ends them."""
    text = (REPOSITORY / f"examples/grow/{STEPS[step - 1]}.rs").read_text()
    lines = re.search(r"^//! See it:   (ws = .*\n(?://!           [^(p].*\n)*)", text, re.M)[1]
    return lines.replace("//!           ", "")


@pytest.fixture
def serve():
    """Starts an example, or a step by its number; returns its address."""
    running = []

    def start(name):
        name = name if isinstance(name, str) else f"grow_{STEPS[name - 1]}"
        program = subprocess.Popen([PROGRAMS / name, "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        running.append(program)
        return program.stdout.readline().split("://")[1].split("/")[0].strip()

    yield start
    for program in running:
        program.kill()
        program.communicate()


@pytest.fixture
def new_page(browser):
    contexts = []

    def make():
        contexts.append(browser.new_context())
        return contexts[-1].new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def console(new_page):
    """Runs a script in the console of about:blank. Returns the page, and the list of what it logs."""

    def run(script):
        page, logged = new_page(), []
        page.on("console", lambda message: logged.append(message.text) if message.type == "log" else None)
        page.evaluate(f"() => {{ {script} }}")
        return page, logged

    return run


def wait(page, logged, count=1):
    until = time.monotonic() + DEADLINE
    while len(logged) < count:
        assert time.monotonic() < until, f"only {logged}"
        page.wait_for_timeout(10)
    return logged


@pytest.mark.parametrize(
    "step, without, logs",
    [
        (2, "error", "open"),
        (3, "message" if IS_FIREFOX else "close", "message"),  # Firefox takes the mask off a server's frame
        (5, "close", "message"),
        (7, "1006 false", "4000 true"),
    ],
)
def test_a_step_mends_what_fails_without_it(serve, console, step, without, logs):
    for number, expected in (step - 1, without), (step, logs):
        page, logged = console(snippet(step).replace("127.0.0.1:9100", serve(number)))
        assert wait(page, logged)[0] == expected


def test_the_mask_is_taken_off(serve, console):
    script = snippet(4)
    page, logged = console(script.replace("127.0.0.1:9100", serve(3)))
    assert wait(page, logged)[0] != "Hello"  # mostly a code; other letters if the masked bytes are UTF-8
    page, logged = console(script.replace("127.0.0.1:9100", serve(4)))
    assert wait(page, logged)[0] == "Hello"


def test_threads_serve_two_windows(serve, console):
    script = snippet(8)
    at = serve(7)
    page, logged = console(script.replace("127.0.0.1:9100", at))
    assert wait(page, logged) == ["hi"]
    second, _ = console(script.replace("127.0.0.1:9100", at))
    page.evaluate("() => ws.send('more')")
    assert wait(page, logged, 2) == ["hi", "more"]
    assert second.evaluate("() => ws.readyState") == 0  # CONNECTING
    at = serve(8)
    page, logged = console(script.replace("127.0.0.1:9100", at))
    assert wait(page, logged) == ["hi"]
    second, received = console(script.replace("127.0.0.1:9100", at))
    assert wait(second, received) == ["hi"]
    assert wait(page, logged, 2) == ["hi", "hi"]


def test_the_chat_says_who_sent_it(serve, console):
    script = snippet(9)
    page, logged = console(script.replace("127.0.0.1:9100", serve(8)))
    assert wait(page, logged, 2)[1] == '{"type":"message","text":"hi"}'
    page, logged = console(script.replace("127.0.0.1:9100", serve(9)))
    assert '"name":"ann"' in wait(page, logged, 4)[3] and '"text":"hi"' in logged[3]


def test_the_page_of_the_chat(serve, new_page):
    at = serve("00_chat")
    pages = [new_page(), new_page()]
    for page in pages:
        page.goto(f"http://{at}/")
        expect(page.locator("#messages")).to_contain_text("Welcome, ")
    for line in "/nick ann", "<b>hello</b>":
        pages[0].get_by_label("message").fill(line)
        pages[0].get_by_role("button").click()
    for page in pages:
        expect(page.locator("#messages")).to_contain_text("ann: <b>hello</b>")


def test_the_page_of_the_handshake_by_hand(serve, new_page):
    at = serve("01_handshake")
    page = new_page()
    page.goto(f"http://{at}/")
    expect(page.locator("body")).to_contain_text("open")
    page.get_by_role("button").click()
    expect(page.locator("body")).to_contain_text("message Hello")
    page.evaluate("() => ws.close()")
    expect(page.locator("body")).to_contain_text("close")


def test_the_page_of_events(serve, new_page):
    at = serve("14_sse")
    page = new_page()
    page.goto(f"http://{at}/")
    page.wait_for_function("() => source.readyState === EventSource.OPEN")
    urllib.request.urlopen(f"http://{at}/", data="문이 열렸다".encode(), timeout=DEADLINE).read()
    expect(page.locator("pre")).to_contain_text("문이 열렸다")
