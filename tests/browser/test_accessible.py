"""Accessibility: axe finds no violation in any state of the page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from support import CROWD, IS_FIREFOX, NETWORK, PHONE, WIDE, Chinwag

AXE = Axe()

# Axe is a script, which the page's security policy does not allow in Chromium.
AXE_OPTIONS = {} if IS_FIREFOX else {"bypass_csp": True}


def scheme_of(name):
    """Firefox has only the light one: Playwright cannot set another there."""
    if IS_FIREFOX and name == "dark":
        pytest.skip("Playwright cannot set the colour scheme in Firefox")
    return {} if IS_FIREFOX else {"color_scheme": name}


def check(window, where):
    # In Firefox, Playwright cannot ask for reduced motion. While a part fades in, its contrast is low.
    window.page.evaluate("() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished))")
    result = AXE.run(window.page, options={"resultTypes": ["violations"]})
    found = [f"{v['id']}: {v['help']}: {[n['html'][:150] for n in v['nodes']]}" for v in result.response["violations"]]
    assert found == [], where


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_no_violation(window, scheme, viewport, allowed):
    allowed.append("Failed to load resource.*404")  # this server does not list its rooms
    one = window(**scheme_of(scheme), viewport=viewport, **AXE_OPTIONS)
    check(one, "before signing in")
    other = window("other")
    one.join("one")
    other.send("hello https://example.org/")
    one.expect_message("hello https://example.org/")
    one.send("word " * 300)
    one.find("#people-button").evaluate("node => node.click()")
    one.find("#people-list").get_by_text("other").click()
    one.send("privately")
    one.find("#text").evaluate("node => { node.value = 'x'.repeat(9000); }")
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
    for tab in ("lesson", "try", "play", "polling", "connection"):
        one.inspect(tab)
        check(one, tab)


# What leads to each rare state, one after the other.
RARE_STATES = {
    "mention, code, action, private and unread": """() => {
        say('bob', 'one, see `code`\\n```\\na block\\n```');
        say('bob', '/me waves');
        say('bob', 'only for you', { target: 'one', seq: undefined });
        document.hasFocus = () => false;
        say('bob', 'while away');
    }""",
    "joins, leaves, names and notices": """() => {
        for (let n = 0; n < 9; n++) receive({ type: 'username', id: 100 + n, name: `guest ${n}`, date: Date.now() });
        receive({ type: 'username', id: 100, name: 'host', date: Date.now() });
        receive({ type: 'notice', text: 'Back in 5 minutes' });
        receive({ type: 'gap', missed: 3 });
    }""",
    "deleted": "() => receive({ type: 'deleted', seq: [1, 2] })",
    "a crowd": CROWD,
    "further up": """async () => {
        scroller.dispatchEvent(new WheelEvent('wheel', { deltaY: -1 }));
        scroller.scrollTop = 0;
        await frame();
        say('bob', 'new');
    }""",
    "help": "() => type('/help')",
    "unknown command": "() => type('/nmae bob')",
    "lost": "() => { window.hangs = true; sockets.at(-1).close(1006); }",
    "waiting to be sent": "() => type('not yet')",
    "full": "() => { window.hangs = false; retry.click(); setTimeout(() => sockets.at(-1).close(1013, 'this room is full; try again later')); }",
    "kicked": "() => { retry.click(); setTimeout(() => sockets.at(-1).close(1008, 'kicked by an operator')); }",
}
SHOWS = {
    "mention, code, action, private and unread": "#log .unread",
    "joins, leaves, names and notices": "#log .missed",
    "deleted": "#log .row i",
    "further up": "#newer",
    "help": "#log .help",
    "unknown command": "#error-action",
    "lost": "#trouble",
    "waiting to be sent": "#pending small",
    "full": "#trouble-text[data-t=roomFull]",
    "kicked": "#trouble-text[data-t=kicked]",
}


@pytest.mark.parametrize("scheme, locale", [("light", "en-US"), ("dark", "ko-KR")])
def test_axe_finds_no_violation_in_rare_states(window, scheme, locale):
    one = window("one", simulated=True, **scheme_of(scheme), locale=locale, **AXE_OPTIONS)
    check(one, "no messages yet")
    one.page.evaluate("""() => {
        window.type = (line) => {
            text.value = line;
            text.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
        };
    }""")
    for state, script in RARE_STATES.items():
        one.page.evaluate(script)
        if state in SHOWS:
            expect(one.find(SHOWS[state]).first).to_be_visible()
        check(one, state)


def test_axe_finds_no_violation_on_a_phone_on_its_side(window):
    one = window(viewport={"width": 844, "height": 180}, **AXE_OPTIONS)
    check(one, "before signing in")
    one.join("one").send("hello")
    one.find("#text").focus()
    check(one, "with a keyboard")


def test_axe_finds_no_violation_where_nothing_is(window, url, allowed):
    allowed.append("Failed to load resource.*404")
    check(window(at=url + "x" * 65, connects=False, **AXE_OPTIONS), "404")


def test_axe_finds_no_violation_in_the_token_screen(window, tmp_path, allowed):
    allowed.append(NETWORK)
    (tmp_path / "token").write_text("open-sesame\n")
    server = Chinwag("--token-file", str(tmp_path / "token"))
    one = window(at=server.url, connects=False, **AXE_OPTIONS)
    expect(one.find("#token")).to_be_visible()
    check(one, "token")
    one.find("#token").fill("open-barley")
    one.find("#token").press("Enter")
    expect(one.find("#token-text")).to_contain_text("wrong")
    check(one, "wrong token")
    server.stop()
