"""Pictures of the page, for the README and for looking at: into CHINWAG_SCREENSHOTS, where that is set.

They are made from a conversation in the page, so that they cannot show what the page does not.
"""

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support import PHONE, SMALL, WIDE

TALK = [
    ("Ada", "Morning! The kettle is on. ☕"),
    ("민수", "좋은 아침이에요. 회의는 세 시 맞죠?"),
    ("Ada", "Yes, at three. The notes are at https://example.org/notes/2026-11"),
    ("Grace", "I shall be five minutes late.\nPlease start without me."),
    ("민수", "괜찮아요 😀"),
]
SCREENS = {
    "wide": {"viewport": WIDE},
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


def test_pictures(window, chinwag, folder):
    people = {name: window(name, at=chinwag.url) for name in ("Ada", "민수", "Grace")}
    viewers = {screen: window(at=chinwag.url, **options) for screen, options in SCREENS.items()}
    for name, text in TALK:
        people[name].say(text)
    viewers["wide"].join("Kim")
    viewers["wide"].say("See you there!")
    for screen, viewer in viewers.items():
        viewer.expect_message("See you there!")
        viewer.page.screenshot(path=folder / f"{screen}.png")
    inspector = viewers["wide"]
    for tab in ("life", "shaking", "events", "trying"):
        inspector.look(tab)
        inspector.page.screenshot(path=folder / f"inspector-{tab}.png")


def test_pictures_of_trouble(window, chinwag, folder, allowed):
    allowed.append("WebSocket connection to .* failed")
    empty = window(at=chinwag.url)
    empty.page.screenshot(path=folder / "empty.png")
    ann = window("ann", at=chinwag.url, viewport=PHONE)
    ann.say("hello?")
    chinwag.stop(signal.SIGTERM)
    expect(ann.find("#trouble")).to_be_visible()
    ann.find("#text").fill("are you still there?")
    ann.find("#text").press("Enter")
    expect(ann.find("#pending .text")).to_have_text("are you still there?")
    ann.page.screenshot(path=folder / "trouble.png")
    chinwag.start()
    ann.expect_message("are you still there?")
