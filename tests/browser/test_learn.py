"""The course at /learn. Skipped if the server was built without the feature."""

import os
import re
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from relay import Relay
from support import PHONE, SMALL, WIDE
from test_accessible import AXE_OPTIONS, check, scheme_of
from test_sizes import expect_fit

COURSE = f"{os.environ['CHINWAG_URL']}learn"


def has_course():
    try:
        return urllib.request.urlopen(COURSE).status == 200
    except urllib.error.HTTPError:
        return False


pytestmark = pytest.mark.skipif(not has_course(), reason="the server was built without the course")

CHAPTERS = "a => [...new Set(a.map((link) => link.href.split('#')[0]))].filter((href) => /[/]learn($|[/])/.test(href))"


def pages_from(reader, first):
    """The addresses of all pages of the course, as links lead to them."""
    found, waiting = [], [first]
    while waiting:
        address = waiting.pop()
        if address in found:
            continue
        found.append(address)
        reader.page.goto(address)
        waiting += reader.find("a").evaluate_all(CHAPTERS)
    return found


@pytest.mark.parametrize("viewport, scheme", [(WIDE, "light"), (PHONE, "dark")], ids=["wide", "phone"])
def test_axe_and_the_console_find_nothing_in_any_page(window, viewport, scheme):
    reader = window(at=COURSE, connects=False, viewport=viewport, **scheme_of(scheme), **AXE_OPTIONS)
    pages = pages_from(reader, COURSE)
    assert len(pages) == 40
    for address in pages:
        reader.page.goto(address)
        reader.find("details").evaluate_all("all => all.forEach((node) => (node.open = true))")
        expect_fit(reader)
        check(reader, address)


def test_course_is_readable_under_its_security_policy(window):
    """No script runs, and the styles and diagrams are there."""
    reader = window(at=COURSE, connects=False, viewport=SMALL)
    reader.page.get_by_role("link", name="The handshake", exact=True).click()
    expect(reader.find("h1")).to_have_text("1. The handshake")
    expect(reader.page.get_by_role("img", name="The browser sends GET with Upgrade")).to_be_visible()
    expect(reader.find("svg text").first).to_have_css("font-size", "14px")
    answer = reader.find("details").first
    expect(answer.locator("pre")).to_be_hidden()
    answer.locator("summary").click()
    expect(answer.locator("pre")).to_contain_text("101 Switching Protocols")
    reader.find("nav").get_by_text("한국어").click()
    expect(reader.find("html")).to_have_attribute("lang", "ko")
    expect(reader.find("h1")).to_have_text("1. 핸드셰이크")
    reader.find("nav").get_by_text("채팅").click()
    reader.expect_state("OPEN")


@pytest.mark.parametrize("locale, title", [("en-US", "WebSocket: see it happen"), ("ko-KR", "WebSocket: 눈으로 보고")])
def test_inspector_leads_to_the_course(window, locale, title):
    ann = window("ann", locale=locale)
    ann.inspect("lesson")
    with ann.page.expect_popup() as opened:
        ann.find("#course").click()
    expect(opened.value.locator("h1")).to_have_text(re.compile(title))
    ann.expect_state("OPEN")


def test_course_works_below_a_prefix(window, chinwag):
    relay = Relay(chinwag.port, prefix="/chat")
    reader = window(at=f"{relay.url}learn", connects=False)
    pages = pages_from(reader, f"{relay.url}learn")
    assert len(pages) == 40
    assert [page for page in pages if not page.startswith(relay.url)] == []
    reader.page.goto(pages[-1])
    expect(reader.find("main")).to_have_css("max-width", re.compile("px"))
    reader.find("nav a").first.click()
    expect(reader.page).to_have_url(relay.url)
    reader.expect_state("OPEN")
    relay.close()
