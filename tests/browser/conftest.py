"""Fixtures: the browser, windows in it, and the rule that no window may complain."""

import os
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect, sync_playwright

from support import ARGS, CHROMIUM, DEADLINE, WIDE, Chinwag, Window


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
    yield browser
    browser.close()


@pytest.fixture
def url(request):
    """A room of the test's own, on the server that all tests share."""
    return f"{os.environ['CHINWAG_URL']}room/{quote(request.node.name[:64])}"


@pytest.fixture
def allowed():
    """Patterns of complaints that a test provokes on purpose: it adds them to this list."""
    return []


@pytest.fixture
def window(browser, url, allowed):
    """Makes windows: window(), window("ann"), window("ann", viewport=PHONE, locale="ko-KR", …).

    `server` plays a server in place of the real one: it is called with each connection (a WebSocketRoute).
    `clock`: the page's time is in the test's hand (page.clock).
    """
    opened = []

    def make(name=None, at=url, connects=True, server=None, clock=False, **options):
        context = browser.new_context(**{"viewport": WIDE, "locale": "en-US", "reduced_motion": "reduce", **options})
        page = context.new_page()
        page.set_default_timeout(DEADLINE * 1000)
        new = Window(page)
        opened.append((context, new))
        if clock:
            page.clock.install()
        if server:
            page.route_web_socket(re.compile("^ws:"), server)
        page.goto(at)
        if connects:
            new.expect_state("OPEN")
        return new.join(name) if name else new

    yield make
    complaints = [complaint for _, window in opened for complaint in window.complaints]
    for context, _ in opened:
        context.close()
    assert [c for c in complaints if not any(re.search(pattern, c) for pattern in allowed)] == []


@pytest.fixture
def chinwag():
    server = Chinwag()
    yield server
    server.stop()


expect.set_options(timeout=DEADLINE * 1000)
