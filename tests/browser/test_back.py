"""The Back button: the browser keeps the page as it was (bfcache), and the page takes a new connection."""

import pytest
from playwright.sync_api import expect

from support import ARGS, CHROMIUM


@pytest.fixture
def browser(playwright):
    """Playwright turns this cache off for its own reasons; here it is on."""
    cached = ["--disable-back-forward-cache"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS, ignore_default_args=cached)
    yield browser
    browser.close()


def test_back(window, url):
    eli, bob = window("eli"), window("bob")
    eli.say("before")
    eli.page.evaluate("window.stayed = true; addEventListener('pageshow', (e) => { window.restored = e.persisted; })")
    eli.page.goto(f"{url}-next")
    eli.expect_state("OPEN")
    bob.say("meanwhile")
    eli.page.evaluate("() => history.back()")  # go_back() waits for a load, of which there is none
    expect(eli.page).to_have_url(url)
    eli.expect_state("OPEN")
    assert eli.page.evaluate("window.stayed && window.restored") is True
    expect(eli.find("#log .text")).to_have_text(["before", "meanwhile"])
    eli.say("shown again")
    bob.expect_message("shown again")
