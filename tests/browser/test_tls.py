"""https:// and wss:// in a real browser. Skipped if the server was built without TLS."""

import os
import queue
import re
import subprocess
import threading

import pytest
from playwright.sync_api import expect

from support import ARGS, CHROMIUM, DEADLINE, Window


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("CHINWAG_")}


def has_tls():
    result = subprocess.run([os.environ["CHINWAG_BIN"], "--hsts", "1"], env=environment(), capture_output=True, text=True)
    return "built without TLS" not in result.stderr


pytestmark = pytest.mark.skipif(not has_tls(), reason="the server was built without TLS")


@pytest.fixture
def secure(tmp_path):
    """The address of a server with a self-signed certificate, and the hash of its key."""
    file = tmp_path / "self.pem"
    command = [os.environ["CHINWAG_BIN"], "--listen-tls", "127.0.0.1:0", f"--tls-self-signed={file}"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    lines = queue.Queue()
    threading.Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True).start()
    url = re.search(r"https://[\d.:]+/", lines.get(timeout=DEADLINE))[0]
    key = subprocess.run(["openssl", "x509", "-pubkey", "-noout", "-in", file], capture_output=True, check=True)
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key.stdout, capture_output=True, check=True)
    hashed = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der.stdout, capture_output=True, check=True)
    encoded = subprocess.run(["openssl", "base64", "-A"], input=hashed.stdout, capture_output=True, check=True)
    yield url, encoded.stdout.decode()
    process.kill()
    process.wait(DEADLINE)


def test_two_windows_chat_over_wss(playwright, secure):
    url, key = secure
    # This browser trusts this key only. Certificates with other keys are still refused.
    trust = f"--ignore-certificate-errors-spki-list={key}"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGS, trust])
    windows = {name: browser.new_context(locale="en-US").new_page() for name in ("ann", "bob")}
    sockets = []
    for page in windows.values():
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.goto(url)
    ann, bob = (open_chat(page, name) for name, page in windows.items())
    ann.send("hello over TLS")
    bob.expect_message("hello over TLS")
    bob.send("and back")
    ann.expect_message("and back")
    assert sockets and all(socket.startswith(url.replace("https:", "wss:")) for socket in sockets), sockets
    assert windows["ann"].evaluate("isSecureContext")
    assert ann.errors + bob.errors == []
    browser.close()


def open_chat(page, name):
    window = Window(page)
    window.expect_state("OPEN")
    expect(page).to_have_title(re.compile("."))
    return window.join(name)
