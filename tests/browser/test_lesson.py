"""The twelve guided steps: predict, do, see, tick. In English and Korean."""

import re

import pytest
from playwright.sync_api import expect

from support import NETWORK
from test_inspector import line

# The right choice of each step, and the line that the step opens.
STEPS = [
    ("0: CONNECTING", r"new WebSocket\(\)"),
    ("Upgrade: websocket", r"new WebSocket\(\)"),
    ("From the key and a fixed text|키와 정해진 문자열", "onopen"),
    ("When the 101 response has arrived|101 응답이 왔을 때", "onopen"),
    (r"^\s*8$", r"send\(\).*8 B hi"),
    (r"^\s*No$|씌우지 않는다", "onmessage.*17 B"),
    ("string", "onmessage.*no-name"),
    ("text, which was offered first|먼저 적은 text", "onopen.*text"),
    ("CLOSING, (then|그다음) CLOSED", "onclose.*Close 1000"),
    ("4000", "onclose.*Close 4000"),
    ("onerror, (then|그다음)", "onclose.*1006"),
    ("443", "onclose.*(1006|1015)"),  # 1015 in Firefox
]


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_twelve_steps(window, allowed, locale):
    allowed.append(NETWORK)
    kim = window("kim", locale=locale)
    kim.inspect("lesson")
    for n, (right, shown) in enumerate(STEPS):
        expect(kim.find("#lesson-title")).to_have_text(re.compile(rf"^{n + 1}\. "))
        expect(kim.find("#lesson-title")).to_be_in_viewport()
        expect(kim.find("#lesson-do")).to_be_disabled()
        choices = kim.find("#lesson-choices label")
        expect(choices).to_have_count(3)
        choices.filter(has_text=re.compile(right)).locator("input").check()
        expect(kim.find("#lesson-do")).to_be_in_viewport(ratio=0.9)
        kim.find("#lesson-do").click()
        expect(kim.find("#lesson-steps button").nth(n)).to_have_text(f"✓ {n + 1}")
        verdict = "맞았습니다" if locale == "ko-KR" else "You were right"
        expect(kim.find("#lesson-result .verdict")).to_contain_text(verdict)
        expect(kim.find("#lesson-result .see")).not_to_be_empty()
        opened = kim.find("#event-list > details[open]")
        expect(opened).to_have_count(1)
        expect(opened).to_have_text(re.compile(shown))
        expect(kim.find("#bands > *")).to_contain_text(["#1", "CONNECTING"])  # the chat's, and the step's from its beginning
        if n + 1 < len(STEPS):
            kim.find("#lesson-next").click()
    kim.expect_state("OPEN")


def test_wrong_guess_is_told_and_the_ticks_stay(window):
    lee = window("lee")
    lee.inspect("lesson")
    lee.find("#lesson-steps button").nth(5).click()
    lee.find("#lesson-choices input").first.check()
    lee.find("#lesson-do").click()
    expect(lee.find("#lesson-result .verdict")).to_have_text("Not quite. It is: No")
    expect(lee.find("#lesson-result .verdict")).to_have_class("verdict wrong")
    expect(lee.find("#lesson-steps .ticked")).to_have_text(["✓ 6"])
    lee.page.reload()
    lee.expect_person("lee")
    lee.inspect("lesson")
    expect(lee.find("#lesson-steps .ticked")).to_have_text(["✓ 6"])
    expect(lee.find("#lesson-title")).to_have_text("1. The constructor")
    lee.find("#lesson-choices input").first.check()
    lee.find("#lesson-do").click()
    expect(lee.find("#lesson-steps .ticked")).to_have_text(["✓ 1", "✓ 6"])
    expect(line(lee, "#2 onopen")).to_have_count(1)
