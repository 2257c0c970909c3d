"""Screenshots of the page for the README, written to CHINWAG_SCREENSHOTS if that is set.

They are taken from a real conversation, so that they cannot differ from the page.
"""

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support import NETWORK, PHONE, SMALL, WIDE, Chinwag

TALK = [
    ("Ada", "Morning! The kettle is on. ☕"),
    ("민수", "좋은 아침이에요. 회의는 세 시 맞죠?"),
    ("Ada", "Yes, at three. The notes are at https://example.org/notes/2026-11"),
    ("Grace", "I shall be five minutes late.\nPlease start without me."),
    ("민수", "괜찮아요 😀"),
]
SCREENS = {
    "phone": {"viewport": PHONE},
    "small": {"viewport": SMALL},
    "dark": {"viewport": WIDE, "color_scheme": "dark"},
    "korean": {"viewport": WIDE, "locale": "ko-KR"},
}


@pytest.fixture
def folder(tmp_path):
    chosen = Path(os.environ.get("CHINWAG_SCREENSHOTS", tmp_path))
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


@pytest.fixture
def listing():
    server = Chinwag("--list-rooms")
    yield server
    server.stop()


def test_screenshots(window, listing, folder):
    people = {name: window(name, at=listing.url) for name in ("Ada", "민수", "Grace")}
    kim = window("Kim", at=listing.url)
    for name, text in TALK:
        people[name].send(text)
    kim.send("See you there!")
    kim.page.screenshot(path=folder / "wide.png")
    for part in ("lesson", "try", "play", "polling", "connection"):
        kim.inspect(part)
        kim.page.screenshot(path=folder / f"inspector-{part}.png")
    for screen, options in SCREENS.items():
        viewer = window(at=listing.url, **options)
        viewer.expect_message("See you there!")
        if screen == "dark":
            viewer.join("Lin")
        viewer.page.screenshot(path=folder / f"{screen}.png")


def test_screenshots_of_rooms(window, listing, folder):
    window("Ada", at=f"{listing.url}room/kitchen").send("The kettle is on here as well. ☕")
    window("Grace", at=f"{listing.url}room/{'a room with a name that is rather long, 64 letters in all, or so'[:64]}")
    kim = window("Kim", at=f"{listing.url}room/kitchen")
    phone = window("Joe", at=f"{listing.url}room/kitchen", viewport=SMALL)
    for one in (kim, phone):
        if one.find("#people-button").is_visible():
            one.page.screenshot(path=folder / "room-small.png")
            one.find("#people-button").click()
        one.find("#rooms > summary").click()
        expect(one.find("#room-list li")).to_have_count(3)
    kim.page.screenshot(path=folder / "rooms.png")
    phone.page.screenshot(path=folder / "rooms-small.png")


@pytest.mark.parametrize("screen", ["wide", "small"])
def test_screenshots_of_a_crowd(window, folder, screen):
    one = window("n" * 32, simulated=True, viewport={"wide": WIDE, "small": SMALL}[screen])
    one.crowd()
    expect(one.find("#log .text").last).to_be_in_viewport()
    one.page.screenshot(path=folder / f"crowd-{screen}.png")


def test_screenshots_of_a_lost_connection(window, chinwag, folder, allowed):
    allowed.append(NETWORK)
    empty = window(at=chinwag.url)
    empty.page.screenshot(path=folder / "empty.png")
    ann = window("ann", at=chinwag.url, viewport=PHONE)
    ann.send("hello?")
    chinwag.stop(signal.SIGTERM)
    expect(ann.find("#trouble")).to_be_visible()
    ann.find("#text").fill("are you still there?")
    ann.find("#text").press("Enter")
    expect(ann.find("#pending .text")).to_have_text("are you still there?")
    expect(ann.find("#pending small")).to_have_css("opacity", "1")
    ann.page.screenshot(path=folder / "trouble.png")
    chinwag.start()
    ann.expect_message("are you still there?")
