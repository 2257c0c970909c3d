"""A server with an access token: the page asks for the token and keeps it for this tab."""

import pytest
from playwright.sync_api import expect

from support import Chinwag

REFUSED = r"WebSocket connection to .* failed|Failed to load resource.*401"


@pytest.fixture
def closed(tmp_path):
    """A server with the token "open-sesame"."""
    token = tmp_path / "token"
    token.write_text("open-sesame\n")
    server = Chinwag("--token-file", str(token))
    yield server
    server.stop()


def test_page_asks_for_the_token_and_remembers_it(window, closed, allowed):
    allowed.append(REFUSED)
    ali = window(at=closed.url, connects=False)
    ali.find("#token").fill("open-sesame")
    ali.find("#token").press("Enter")
    ali.expect_state("OPEN")
    ali.join("ali").send("it opened")
    ali.inspect("events")
    assert "sesame" not in ali.find("#inspector").inner_text()
    ali.page.reload()
    ali.expect_state("OPEN")
    expect(ali.find("#token-form")).to_be_hidden()


def test_token_in_the_url_is_used(window, closed):
    window("guest", at=closed.url + "?token=open-sesame").send("by invitation")


def test_token_is_sent_to_its_own_server_only(window, closed, url, allowed):
    ali = window("guest", at=closed.url + "?token=open-sesame")
    sockets = []
    ali.page.on("websocket", lambda socket: sockets.append(socket.url))
    ali.inspect("try")
    ali.find("#try-connect").get_by_text("Connect").click()
    expect(ali.find("#try-on")).to_contain_text("connection #2")
    ali.find("#try-url").fill(url.replace("http", "ws"))
    ali.find("#try-connect").get_by_text("Connect").click()
    expect(ali.find("#try-on")).to_contain_text("connection #3")
    assert ["sesame" in socket for socket in sockets] == [True, False]
    assert "sesame" not in ali.find("#inspector").inner_text()
    ali.inspect("connection")
    expect(ali.find("#connection-url")).to_contain_text("token=***")
