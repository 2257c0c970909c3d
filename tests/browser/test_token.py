"""A server with an access token: the page asks for it first, keeps it for this tab, and shows it nowhere."""

import re

import pytest
from playwright.sync_api import expect

from support import IS_FIREFOX, NETWORK, Chinwag



@pytest.fixture
def token(tmp_path):
    file = tmp_path / "token"
    file.write_text("open-sesame\n")
    return file


@pytest.fixture
def closed(token, allowed):
    """A server with the token "open-sesame"."""
    allowed.append(NETWORK)
    server = Chinwag("--token-file", str(token))
    yield server
    server.stop()


def enter(window, token):
    window.find("#token").fill(token)
    window.find("#token-form .primary").click()


def test_page_asks_for_the_token_first_and_remembers_it(window, closed):
    ali = window(at=closed.url, connects=False)
    expect(ali.find("#token")).to_be_focused()
    expect(ali.find("#name-form")).to_be_hidden()
    expect(ali.find("#trouble")).to_be_hidden()
    expect(ali.find("#token-form h2")).to_have_text("This chat needs an access token")
    ali.find("#token").fill("open-sesame")
    ali.find("#token").press("Enter")
    ali.expect_state("OPEN")
    expect(ali.find("#name")).to_be_focused()
    ali.join("ali").send("it opened")
    ali.inspect()
    assert "sesame" not in ali.find("#inspector").inner_text()
    ali.page.reload()
    ali.expect_state("OPEN")
    expect(ali.find("#token-form")).to_be_hidden()


@pytest.mark.parametrize("wrong", ["open-barley", "열려라", "é 😀"])
def test_wrong_token_says_so(window, closed, wrong):
    ali = window(at=closed.url, connects=False)
    enter(ali, wrong)
    expect(ali.find("#token-text")).to_contain_text("This token is wrong")
    expect(ali.find("#token")).to_be_focused()
    enter(ali, "open-sesame")
    ali.expect_state("OPEN")
    expect(ali.find("#token-form")).to_be_hidden()


def test_token_introduced_later_is_asked_for_in_open_pages(window, chinwag, token, allowed):
    allowed.append(NETWORK)
    ali = window("ali", at=chinwag.url)
    chinwag.stop()
    chinwag.flags = ("--token-file", str(token))
    ali.find("#text").fill("typed meanwhile")
    ali.find("#text").press("Enter")
    chinwag.start()
    expect(ali.find("#token")).to_be_visible()
    enter(ali, "open-sesame")
    ali.expect_message("typed meanwhile")
    expect(ali.find("#me")).to_have_text("ali")


def test_token_leaves_the_address_and_the_room_links(window, closed):
    guest = window("guest", at=f"{closed.url}room/den?token=open-sesame&x=1")
    guest.send("by invitation")
    expect(guest.page).to_have_url(f"{closed.url}room/den?x=1")
    guest.find("#rooms > summary").click()
    lobby = guest.find("#room-list a").first
    expect(lobby).to_have_attribute("href", "/")
    lobby.click()
    expect(guest.page).to_have_url(closed.url)
    guest.expect_person("guest")


@pytest.mark.skipif(IS_FIREFOX, reason="Playwright does not report WebSockets of Firefox")
def test_token_is_sent_to_its_own_server_only(window, closed, url):
    ali = window("guest", at=closed.url + "?token=open-sesame")
    sockets = []
    ali.page.on("websocket", lambda socket: sockets.append(socket.url))
    ali.inspect("try")
    ali.find("#try-connect button").click()
    expect(ali.find("#try-on")).to_contain_text("connection #2")
    ali.find("#try-url").fill(url.replace("http", "ws"))
    ali.find("#try-connect button").click()
    expect(ali.find("#try-on")).to_contain_text("connection #3")
    assert ["sesame" in socket for socket in sockets] == [True, False]
    assert "sesame" not in ali.find("#inspector").inner_text()
    ali.inspect("connection")
    expect(ali.find("#connection-url")).to_have_text(re.compile(re.escape("token=***")))
