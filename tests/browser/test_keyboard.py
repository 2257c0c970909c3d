"""Accessibility without axe: everything works by keyboard, the focus is visible, and names have enough contrast."""

import re

import pytest
from playwright.sync_api import expect

from support import IS_FIREFOX

# The painted contrast (WCAG 2) of each hue of a name on each background.
CONTRASTS = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const light = (colour) => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((n) => n / 255)
            .map((n) => (n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const name = document.querySelector('#people-list .name');
    return ['--paper', '--card', '--mine'].flatMap((ground) => {
        name.style.background = `var(${ground})`;
        const back = light(getComputedStyle(name).backgroundColor);
        return Array.from({ length: 360 }, (_, hue) => {
            name.style.setProperty('--hue', hue);
            const ink = light(getComputedStyle(name).color);
            return (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
        });
    });
}"""

# The elements whose focus ring is cut off by an element around them, which clips what it contains.
CUT_RINGS = """async () => {
    const all = [...document.querySelectorAll('button, input, textarea, select, a, summary, [tabindex]')];
    const found = [];
    for (const node of all.filter((node) => node.checkVisibility() && !node.disabled && node.getBoundingClientRect().width)) {
        node.focus({ focusVisible: true });
        if (document.activeElement !== node) continue;
        const style = getComputedStyle(node);
        const ring = style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset);
        const box = node.getBoundingClientRect();
        for (let outer = node.parentElement; outer; outer = outer.parentElement) {
            const { overflowX, contentVisibility, overflowClipMargin } = getComputedStyle(outer);
            const clips = overflowX !== 'visible' || contentVisibility === 'auto';
            if (!clips) continue;
            const room = outer.getBoundingClientRect();
            const margin = contentVisibility === 'auto' ? parseFloat(overflowClipMargin) : 0;
            if (box.left - ring < room.left - margin - 0.5 || box.right + ring > room.right + margin + 0.5) {
                found.push(`${node.id || node.className} in ${outer.id || outer.className || outer.localName}`);
            }
        }
    }
    return [...new Set(found)];
}"""


def test_everything_works_by_keyboard(window):
    peer = window("peer")
    one = window()
    press = one.page.keyboard.press
    expect(one.find("#name")).to_be_focused()
    one.page.keyboard.type("keys")
    press("Enter")
    expect(one.find("#text")).to_be_focused()
    one.page.keyboard.type("no mouse here")
    press("Enter")
    peer.expect_message("no mouse here")
    one.find("#people-list button").first.focus()
    press("Enter")
    expect(one.find("#private")).to_contain_text("peer")
    expect(one.find("#text")).to_be_focused()
    one.find("#inspector-button").focus()
    press("Enter")
    expect(one.find("#inspector-close")).to_be_focused()
    press("Tab")
    if IS_FIREFOX:
        press("Tab")  # it stops at the scrolling box as well
    expect(one.find("#lesson > summary")).to_be_focused()
    one.find("#try > summary").focus()
    press("Enter")
    expect(one.find("#try-url")).to_be_visible()
    expect(one.find("#lesson-do")).to_be_hidden()
    press("Escape")
    expect(one.find("#inspector")).to_be_hidden()
    expect(one.find("#inspector-button")).to_be_focused()
    focus = one.find("#inspector-button").evaluate("node => getComputedStyle(node).outlineStyle")
    assert focus == "solid"


def test_the_log_is_announced_politely(window):
    log = window("listener").find("#log")
    expect(log).to_have_attribute("role", "log")
    expect(log).to_have_attribute("aria-label", "Conversation")
    assert log.evaluate("node => node.ariaLive ?? 'polite'") == "polite"
    expect(log).to_have_accessible_name("Conversation")
    assert re.match("polite|None", str(log.get_attribute("aria-live")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_have_enough_contrast(window, scheme):
    contrasts = window(f"reader-{scheme}", color_scheme=scheme).page.evaluate(CONTRASTS)
    assert len(contrasts) == 3 * 360
    assert min(contrasts) >= 4.5, min(contrasts)


def test_focus_rings_are_not_cut_off(window, allowed):
    """The rings of all elements, from a list entry to a long text, have room on both sides."""
    allowed.append("Failed to load resource.*404")
    one = window("one", simulated=True)
    one.crowd()
    one.page.evaluate("() => say('bob', 'see https://example.org/ and `code`\\n```\\na block\\n```')")
    one.find("#rooms").evaluate("node => { node.open = true; }")
    expect(one.find("#room-list a")).not_to_have_count(0)
    one.page.keyboard.press("Tab")
    assert one.page.evaluate(CUT_RINGS) == []
    for part in ("lesson", "try", "play", "connection"):
        one.inspect(part)
        assert one.page.evaluate(CUT_RINGS) == [], part
