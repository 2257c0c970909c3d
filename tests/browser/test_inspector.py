"""The inspector: states, events, frames and close codes, and the buttons that cause them."""

import re

import pytest
from playwright.sync_api import expect

from support import IS_FIREFOX, NETWORK, Chinwag

KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 1.3


def line(window, text):
    return window.find("#event-list > details", has=window.find("summary", has_text=re.compile(text)))


def open_line(window, text):
    """Opens the first line with this text, and returns it."""
    found = line(window, text).first
    if found.get_attribute("open") is None:
        found.locator("summary").click()
    expect(found.locator("> div")).to_be_visible()
    return found


def test_nothing_of_it_is_loaded_before_it_is_opened(window):
    ann = window("ann")
    loaded = "() => performance.getEntriesByType('resource').filter(({ name }) => /inspector/.test(name)).length"
    assert ann.page.evaluate(loaded) == 0
    ann.inspect()
    assert ann.page.evaluate(loaded) == 3


def test_connection_part_shows_the_socket(window, url):
    ann = window("ann")
    ann.inspect("connection")
    expect(ann.find("#connection-readyState")).to_have_text("1")
    expect(ann.find("#connection-url")).to_have_text(url.replace("http", "ws"))
    expect(ann.find("#connection-protocols")).to_have_text('["chinwag.v1"]')
    expect(ann.find("#connection-protocol")).to_have_text('"chinwag.v1"')
    expect(ann.find("#connection-bufferedAmount")).to_have_text("0")
    expect(ann.find("#connection-old")).to_contain_text(re.compile(r"\d+ requests, \d{5} bytes"))
    expect(ann.find("#connection-code")).to_contain_text("'WebSocket' in window // true")


def test_timeline_is_beside_every_part(window):
    ann = window("ann")
    for part in ("lesson", "try", "play", "connection"):
        ann.inspect(part)
        expect(line(ann, "#1.*onopen").first).to_be_in_viewport()
        expect(ann.find("#text")).to_be_in_viewport()  # the conversation, too


def test_causes_come_before_effects_and_the_oldest_is_first(window):
    ben = window("ben")
    ben.send("look at this")
    ben.inspect()
    expect(line(ben, "onmessage.*look at this")).to_have_count(1)
    names = ben.find("#event-list .browser").all_text_contents()
    assert names[:2] == ["#1 new WebSocket()", "#1 onopen"], names
    lines = ben.find("#event-list summary").all_text_contents()
    at = [next(n for n, text in enumerate(lines) if re.search(what, text)) for what in ("send\\(\\).*look at", "onmessage.*look at")]
    assert at[0] < at[1], lines


def test_bands_show_the_states_and_their_times(window):
    """CONNECTING and CLOSING take a while on a slow connection, and the band has the time of each."""
    leo = window("leo")
    leo.inspect("try")
    expect(leo.find(".band [aria-current]")).to_have_text("OPEN")
    expect(leo.find(".band .CONNECTING small")).to_have_text(re.compile(r"ms|s"))
    leo.find("#try-slow").click()
    band = leo.find(".band").nth(1)
    expect(band.locator("[aria-current]")).to_have_text("CONNECTING")
    expect(band.locator("[aria-current]")).to_have_text("OPEN")
    expect(band.locator(".CONNECTING small")).to_have_text(re.compile(r"[2-9]\.\d s|\d\d\.\d s"))
    leo.find("#try-close .code").click()
    expect(band.locator("[aria-current]")).to_have_text("CLOSING")
    expect(band.locator("[aria-current]")).to_have_text("CLOSED")
    expect(band.locator(".CLOSING small")).to_have_text(re.compile(r"[2-9]\.\d s|\d\d\.\d s"))
    expect(line(leo, "#2 onclose")).to_contain_text("Close 4000 “bye” · wasClean true")


