"""The chat below a path prefix, as behind a proxy with `location /chat/`; and addresses that lead nowhere."""

import pytest
from playwright.sync_api import expect

from relay import Relay

NOT_LISTED = r"Failed to load resource.*404"


@pytest.fixture
def prefix(chinwag, allowed):
    allowed.append(NOT_LISTED)
    relay = Relay(chinwag.port, prefix="/chat")
    yield relay
    relay.close()


def test_chat_works_below_a_prefix(window, chinwag, prefix):
    bob = window("bob", at=f"{chinwag.url}room/kitchen")
    requests = []
    ann = window(at=prefix.url)
    ann.page.on("request", lambda request: requests.append(request.url))
    ann.join("ann")
    ann.find("#rooms > summary").click()
    ann.find("#room").fill("kitchen")
    ann.find("#room").press("Enter")
    expect(ann.page).to_have_url(f"{prefix.url}room/kitchen")
    ann.expect_state("OPEN")
    ann.expect_person("ann")
    ann.send("below a prefix")
    bob.expect_message("below a prefix")
    ann.find("#home").click()
    expect(ann.page).to_have_url(prefix.url)
    ann.expect_person("ann")
    assert [url for url in requests if not url.startswith((prefix.url, "data:"))] == []


def test_address_that_is_nothing_links_to_the_lobby(window, prefix):
    ann = window("ann", at=prefix.url)
    assert ann.page.goto(f"{prefix.url}room/a/b").status == 404
    ann.page.get_by_text("To the lobby").click()
    expect(ann.page).to_have_url(prefix.url)
    ann.expect_person("ann")


@pytest.mark.parametrize("name", ["..", ".", "\u200b", "a\u202eb"])
def test_name_that_no_room_can_have_is_refused_before_going_there(window, allowed, name):
    allowed.append(NOT_LISTED)
    ann = window("ann")
    before = ann.page.url
    ann.find("#rooms > summary").click()
    ann.find("#room").fill(name)
    ann.find("#room").press("Enter")
    expect(ann.find("#error")).to_contain_text("A room cannot have this name")
    assert ann.page.url == before


@pytest.mark.parametrize("name", ["Q&A", "50% <off>", "a/b", "#1?", "부엌"])
def test_room_with_any_name_is_one_room(window, chinwag, name):
    chinwag.stop()
    chinwag.flags = ("--list-rooms",)
    chinwag.start()
    ann = window("ann", at=chinwag.url)
    ann.find("#rooms > summary").click()
    ann.find("#room").fill(name)
    ann.find("#room").press("Enter")
    expect(ann.find("#title")).to_have_text(name)
    ann.expect_person("ann")
    ann.find("#rooms > summary").click()
    expect(ann.find("#room-list li")).to_have_text(["Lobby 0", f"{name} 1"])
    ann.find("#room-list a").last.click()
    ann.expect_person("ann")
    expect(ann.find("#title")).to_have_text(name)
