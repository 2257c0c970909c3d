"""The Back button: the browser restores the page from its cache (bfcache), and the page reconnects."""

import pytest
from playwright.sync_api import expect

from support import ARGS, CHROMIUM


@pytest.fixture
def browser(playwright):
    """Playwright disables this cache; this browser has it enabled."""
    cached = ["--disable-back-forward-cache"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS, ignore_default_args=cached)
    yield browser
    browser.close()


def test_page_restored_by_back_reconnects_and_catches_up(window, url):
    eli, bob = window("eli"), window("bob")
    eli.send("before")
    eli.page.evaluate("window.stayed = true; addEventListener('pageshow', (e) => { window.restored = e.persisted; })")
    eli.page.goto(f"{url}-next")
    eli.expect_state("OPEN")
    bob.send("meanwhile")
    eli.page.evaluate("() => history.back()")  # go_back() would wait for a load event, which does not come
    expect(eli.page).to_have_url(url)
    eli.expect_state("OPEN")
    assert eli.page.evaluate("window.stayed && window.restored") is True
    expect(eli.find("#log .text")).to_have_text(["before", "meanwhile"])
    eli.send("shown again")
    bob.expect_message("shown again")
