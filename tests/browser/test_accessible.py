"""Accessibility: axe finds no violation, names have enough contrast, and everything works by keyboard."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from support import PHONE, WIDE, Chinwag

AXE = Axe()

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


def check(window, where):
    result = AXE.run(window.page, options={"resultTypes": ["violations"]})
    found = [f"{v['id']}: {v['help']}: {[n['html'][:150] for n in v['nodes']]}" for v in result.response["violations"]]
    assert found == [], where


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_no_violation(window, scheme, viewport, allowed):
    allowed.append("Failed to load resource.*404")  # this server does not list its rooms
    one = window(color_scheme=scheme, viewport=viewport, bypass_csp=True)
    check(one, "before signing in")
    other = window("other")
    one.join("one")
    other.send("hello https://example.org/")
    one.expect_message("hello https://example.org/")
    one.send("word " * 300)
    one.find("#people-button").evaluate("node => node.click()")
    one.find("#people-list").get_by_text("other").click()
    one.send("privately")
    one.find("#text").fill("x" * 9000)
    one.find("#text").press("Enter")
    expect(one.find("#error")).to_be_visible()
    check(one, "in the chat")
    one.find("#rooms").evaluate("node => { node.open = true; }")
    one.find("#text").fill("@")
    expect(one.find("#names li")).not_to_have_count(0)
    check(one, "completing a name")
    one.find("#change-name").evaluate("node => node.click()")
    expect(one.find("#name-cancel")).to_be_visible()
    check(one, "changing the name")
    one.find("#name").press("Escape")
    for tab in ("lesson", "try", "play", "connection"):
        one.inspect(tab)
        check(one, tab)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_rare_states(window, scheme):
    one = window("one", simulated=True, color_scheme=scheme, bypass_csp=True)
    one.page.evaluate("""() => {
        say('bob', 'one, see `code`\\n```\\na block\\n```');
        say('bob', '/me waves');
        say('bob', 'only for you', { target: 'one', seq: undefined });
        document.hasFocus = () => false;
        say('bob', 'while away');
    }""")
    expect(one.find("#log .unread")).to_be_visible()
    check(one, "mention, code, action, private and unread")
    one.page.evaluate("() => { window.hangs = true; sockets.at(-1).close(1013, 'too slow'); }")
    expect(one.find("#trouble")).to_be_visible()
    check(one, "lost")


def test_axe_finds_no_violation_in_the_token_screen(window, tmp_path, allowed):
    allowed.append("WebSocket connection to .* failed|Failed to load resource")
    (tmp_path / "token").write_text("open-sesame\n")
    server = Chinwag("--token-file", str(tmp_path / "token"))
    one = window(at=server.url, connects=False, bypass_csp=True)
    expect(one.find("#token")).to_be_visible()
    check(one, "token")
    server.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_have_enough_contrast(window, scheme):
    contrasts = window(f"reader-{scheme}", color_scheme=scheme).page.evaluate(CONTRASTS)
    assert len(contrasts) == 3 * 360
    assert min(contrasts) >= 4.5, min(contrasts)


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
