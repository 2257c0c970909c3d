"""Fixtures: the browser and its windows. A test fails if a window logs an error or a warning."""

import os
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect, sync_playwright

from support import ARGS, CHROMIUM, DEADLINE, FIREFOX, FRAME, IS_FIREFOX, SIMULATED, WIDE, Chinwag, Window

FIREFOX_OPTIONS = {"viewport", "locale"}


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright):
    if IS_FIREFOX:
        # The system's Firefox, over WebDriver BiDi.
        browser = playwright.firefox.launch(channel="moz-firefox", executable_path=FIREFOX)
    else:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
    yield browser
    browser.close()


@pytest.fixture
def url(request):
    """A room for this test, on the server that all tests share."""
    return f"{os.environ['CHINWAG_URL']}room/{quote(request.node.name[:64])}"


@pytest.fixture
def allowed():
    """Patterns of errors that a test expects: it adds them to this list."""
    return []


@pytest.fixture
def window(browser, url, allowed):
    """Makes windows: window(), window("ann"), window("ann", viewport=PHONE, locale="ko-KR", …).

    `server` replaces the real server: it is called with each connection (a WebSocketRoute).
    `simulated`: the server is the script SIMULATED of support.py, within the page.
    `clock`: the test controls the page's time (page.clock).
    """
    opened = []

    def make(name=None, at=url, connects=True, server=None, simulated=False, clock=False, **options):
        if IS_FIREFOX and not FIREFOX_OPTIONS.issuperset(options):
            pytest.skip(f"Playwright cannot set {options} in Firefox")
        motion = {} if IS_FIREFOX else {"reduced_motion": "reduce"}
        context = browser.new_context(**{"viewport": WIDE, "locale": "en-US", **motion, **options})
        page = context.new_page()
        page.set_default_timeout(DEADLINE * 1000)
        new = Window(page)
        opened.append((context, new))
        page.add_init_script(FRAME)
        if clock:
            page.clock.install()
        if simulated:
            page.add_init_script(SIMULATED)
        if server:
            page.route_web_socket(re.compile("^ws:"), server)
        page.goto(at)
        if connects:
            new.expect_state("OPEN")
        return new.join(name) if name else new

    yield make
    errors = [error for _, window in opened for error in window.errors]
    for context, _ in opened:
        context.close()
    assert [e for e in errors if not any(re.search(pattern, e) for pattern in allowed)] == []


@pytest.fixture
def chinwag():
    server = Chinwag()
    yield server
    server.stop()


expect.set_options(timeout=DEADLINE * 1000)
