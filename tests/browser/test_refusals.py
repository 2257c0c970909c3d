"""What the server refuses: the reason is shown in words, and nothing waits for ever."""

import pytest
from playwright.sync_api import expect

from support import NETWORK, Chinwag


@pytest.fixture(autouse=True)
def network_errors(allowed):
    allowed.append(NETWORK)


REFUSE_FIRST = """(error) => {
    const answer = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        const { type, nonce } = JSON.parse(data);
        if (type !== 'message' || window.refused) return answer.call(this, data);
        window.refused = true;
        if (error.close) return this.close(error.close);
        receive({ type: 'error', reason: error.reason, about: 'No.', nonce: error.named ? nonce : undefined });
    };
}"""


@pytest.mark.parametrize(
    "error",
    [
        {"reason": "bad-json"},
        {"reason": "no-word-that-is-known"},
        {"reason": "too-long", "named": True},
        {"close": 1007},
        {"close": 1009},
    ],
    ids=lambda error: "-".join(map(str, error.values())),
)
def test_refused_message_does_not_block_the_next(window, error):
    ann = window("ann", simulated=True)
    ann.page.evaluate(REFUSE_FIRST, error)
    ann.find("#text").fill("refused")
    ann.find("#text").press("Enter")
    expect(ann.find("#text")).to_have_value("refused")
    expect(ann.find("#error")).to_be_visible()
    ann.find("#text").fill("accepted")
    ann.find("#text").press("Enter")
    ann.expect_message("accepted")
    expect(ann.find("#pending > *")).to_have_count(0)


def test_half_an_emoji_is_sent_with_a_replacement(window):
    ann = window("ann")
    ann.page.evaluate("""() => {
        const text = document.getElementById('text');
        text.value = 'half \\ud83d';
        text.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
    }""")
    ann.expect_message("half \ufffd")
    ann.send("and the next one 😀")


def test_full_room_is_explained(window):
    server = Chinwag("--limit", "room-users=1")
    try:
        window("ann", at=server.url)
        bob = window(at=server.url, connects=False)
        expect(bob.find("#trouble-text")).to_contain_text("This room is full (1013)")
        expect(bob.find("#countdown")).to_be_visible()
    finally:
        server.stop()


@pytest.mark.parametrize(
    "code, reason, sentence",
    [
        (1008, "flooding", "You sent too much"),
        (1001, "the server is shutting down", "The server is restarting"),
        (1013, "too slow", "Your network was too slow"),
        (4321, "maintenance until noon", "“maintenance until noon” (4321)"),
        (1006, "", "The connection was lost (1006)"),
        (1008, "replaced by a newer connection of this user", "in another window"),
        (1008, "constructor", "“constructor” (1008)"),
        (1008, "", "The server closed the connection (1008)."),
        (1000, "", "The server closed the connection (1000)."),
    ],
)
def test_reason_of_a_close_frame_is_shown_in_words(window, code, reason, sentence):
    ann = window("ann", simulated=True)
    ann.page.evaluate("([code, reason]) => { window.hangs = true; sockets.at(-1).close(code, reason); }", [code, reason])
    expect(ann.find("#trouble-text")).to_contain_text(sentence)
    expect(ann.find("#retry")).to_be_visible()
    expect(ann.find("#countdown")).to_be_hidden() if code in (1000, 1008) else expect(ann.find("#countdown")).to_be_visible()


def test_server_that_is_down_is_not_called_lost(window, chinwag):
    ann = window("ann", at=chinwag.url)
    chinwag.stop()
    expect(ann.find("#trouble-text")).to_contain_text("The server cannot be reached")


def test_proxy_without_websocket_is_explained(window):
    ann = window(simulated=True, connects=False)
    ann.page.evaluate("() => { window.hangs = true; sockets.at(-1).close(1006); }")
    ann.page.wait_for_function("() => sockets.length === 2")
    ann.page.evaluate("() => sockets.at(-1).close(1006)")
    expect(ann.find("#trouble-text")).to_contain_text("A proxy between")


def test_old_browser_without_new_functions_works(browser, url):
    """Safari of iOS 16 has none of these."""
    page = browser.new_context(locale="en-US").new_page()
    page.add_init_script("""
        delete URL.canParse; delete URL.parse; delete Element.prototype.checkVisibility;
        delete HTMLElement.prototype.showPopover; delete HTMLElement.prototype.hidePopover;
        delete String.prototype.isWellFormed; delete String.prototype.toWellFormed;
        delete Array.prototype.toSorted; delete Promise.withResolvers; delete Object.groupBy;
        delete Set.prototype.difference; delete AbortSignal.timeout; delete AbortSignal.any;
    """)
    page.goto(url)
    page.fill("#name", "old")
    page.press("#name", "Enter")
    page.fill("#text", "https://example.org/ works")
    page.press("#text", "Enter")
    expect(page.locator("#log .text a")).to_have_attribute("href", "https://example.org/")
    page.context.close()


def test_browser_without_modules_is_told_so(browser, url):
    page = browser.new_context(locale="en-US").new_page()
    page.route("**/page.js*", lambda route: route.fulfill(body="this is not JavaScript of 2020", content_type="text/javascript"))
    page.goto(url)
    expect(page.locator("#old")).to_be_visible()
    expect(page.locator("#old")).to_contain_text("browser of 2022")
    page.context.close()
