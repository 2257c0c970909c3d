"""Compressed messages in a real browser. Skipped if the server was built without the feature."""

import os
import subprocess

import pytest

from support import Chinwag


def has_deflate():
    # It does not listen there, so it ends.
    command = [os.environ["CHINWAG_BIN"], "--deflate", "--listen", "x"]
    return "built without" not in subprocess.run(command, capture_output=True, text=True).stderr


pytestmark = pytest.mark.skipif(not has_deflate(), reason="the server was built without compression")

EXTENSIONS = """() => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.href.replace('http', 'ws'), 'chinwag.v1');
    socket.onopen = () => { resolve(socket.extensions); socket.close(); };
    socket.onerror = reject;
})"""


@pytest.fixture
def compressing():
    server = Chinwag("--deflate")
    yield server
    server.stop()


def test_long_messages_arrive_compressed(window, compressing):
    ann, bob = window("ann", at=compressing.url), window("bob", at=compressing.url)
    assert "permessage-deflate" in ann.page.evaluate(EXTENSIONS)
    for text in ("short", "a word, and gr\u00fc\u00dfe " * 300):
        ann.send(text.strip())
        bob.expect_message(text.strip())
    late = window("late", at=compressing.url)
    late.expect_message(text.strip())
