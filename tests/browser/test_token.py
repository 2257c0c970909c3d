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


def test_the_token_goes_to_its_own_server_only(window, closed, url, allowed):
    """"Try it" with the page's own address gets in; another server is not told."""
    ali = window("guest", at=closed.url + "?token=open-sesame")
    sockets = []
    ali.page.on("websocket", lambda socket: sockets.append(socket.url))
    ali.look("trying")
    ali.find("#try-connect").get_by_text("Connect").click()
    expect(ali.find("#try-on")).to_contain_text("connection #2")
    ali.find("#try-url").fill(url.replace("http", "ws"))
    ali.find("#try-connect").get_by_text("Connect").click()
    expect(ali.find("#try-on")).to_contain_text("connection #3")
    assert ["sesame" in socket for socket in sockets] == [True, False]
    assert "sesame" not in ali.find("#hood").inner_text()
    ali.look("life")
    expect(ali.find("#life-url")).to_contain_text("token=***")