def test_frame_of_the_page_has_the_mask_that_the_server_saw(window):
    ben = window("ben")
    ben.inspect()
    ben.send("mask me")
    sent = open_line(ben, r"send\(\).*mask me")
    expect(sent.locator("pre").first).to_contain_text('"text": "mask me"')
    hex = sent.locator(".hex")
    expect(hex).to_have_count(1)
    bytes = bytearray.fromhex(hex.inner_text().replace("…", ""))
    payload = bytes[6:] if bytes[1] & 127 < 126 else bytes[8:]
    key = bytes[2:6] if bytes[1] & 127 < 126 else bytes[4:8]
    assert bytes[0] == 0x81 and bytes[1] & 0x80
    assert bytearray(byte ^ key[n % 4] for n, byte in enumerate(payload)).startswith(b'{"type":"message","nonce":')
    expect(sent.locator(".diagram")).to_have_attribute("aria-label", re.compile("FIN 1, RSV1 0.*opcode 0001, MASK 1"))
    steps = sent.locator(".xor li")
    expect(steps).to_have_count(1)
    expect(steps).to_contain_text("7b 01111011 “{”")
    sent.get_by_text("Next byte").click()
    expect(steps.nth(1)).to_contain_text("22 00100010 “\"”")
    ben.find("#filter").fill("mask me")
    expect(ben.find("#event-list summary:visible")).to_have_count(2)


def test_headers_of_long_frames(window):
    """The length takes 1, 3 or 9 bytes (RFC 6455 5.2). A list of many users needs 9."""
    sizes = {125: "81 7d", 126: "81 7e 00 7e", 65535: "81 7e ff ff", 65536: "81 7f 00 00 00 00 00 01 00 00"}
    lines = {size: f'{{"type":"x{size}"}}'.ljust(size) for size in sizes}
    leo = window(server=lambda ws: [ws.send(line) for line in lines.values()])
    leo.inspect()
    for size, header in sizes.items():
        opened = open_line(leo, f"x{size}")
        expect(opened.locator(".hex")).to_have_text(re.compile(f"^{header} 7b 22"))
        expect(opened.locator(".legend")).to_contain_text(f"= {size + len(header.split())} B")


@pytest.mark.skipif(IS_FIREFOX, reason="Playwright cannot grant the permission in Firefox")
def test_copy_button_copies_the_timeline(window):
    coy = window("coy")
    coy.page.context.grant_permissions(["clipboard-read"])
    coy.inspect()
    coy.find("#copy-events").click()
    assert "#1 onopen" in coy.page.evaluate("navigator.clipboard.readText()")


def test_close_code_is_shown_and_the_page_reconnects(window):
    """The chat's connection is closed with code 4000, and the close event has the same code."""
    dot = window("dot")
    dot.inspect("try")
    expect(dot.find("#try-on")).to_contain_text("connection #1")
    dot.find("#try-close .code").click()
    expect(line(dot, r"#1 close\(\)")).to_contain_text("Close 4000 “bye”")
    expect(line(dot, "#1 onclose")).to_contain_text("Close 4000 “bye” · wasClean true")
    expect(line(dot, "#1 onclose")).to_contain_text("4000: its meaning is up to the application")
    expect(line(dot, "#2 onopen")).to_have_count(1)
    expect(dot.find(".band [aria-current]")).to_have_text(["CLOSED", "OPEN"])


def test_own_connection_with_another_subprotocol(window, url):
    eve = window("eve")
    eve.inspect("try")
    eve.find("#try-protocols").fill("text")
    eve.find("#try-connect button").click()
    expect(eve.find("#try-on")).to_contain_text("connection #2")
    eve.find("#try-raw").fill("/users")
    eve.find("#try-send .code").click()
    expect(line(eve, "#2 onmessage.*users:.*eve")).to_have_count(1)
    expect(open_line(eve, r"#2 send\(\)")).to_contain_text("The browser hides its mask.")
    expect(eve.find("#try-drop")).to_be_disabled()
    eve.find("#try-binary").click()
    expect(line(eve, "#2 onclose")).to_contain_text("Close 1003")
    eve.find("#try-raw").fill("no more")
    eve.expect_state("OPEN")


def test_own_connection_is_closed_with_the_page(window):
    """A page with an open socket is not kept for the Back button."""
    zoe = window("zoe")
    zoe.inspect("try")
    zoe.find("#try-connect button").click()
    expect(zoe.find("#try-on")).to_contain_text("connection #2")
    zoe.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    expect(line(zoe, "#2 onclose")).to_contain_text("Close 1000")


