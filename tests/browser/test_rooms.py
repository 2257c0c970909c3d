"""Rooms: the path names the room, messages stay in their room, and so do drafts."""

import re

import pytest
from playwright.sync_api import expect

from support import PHONE, Chinwag

NOT_LISTED = r"Failed to load resource.*404"  # Chromium's message when the server does not list rooms


@pytest.fixture(scope="module")
def listing():
    """A server that lists its rooms."""
    server = Chinwag("--list-rooms")
    yield server
    server.stop()


def open_rooms(window):
    window.find("#rooms > summary").click()
    expect(window.find("#room-list li").first).to_be_visible()


def enter(window, room):
    open_rooms(window)
    window.find("#room").fill(room)
    window.find("#room").press("Enter")
    expect(window.page).to_have_title(re.compile(re.escape(room)))
    window.expect_state("OPEN")


def test_messages_stay_in_their_room(window, url):
    ann, other, near = window("ann"), window("ann", at=f"{url}-next"), window("near")
    ann.send("in the first room")
    near.expect_message("in the first room")
    other.send("in the second room")
    expect(other.find("#log .text")).to_have_text(["in the second room"])
    expect(ann.find("#log .text")).to_have_text(["in the first room"])
    expect(other.find("#people-list li")).to_have_count(1)


def test_room_is_entered_by_name(window, url, allowed):
    allowed.append(NOT_LISTED)
    kim = window("kim")
    kim.find("#text").fill("a draft that stays")
    enter(kim, "부엌 & <b>")
    assert kim.page.url.endswith("/room/%EB%B6%80%EC%97%8C%20%26%20%3Cb%3E")
    expect(kim.find("#title")).to_have_text("부엌 & <b>")
    expect(kim.find("#me")).to_have_text("kim")
    kim.expect_person("kim")
    expect(kim.find("#text")).to_have_value("")
    kim.send("in the kitchen")
    open_rooms(kim)
    expect(kim.find("#room-list [aria-current]")).to_have_text("부엌 & <b>")
    kim.find("#room-list a").get_by_text(re.compile("^test_room_is_entered")).click()
    expect(kim.find("#text")).to_have_value("a draft that stays")
    expect(kim.find("#log .text")).to_have_count(0)
    assert kim.page.url == url


def test_lobby_is_reached_from_a_room(window, allowed):
    allowed.append(NOT_LISTED)
    leo = window("leo")
    open_rooms(leo)
    leo.find("#room-list a").first.click()
    expect(leo.page).to_have_title("chinwag")
    expect(leo.find("#title")).to_have_text("chinwag")
    leo.expect_person("leo")


def test_room_list_shows_the_number_of_people(window, listing):
    window("ann", at=f"{listing.url}room/kitchen").send("hello?")
    window("bob", at=f"{listing.url}room/kitchen")
    cat = window("cat", at=listing.url)
    open_rooms(cat)
    expect(cat.find("#room-list li")).to_have_text(["Lobby 1", "kitchen 2"])
    cat.find("#room-list a").get_by_text("kitchen").click()
    cat.expect_message("hello?")
    cat.expect_person("cat")


def test_rooms_work_on_a_phone(window, listing):
    dot = window("dot", at=listing.url, viewport=PHONE, has_touch=True, is_mobile=True)
    dot.find("#people-button").tap()
    dot.find("#rooms > summary").tap()
    dot.find("#room").fill("garden")
    dot.find("#room-form button").tap()
    expect(dot.find("#title")).to_have_text("garden")
    expect(dot.find("#title")).to_be_visible()
    dot.send("among flowers")


def test_history_is_shown_once_and_does_not_count_as_unread(window):
    early = window("early")
    for number in range(3):
        early.send(f"message {number}")
    late = window()
    expect(late.find("#log .text")).to_have_text([f"message {number}" for number in range(3)])
    expect(late.page).to_have_title(re.compile(r"^[^(]*chinwag$"))
    early.page.reload()
    expect(early.find("#log .mine .text")).to_have_text([f"message {number}" for number in range(3)])
