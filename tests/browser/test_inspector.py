"""The inspector: states, events, frames and close codes, and the buttons that cause them."""

import json
import re

from playwright.sync_api import expect

KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3
HANDSHAKE = {
    "type": "handshake",
    "request": ["GET / HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", f"Sec-WebSocket-Key: {KEY}"],
    "response": ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", f"Sec-WebSocket-Accept: {ACCEPT}"],
}


def event(window, text):
    return window.find("#event-list summary", has_text=re.compile(text))


def test_connection_part_shows_the_socket(window, url):
    ann = window("ann")
    ann.inspect("connection")
    expect(ann.find("#states [aria-current]")).to_have_text("OPEN")
    expect(ann.find("#connection-readyState")).to_have_text("1")
    expect(ann.find("#connection-url")).to_have_text(url.replace("http", "ws"))
    expect(ann.find("#connection-protocols")).to_have_text('["chinwag.v1"]')
    expect(ann.find("#connection-protocol")).to_have_text('"chinwag.v1"')
    expect(ann.find("#connection-bufferedAmount")).to_have_text("0")
    expect(ann.find("#connection-old")).to_contain_text(re.compile(r"[45] requests, \d{5} bytes"))
    expect(ann.find("#connection-code")).to_contain_text("'WebSocket' in window // true")


def test_events_part_shows_frames(window):
    ben = window("ben")
    ben.send("look at this")
    ben.inspect("events")
    expect(ben.find("#event-list b").last).to_have_text("#1 • connecting")
    expect(ben.find("#event-list b").nth(-2)).to_have_text("#1 • open")
    sent = event(ben, "send.*look at this")
    expect(sent).to_have_count(1)
    sent.click()
    opened = ben.find("#event-list details[open]")
    expect(opened.locator("pre").first).to_contain_text('"text": "look at this"')
    size = int(re.search(r"(\d+) B", sent.inner_text())[1])
    expect(opened.locator("p")).to_have_text(f"81 {size | 0x80:02x} + mask (4) + payload ({size})")
    expect(opened.locator("pre").last).to_contain_text("ws.send(")
    ben.find("#filter").fill("look at")
    expect(ben.find("#event-list summary:visible")).to_have_count(2)


def test_headers_of_long_frames(window):
    """The length takes 1, 3 or 9 bytes (RFC 6455 5.2). A list of many users needs 9."""
    sizes = {125: "81 7d", 126: "81 7e 00 7e", 65535: "81 7e ff ff", 65536: "81 7f 00 00 00 00 00 01 00 00"}
    lines = {size: f'{{"type":"x{size}"}}'.ljust(size) for size in sizes}
    leo = window(server=lambda ws: [ws.send(line) for line in lines.values()])
    leo.inspect("events")
    for size, header in sizes.items():
        event(leo, f"x{size}").click()
        expect(leo.find("#event-list p", has_text=f"payload ({size})")).to_have_text(f"{header} + payload ({size})")


def test_copy_button_copies_the_events(window):
    coy = window("coy")
    coy.page.context.grant_permissions(["clipboard-read"])
    coy.inspect("events")
    coy.find("#copy-events").click()
    assert "#1 • open" in coy.page.evaluate("navigator.clipboard.readText()")


def test_close_code_is_shown_and_the_page_reconnects(window):
    """The chat's connection is closed with code 4000, and the close event has the same code."""
    dot = window("dot")
    dot.inspect("try")
    expect(dot.find("#try-on")).to_contain_text("connection #1")
    dot.find("#try-close").get_by_text("close()").click()
    dot.inspect("events")
    expect(event(dot, "#1 ↑ close")).to_contain_text('code 4000 · reason "bye"')
    expect(event(dot, "#1 • close")).to_contain_text("code 4000")
    expect(event(dot, "#1 • close")).to_contain_text("wasClean true")
    expect(event(dot, "#2 • open")).to_have_count(1)
    dot.inspect("connection")
    expect(dot.find("#states [aria-current]")).to_have_text("OPEN")


