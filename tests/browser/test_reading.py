"""What a reader sees of the conversation and the list: days, long texts, a small phone, the icons of an installed page."""

import re

import pytest
from playwright.sync_api import expect

from support import IS_FIREFOX, PHONE, SMALL
from test_sizes import expect_fit

DAYS = """() => {
    const day = 24 * 3600 * 1000;
    for (let n = 0; n < 8; n++) {
        for (let m = 0; m < 5; m++) say('ann', `day ${n}`, { date: Date.UTC(2026, 8, 23, 12) + n * day });
    }
}"""

# The days whose pill can be seen: at each end, no other element covers it.
VISIBLE_PILLS = """() => [...document.querySelectorAll('.day time')].filter((pill) => {
    const { left, right, top, height } = pill.getBoundingClientRect();
    return [left + 3, right - 3].some((x) => pill.contains(document.elementFromPoint(x, top + height / 2)));
}).map((pill) => pill.textContent)"""


@pytest.mark.parametrize("viewport", [SMALL, PHONE], ids=["small", "phone"])
def test_pills_of_earlier_days_do_not_stack(window, viewport):
    """Names of days have many lengths: a long one must not look out behind a short one."""
    reader = window("reader", simulated=True, viewport=viewport)
    reader.page.evaluate(DAYS)
    stuck = []
    for part in range(11):
        reader.page.evaluate("(part) => { scroller.scrollTop = part / 10 * (scroller.scrollHeight - scroller.clientHeight); }", part)
        reader.page.evaluate("frame()")
        at_top = reader.page.evaluate("""() => [...document.querySelectorAll('.day')].filter((day) =>
            Math.abs(day.getBoundingClientRect().top - scroller.getBoundingClientRect().top) < 2).length""")
        stuck.append(at_top)
        visible = reader.page.evaluate(VISIBLE_PILLS)
        tops = reader.page.evaluate("""(names) => [...document.querySelectorAll('.day time')].filter((pill) => names.includes(pill.textContent))
            .map((pill) => Math.round(pill.getBoundingClientRect().top))""", visible)
        assert len(tops) == len(set(tops)), (visible, tops)
    assert max(stuck) > 3, stuck  # several are at the same place


@pytest.mark.skipif(IS_FIREFOX, reason="for a screenshot, Playwright adds a style, which the page's policy refuses")
def test_long_text_shows_that_it_scrolls(window):
    """At the lower edge there is a shadow, until the end of the text is reached. The text itself is empty there."""
    reader = window("reader", simulated=True)
    reader.page.evaluate("() => say('ann', 'begin' + '\\n'.repeat(1500) + 'end')")
    text = reader.find("#log .text").last
    expect(text).to_be_in_viewport()
    box = text.bounding_box()
    strip = lambda at: reader.page.screenshot(clip={"x": box["x"] + box["width"] - 45, "y": box["y"] + at, "width": 8, "height": 6})
    middle = strip(box["height"] / 2)
    assert strip(box["height"] - 8) != middle
    text.evaluate("node => { node.scrollTop = node.scrollHeight; }")
    reader.page.evaluate("frame()")
    assert strip(box["height"] - 12) == middle
    assert strip(2) != middle  # and now above


@pytest.mark.parametrize("viewport", [SMALL, PHONE], ids=["small", "phone"])
def test_list_of_people_has_most_of_the_panel_on_a_phone(window, viewport):
    phone = window("me", simulated=True, viewport=viewport)
    phone.crowd()
    phone.find("#people-button").click()
    panel, people = phone.find("#people").bounding_box(), phone.find("#people-list").bounding_box()
    assert people["height"] > panel["height"] / 2, (panel, people)
    expect(phone.find("#sound")).to_be_hidden()
    phone.find("#settings > summary").click()
    expect(phone.find("#sound")).to_be_visible()
    assert phone.find("#people-list").bounding_box()["height"] >= 9 * 16


@pytest.mark.parametrize("viewport", [SMALL, PHONE, {"width": 1010, "height": 700}], ids=["small", "phone", "tablet"])
@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_guided_steps_fit_every_screen(window, viewport, locale):
    """With all four states in the band, and a frame's bits open."""
    kim = window("kim", viewport=viewport, locale=locale)
    kim.inspect("lesson")
    for step in (4, 9):
        kim.find("#lesson-steps button").nth(step).click()
        kim.find("#lesson-choices input").first.check()
        kim.find("#lesson-do").click()
        expect(kim.find("#lesson-steps .ticked").last).to_have_text(f"✓ {step + 1}")
        expect(kim.find("#event-list > details[open]").last).to_be_in_viewport()
        expect_fit(kim)


