"""The page on screens of all sizes, with names, texts and lists of all lengths; and its own size in bytes."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from support import PHONE, SMALL, WIDE

PAGES = Path(__file__).parents[2] / "src" / "pages"
AT_MOST = 60 * 1024

# What sticks out of the window, or out of the part of the page that it is in.
STICKS_OUT = """() => [...document.querySelectorAll('body *')]
    .filter((node) => node.checkVisibility() && !node.closest('svg'))
    .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 || node.scrollWidth > node.clientWidth + 1)
    .filter((node) => getComputedStyle(node).display !== 'inline' && getComputedStyle(node).overflowX === 'visible')
    .map((node) => node.outerHTML.slice(0, 120))"""


def fits(window):
    assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert window.page.evaluate(STICKS_OUT) == []


@pytest.mark.parametrize("viewport", [SMALL, PHONE, WIDE], ids=["small", "phone", "wide"])
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_everything_fits(window, viewport, locale):
    one = window("n" * 32, viewport=viewport, locale=locale)
    fits(one)
    one.crowd()
    fits(one)
    if one.find("#people-button").is_visible():
        one.find("#people-button").click()
        expect(one.find("#people")).to_be_visible()
        fits(one)
        one.page.keyboard.press("Escape")
        expect(one.find("#people")).to_be_hidden()
    for tab in ("life", "shaking", "events", "trying"):
        one.look(tab)
        fits(one)


def test_a_phone_can_do_it_all(window):
    phone = window("phone", viewport=PHONE, has_touch=True, is_mobile=True)
    friend = window("friend")
    phone.find("#text").fill("from my phone")
    phone.find("#text-form .primary").tap()
    friend.expect_message("from my phone")
    phone.find("#people-button").tap()
    phone.find("#people-list").get_by_text("friend").tap()
    expect(phone.find("#people")).to_be_hidden()
    phone.find("#text").fill("secretly")
    phone.find("#text-form .primary").tap()
    friend.expect_message("secretly")
    phone.find("#hood-button").tap()
    expect(phone.find("#life")).to_be_visible()
    phone.find("#hood-close").tap()
    expect(phone.find("#text")).to_be_visible()


def test_a_long_text_takes_a_part_of_the_window(window):
    """It scrolls in its own box, by keys too."""
    reader = window("later")
    writer = window("writer2")
    writer.say("word " * 1000)
    long = reader.find("#log .text").last
    expect(long).to_contain_text("word word")
    assert long.bounding_box()["height"] < WIDE["height"] / 2
    long.press("End")
    reader.page.wait_for_function("node => node.scrollTop > 0", arg=long.element_handle())


def test_all_files_together_are_small():
    sizes = {path.name: path.stat().st_size for path in sorted(PAGES.iterdir())}
    for name, size in sizes.items():
        print(f"{size:7d}  {name}")
    print(f"{sum(sizes.values()):7d}  of {AT_MOST} bytes in all")
    assert sum(sizes.values()) <= AT_MOST