def test_errors_of_the_browser_are_shown(window, allowed):
    """A blocked port and a wrong subprotocol cause error and close events. A bad URL, a bad code and haste throw."""
    allowed.append(NETWORK)
    gil = window("gil")
    gil.inspect("try")
    gil.find("#try-blocked").click()
    expect(line(gil, "#2 onclose")).to_contain_text("1006: no Close frame came")
    gil.find("#try-wrong-protocol").click()
    if IS_FIREFOX:  # it keeps a connection without a subprotocol
        expect(line(gil, "#3 onopen")).to_have_count(1)
    else:
        expect(line(gil, "#3 onclose")).to_contain_text("1006: no Close frame came")
    names = [name for name in gil.find("#event-list .browser").all_text_contents() if name[:2] in ("#2", "#3")]
    assert [name for name in names if "close" in name or "error" in name] == ["#2 onerror", "#2 onclose"] + ([] if IS_FIREFOX else ["#3 onerror", "#3 onclose"])
    gil.find("#try-early").click()
    expect(gil.find("#try-out")).to_contain_text("InvalidStateError")
    gil.find("#try-url").fill("mailto:nobody")
    gil.find("#try-connect button").click()
    expect(gil.find("#try-out")).to_contain_text("SyntaxError")
    gil.find("#try-code").fill("1001")
    gil.find("#try-close .code").click()
    expect(gil.find("#try-out")).to_contain_text("InvalidAccessError")
    gil.expect_state("OPEN")


def test_a_megabyte_waits_in_the_browser(window):
    ida = window("ida")
    ida.inspect("try")
    ida.find("#try-megabyte").click()
    expect(ida.find("#try-out")).to_contain_text(re.compile(r"bufferedAmount is 1048\d{3} right after"))
    expect(line(ida, "#2 onclose")).to_contain_text("1009: the message is too big")
    ida.expect_state("OPEN")


def test_handshake_is_in_its_lines(window):
    hex = window("hex")
    hex.inspect()
    expect(open_line(hex, "#1 new WebSocket")).to_contain_text(re.compile(r"GET /room/\S+ HTTP/1.1\s"))
    expect(line(hex, "#1 new WebSocket").locator("pre.request")).to_contain_text(re.compile("Upgrade: websocket", re.I))
    opened = open_line(hex, "#1 onopen")
    expect(opened.locator("pre.response")).to_contain_text("101")
    expect(opened.locator(".accept")).to_contain_text("✓")


def test_accept_key_is_computed_step_by_step(window):
    """The example of RFC 6455 1.3, from a simulated server."""
    answer = (
        '{"type":"handshake","request":["GET / HTTP/1.1","Sec-WebSocket-Key: %s"],'
        '"response":["HTTP/1.1 101 Switching Protocols","Sec-WebSocket-Accept: %s"]}' % (KEY, ACCEPT)
    )
    ivo = window(server=lambda ws: ws.on_message(lambda text: ws.send(answer) if "inspect" in text else None))
    ivo.inspect()
    opened = open_line(ivo, "#1 onopen")
    expect(opened).to_contain_text(KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    expect(opened).to_contain_text("b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea")
    expect(opened.locator(".accept")).to_have_text(f"{ACCEPT} ✓")


def test_cut_connection_is_reopened(window):
    """The server cuts the connection without a Close frame: code 1006, not clean. The page reconnects."""
    ida = window("ida")
    ida.inspect("try")
    ida.find("#try-drop").click()
    expect(line(ida, "#1 onclose")).to_contain_text("1006: no Close frame came")
    expect(line(ida, "#2 onopen")).to_have_count(1)
    ida.expect_state("OPEN")


def test_pings_that_browsers_hide_are_in_the_timeline(window):
    server = Chinwag("--limit", "ping-seconds=1")
    try:
        pia = window("pia", at=server.url)
        pia.inspect("try")
        pia.find("#try-connect button").click()
        expect(pia.find("#try-on")).to_contain_text("connection #2")
        for n in range(20):  # until a second of quiet, after which the server sends a Ping
            pia.page.wait_for_timeout(1200)
            pia.find("#try-raw").fill(f'{{"type":"ping","n":{n}}}')
            pia.find("#try-send .code").click()
            expect(line(pia, f"send.*\"n\":{n}}}")).to_have_count(1)
            if line(pia, "#2 automatic.*Pong").count():
                break
        expect(line(pia, "#2 automatic.*Pong").first).to_be_attached()
        expect(open_line(pia, "#2 automatic.*Ping").locator(".hex")).to_have_text(re.compile("^89 0"))
        expect(open_line(pia, "#2 automatic.*Pong").locator(".hex")).to_have_text(re.compile("^8a 8"))
    finally:
        server.stop()