def test_empty_room_says_so_until_the_first_message(window):
    """Also to a user who has joined, but not while the page does not know it."""
    reader = window("reader", simulated=True)
    expect(reader.find("#empty")).to_be_visible()
    expect(reader.find("#log .presence")).to_be_visible()
    reader.page.evaluate("() => { window.hangs = true; sockets.at(-1).close(1006); }")
    expect(reader.find("#empty")).to_be_hidden()
    reader.page.evaluate("() => { window.hangs = false; sockets.at(-1).open(); }")
    expect(reader.find("#empty")).to_be_visible()
    reader.page.evaluate("() => say('ann', 'hello')")
    expect(reader.find("#empty")).to_be_hidden()


def test_button_for_new_messages_stays_above_a_tall_text_box(window):
    reader = window("reader", simulated=True)
    reader.page.evaluate("() => { for (let n = 0; n < 100; n++) say('ann', `${n}`); }")
    reader.find("#scroller").hover()
    reader.page.mouse.wheel(0, -2000)
    expect(reader.find("#scroller")).not_to_have_class(re.compile("following"))
    reader.page.evaluate("() => say('ann', 'new')")
    for text in ("", "line\n" * 9):
        reader.find("#text").evaluate("(node, text) => { node.value = text; node.dispatchEvent(new Event('input')); }", text)
        expect(reader.find("#newer")).to_be_visible()
        button, box = reader.find("#newer").bounding_box(), reader.find("#text-form").bounding_box()
        assert 0 < box["y"] - button["y"] - button["height"] < 20, (button, box)


def test_names_align_with_their_bubbles_and_groups_join(window):
    reader = window("reader", simulated=True)
    reader.page.evaluate("() => { say('ann', 'one'); say('ann', 'two'); say('bob', 'three'); }")
    left = lambda what: reader.find(what).first.bounding_box()["x"]
    assert abs(left("#log .head bdi") - left("#log .text")) <= 2
    texts = reader.find("#log .text")
    corners = [texts.nth(n).evaluate("node => parseFloat(getComputedStyle(node).borderBottomLeftRadius)") for n in range(3)]
    assert corners[0] < corners[1] == corners[2]
    assert reader.find("#log .row > .disc").count() == 2


def test_conversation_is_above_the_middle_of_the_text_box(window):
    """Also with a scroll bar, which takes space in some browsers."""
    reader = window("reader", simulated=True)
    reader.page.evaluate("() => { for (let n = 0; n < 100; n++) say('ann', `${n}`); }")
    middle = lambda box: box["x"] + box["width"] / 2
    assert abs(middle(reader.find("#thread").bounding_box()) - middle(reader.find("#text-form").bounding_box())) <= 1


def test_header_names_a_state_only_when_it_is_not_connected(window):
    reader = window("reader", simulated=True)
    expect(reader.find("#state")).to_be_hidden()
    reader.page.evaluate("() => { window.hangs = true; sockets.at(-1).close(1006); }")
    expect(reader.find("#state")).to_be_visible()


def test_names_have_twelve_colours_that_are_far_apart(window):
    reader = window("reader", simulated=True)
    reader.page.evaluate("(users) => receive({ type: 'userlist', users, ids: users.map((_, n) => n + 10) })", [f"name {n}" for n in range(200)])
    hues = reader.page.evaluate("() => [...document.querySelectorAll('#people-list .name')].map((name) => Number(name.style.getPropertyValue('--hue')))")
    distinct = sorted(set(hues))
    assert len(distinct) == 12
    assert min(after - before for before, after in zip(distinct, distinct[1:])) >= 30


def test_icons_of_the_manifest_are_images_of_their_size(window):
    icons = window().page.evaluate("""async () => {
        const base = document.querySelector('link[rel=manifest]').href;
        const { icons } = await (await fetch(base)).json();
        return Promise.all(icons.map(async ({ src, sizes, type, purpose = 'any' }) => {
            const image = new Image();
            image.src = new URL(src, base);
            await image.decode();
            const served = (await fetch(image.src)).headers.get('content-type');
            return [sizes === 'any' || sizes === `${image.naturalWidth}x${image.naturalHeight}`, served === type, sizes, purpose];
        }));
    }""")
    assert all(is_right_size and is_right_type for is_right_size, is_right_type, *_ in icons), icons
    kinds = {(sizes, purpose) for *_, sizes, purpose in icons}
    assert {("192x192", "any"), ("512x512", "any"), ("any", "maskable")} <= kinds