def test_second_connection_with_another_subprotocol(window):
    eve = window("eve")
    eve.inspect("try")
    eve.find("#try-protocols").fill("text")
    eve.find("#try-connect").get_by_text("Connect").click()
    expect(eve.find("#try-on")).to_contain_text("connection #2")
    eve.find("#try-raw").fill("/users")
    eve.find("#try-send").get_by_text("send()").click()
    expect(eve.find("#try-out")).to_contain_text("#2 ↓ * users: eve")
    eve.inspect("events")
    expect(event(eve, "#2 ↓ message.*users:.*eve")).to_have_count(1)
    eve.inspect("try")
    expect(eve.find("#try-drop")).to_be_disabled()
    eve.find("#try-binary").click()
    expect(eve.find("#try-out")).to_contain_text("#2 close 1003")
    expect(eve.find("#try-on")).to_contain_text("connection #1")
    eve.expect_state("OPEN")


def test_second_connection_is_closed_with_the_page(window):
    """A page with an open socket is not kept for the Back button."""
    zoe = window("zoe")
    zoe.inspect("try")
    zoe.find("#try-connect").get_by_text("Connect").click()
    expect(zoe.find("#try-on")).to_contain_text("connection #2")
    zoe.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    expect(zoe.find("#try-out")).to_contain_text("#2 close 1000")


def test_bad_json_gets_an_error(window):
    fox = window("fox")
    fox.inspect("try")
    fox.find("#try-raw").fill('{"type": ')
    fox.find("#try-send").get_by_text("send()").click()
    expect(fox.find("#error")).to_contain_text("bad-json")
    fox.expect_state("OPEN")


def test_errors_of_the_browser_are_shown(window, allowed):
    """A blocked port causes error and close events. A bad URL or code throws."""
    allowed.append("WebSocket connection to .* failed")
    gil = window("gil")
    gil.inspect("try")
    gil.find("#try-blocked").click()
    expect(gil.find("#try-out")).to_contain_text(re.compile(r"#2 close 1006\s+#2 error"))
    gil.find("#try-url").fill("mailto:nobody")
    gil.find("#try-connect").get_by_text("Connect").click()
    expect(gil.find("#try-out")).to_contain_text("SyntaxError")
    gil.find("#try-code").fill("1001")
    gil.find("#try-close").get_by_text("close()").click()
    expect(gil.find("#try-out")).to_contain_text("InvalidAccessError")
    gil.expect_state("OPEN")


def test_handshake_part_shows_the_real_heads(window):
    hex = window("hex")
    hex.inspect("handshake")
    expect(hex.find("#handshake-request")).to_contain_text(re.compile(r"GET /room/\S+ HTTP/1.1\s"))
    expect(hex.find("#handshake-request")).to_contain_text(re.compile(r"Upgrade: websocket", re.I))
    expect(hex.find("#handshake-response")).to_contain_text("101")
    expect(hex.find("#handshake-same")).to_have_text("✓")


def test_cut_connection_is_reopened(window):
    """The server cuts the connection without a Close frame: code 1006, not clean. The page reconnects."""
    ida = window("ida")
    ida.inspect("try")
    ida.find("#try-drop").click()
    ida.inspect("events")
    expect(event(ida, "#1 • close")).to_contain_text("code 1006")
    expect(event(ida, "#1 • close")).to_contain_text("wasClean false")
    expect(event(ida, "#2 • open")).to_have_count(1)
    ida.expect_state("OPEN")


def test_accept_key_is_computed_step_by_step(window):
    """The example of RFC 6455 1.3, from a simulated server."""
    ivo = window(server=lambda ws: ws.on_message(lambda _: ws.send(json.dumps(HANDSHAKE))))
    ivo.inspect("handshake")
    expect(ivo.find("#handshake-joined")).to_have_text(KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    expect(ivo.find("#handshake-hash")).to_have_text("b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea")
    expect(ivo.find("#handshake-accept")).to_have_text(ACCEPT)
    expect(ivo.find("#handshake-same")).to_have_text("✓")

