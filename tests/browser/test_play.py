"""Playing with frames: the server reads the bytes, and closes the reader's own connection as RFC 6455 says."""

import re

import pytest
from playwright.sync_api import expect

from test_inspector import line

MASK = "37 fa 21 3d"

# The example, what its bytes begin with, and how the connection ends. None: it stays open.
EXAMPLES = [
    ("hello", f"81 85 {MASK} 7f 9f 4d 51 58", None),
    ("ping", f"89 82 {MASK}", None),
    ("unmasked", "81 05 48 65 6c 6c 6f", 1002),
    ("rsv1", "c1 85", 1002),
    ("reserved", "83 80", 1002),
    ("utf8", "81 82", 1007),
    ("longPing", "89 fe 00 7e", 1002),
    ("fragmentedPing", "09 80", 1002),
    ("tooLong", "81 ff 00 00 00 00 00 01 11 70", 1009),
    ("badCode", "88 82", 1002),
]


@pytest.mark.parametrize("example, begin, code", EXAMPLES, ids=[example for example, *_ in EXAMPLES])
def test_server_judges_the_bytes(window, example, begin, code):
    ann = window("ann")
    ann.inspect("play")
    ann.find("#play-example").select_option(example)
    expect(ann.find("#play-bytes")).to_have_value(re.compile(f"^{begin}"))
    ann.find("#play-form .primary").click()
    expect(line(ann, f"#2 your bytes.*{begin}")).to_have_count(1)
    if code:
        expect(line(ann, "#2 onclose")).to_contain_text(f"Close {code}")
        expect(line(ann, "#2 onclose")).to_contain_text(f"{code}: ")
    else:
        expect(line(ann, '#2 onmessage.*"type":"pong"')).to_have_count(1)
        expect(line(ann, "#2 onclose")).to_have_count(0)
    ann.expect_state("OPEN")


def test_fields_and_bytes_follow_each_other(window):
    ben = window("ben")
    ben.inspect("play")
    ben.find("#play-data").fill("héllo")
    expect(ben.find("#play-payload")).to_have_value("68 c3 a9 6c 6c 6f")
    ben.find("#play-payload").fill("68 69")
    expect(ben.find("#play-data")).to_have_value("hi")
    ben.find("#play-mask").uncheck()
    ben.find("#play-rsv3").check()
    ben.find("#play-fin").uncheck()
    ben.find("#play-opcode").fill("2")
    ben.find("#play-length").fill("200")
    expect(ben.find("#play-bytes")).to_have_value("12 7e 00 c8 68 69")
    expect(ben.find("#play-note")).to_have_text("198 bytes are missing: the server will wait for them.")
    expect(ben.find("#play-diagram .diagram")).to_have_attribute("aria-label", re.compile("FIN 0, .*RSV3 1, opcode 0010, MASK 0"))
    ben.find("#play-bytes").fill("8")
    expect(ben.find("#play-note")).to_contain_text("not pairs of hexadecimal digits")


def test_incomplete_frame_takes_what_follows_as_its_payload(window):
    """The server waits for the rest: the page's ping becomes payload, so it is not answered."""
    kim = window("kim")
    kim.inspect("play")
    kim.find("#play-bytes").fill(f"81 bc {MASK}")
    kim.find("#play-form .primary").click()
    expect(line(kim, "#2 your bytes")).to_have_count(1)
    expect(line(kim, r'#2 send\(\).*"type":"ping"')).to_have_count(1)
    kim.inspect("try")
    kim.find("#try-raw").fill("x" * 60)
    kim.find("#try-send .code").click()
    expect(line(kim, "#2 (onclose|onmessage.*bad-json)").first).to_be_attached()
    expect(line(kim, '#2 onmessage.*"type":"pong"')).to_have_count(0)
