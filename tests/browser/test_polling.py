"""Polling, long polling, a stream and a WebSocket receive the same messages, with live counters."""

import re

import pytest
from playwright.sync_api import expect

from support import NETWORK

WAYS = ("poll", "longPoll", "stream", "socket")


def counter(window, way, name):
    text = window.find(f"#way-{way} .{name}").text_content()
    return int(re.sub(r"\D", "", text) or 0)


def wait_for_messages(window, count):
    for way in WAYS:
        window.page.wait_for_function(
            "([way, count]) => Number(document.querySelector(`#way-${way} .received`).textContent) >= count", arg=[way, count]
        )


@pytest.mark.parametrize("locale, stop", [("en-US", "Stop"), ("ko-KR", "멈추기")])
def test_each_way_counts_what_it_costs(window, locale, stop):
    ann = window("ann", locale=locale)
    ann.inspect("polling")
    expect(ann.find("#way-poll .received")).to_be_empty()
    ann.find("#polling-start").click()
    expect(ann.find("#polling-start")).to_have_text(stop)
    wait_for_messages(ann, 3)
    ann.find("#polling-start").click()
    expect(ann.find("#polling-start")).not_to_have_text(stop)
    requests, received, size = ({way: counter(ann, way, name) for way in WAYS} for name in ("requests", "received", "size"))
    assert requests["socket"] == requests["stream"] == 1
    assert 2 <= requests["longPoll"] <= received["longPoll"] + 1
    assert requests["poll"] >= 2
    assert size["socket"] < size["longPoll"] and size["socket"] < size["poll"]
    for way in WAYS:
        expect(ann.find(f"#way-{way} .delay")).to_have_text(re.compile(r"^\d+ ms$"))
    # The counters stay, and nothing is counted any more.
    before = ann.find("#polling-ways").inner_text()
    ann.find("#filter").fill("something else")
    assert ann.find("#polling-ways").inner_text() == before
    ann.expect_state("OPEN")
    expect(ann.find("#log .row")).to_have_count(0)


@pytest.mark.parametrize("how", ["part", "panel"])
def test_closing_the_part_or_the_panel_stops_it(window, how):
    ben = window("ben")
    ben.inspect("polling")
    ben.find("#polling-start").click()
    wait_for_messages(ben, 1)
    ben.find({"part": "#play > summary", "panel": "#inspector-close"}[how]).click()
    expect(ben.find("#polling-start")).to_have_text("Start for a minute")


def test_it_ends_when_the_server_ends(window, chinwag, allowed):
    allowed.append(NETWORK + "|ERR_|interrupted")
    cat = window("cat", at=chinwag.url)
    cat.inspect("polling")
    cat.find("#polling-start").click()
    wait_for_messages(cat, 1)
    chinwag.stop()
    expect(cat.find("#polling-out")).to_contain_text("It ended: ")
    expect(cat.find("#polling-start")).to_have_text("Start for a minute")
