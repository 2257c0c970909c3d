"""The page on screens of all sizes, with names, texts and lists of all lengths."""

import pytest
from playwright.sync_api import expect

from support import PHONE, SMALL, WIDE

# Elements that overflow the window or their own box.
OVERFLOWING = """() => [...document.querySelectorAll('body *')]
    .filter((node) => node.checkVisibility() && !node.closest('svg'))
    .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 || node.scrollWidth > node.clientWidth + 1)
    .filter((node) => getComputedStyle(node).display !== 'inline' && getComputedStyle(node).overflowX === 'visible')
    .map((node) => node.outerHTML.slice(0, 120))"""


# Firefox keeps the old sizes of rows that are out of sight (`content-visibility: auto`).
LAY_ALL_OUT = "document.querySelectorAll('.row, li').forEach((node) => { node.style.contentVisibility = 'visible'; })"


def expect_fit(window):
    window.page.evaluate(LAY_ALL_OUT)
    assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert window.page.evaluate(OVERFLOWING) == []


@pytest.mark.parametrize("viewport", [SMALL, PHONE, WIDE], ids=["small", "phone", "wide"])
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_page_fits_every_screen(window, viewport, locale):
    one = window("n" * 32, simulated=True, viewport=viewport, locale=locale)
    expect_fit(one)
    one.crowd()
    expect_fit(one)
    if one.find("#people-button").is_visible():
        one.find("#people-button").click()
        expect(one.find("#people")).to_be_visible()
        expect_fit(one)
        one.page.keyboard.press("Escape")
        expect(one.find("#people")).to_be_hidden()
    for tab in ("lesson", "try", "play", "polling", "connection"):
        one.inspect(tab)
        expect_fit(one)


def test_everything_works_on_a_phone(window):
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
    phone.find("#inspector-button").tap()
    expect(phone.find("#lesson")).to_be_visible()
    phone.find("#inspector-close").tap()
    expect(phone.find("#text")).to_be_visible()


def test_long_text_scrolls_in_its_own_box(window):
    reader = window("later")
    writer = window("writer2")
    writer.find("#text").evaluate("node => { node.value = 'word '.repeat(1000); }")
    writer.find("#text").press("Enter")
    long = reader.find("#log .text").last
    expect(long).to_contain_text("word word")
    assert long.bounding_box()["height"] < WIDE["height"] / 2
    long.press("End")
    reader.page.wait_for_function("node => node.scrollTop > 0", arg=long.element_handle())


@pytest.mark.parametrize("width, least, most", [(320, 16, 16), (1280, 16, 17), (1920, 18, 20), (3840, 26, 32)])
def test_type_grows_with_the_screen(window, width, least, most):
    one = window(viewport={"width": width, "height": width * 9 // 16})
    size = one.page.evaluate("() => parseFloat(getComputedStyle(document.body).fontSize)")
    assert least <= size <= most


def test_forced_colours_and_reduced_motion_are_honoured(window):
    """Without colours, borders show what a surface or a tint shows otherwise. Nothing moves."""
    one = window(forced_colors="active")
    assert one.find(".card >> visible=true").evaluate("node => getComputedStyle(node).animationName") == "none"
    one.join("one").send("hello")
    for part in ("#log .text", "#text-form", "header"):
        expect(one.find(part).first).to_have_css("border-style", "solid")
    one.inspect()
    expect(one.find("#lesson-steps [aria-current]")).to_have_css("outline-style", "solid")
