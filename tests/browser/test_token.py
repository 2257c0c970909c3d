"""A server that lets in only those who know its token: the page asks for it, and keeps it for this tab."""

import pytest
from playwright.sync_api import expect

from support import Chinwag

REFUSED = r"WebSocket connection to .* failed"  # the browser does not tell the page why


@pytest.fixture
def closed(tmp_path):
    """A server with the token "open-sesame"."""
    token = tmp_path / "token"
    token.write_text("open-sesame\n")
    server = Chinwag("--token-file", str(token))
    yield server
    server.stop()


def test_the_page_asks_for_the_token(window, closed, allowed):
    allowed.append(REFUSED)
    ali = window(at=closed.url, connects=False)
    ali.find("#token").fill("open-sesame")
    ali.find("#token").press("Enter")
    ali.expect_state("OPEN")
    ali.join("ali").say("it opened")
    ali.look("events")
    assert "sesame" not in ali.find("#hood").inner_text()
    ali.page.reload()
    ali.expect_state("OPEN")
    expect(ali.find("#token-form")).to_be_hidden()


def test_a_link_with_the_token(window, closed):
    window("guest", at=closed.url + "?token=open-sesame").say("by invitation")
