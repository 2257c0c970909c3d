"""What pages from elsewhere can do to a chat on this network: nothing, unless a flag says so.

All names that end in .test lead to this machine, as a hostile page's own name would (support.py).
"""

import contextlib
import http.server
import json
import threading

import pytest

from support import Chinwag, Window

# Opens a WebSocket, and says how far that came: the first message, or the code of the end.
CONNECT = """url => new Promise(resolve => {
    const socket = new WebSocket(url, "json");
    socket.onmessage = event => { resolve(event.data); socket.close(); };
    socket.onclose = event => resolve(event.code);
})"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def elsewhere():
    """The port of a web server that serves some page, whatever the name it is asked by."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def chat(*flags):
    server = Chinwag(*flags)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


def connect(page, origin, url):
    page.goto(origin)
    return page.evaluate(CONNECT, url)


def test_a_page_on_another_origin_cannot_open_a_chat_connection(page, elsewhere):
    with chat() as server:
        assert connect(page, f"http://evil.test:{elsewhere}/", f"ws://127.0.0.1:{server.port}/") == 1006


def test_it_can_when_its_origin_is_allowed_and_no_other_can(page, elsewhere):
    with chat("--origin", f"http://friend.test:{elsewhere}") as server:
        url = f"ws://127.0.0.1:{server.port}/"
        assert json.loads(connect(page, f"http://friend.test:{elsewhere}/", url))["type"] == "id"
        assert connect(page, f"http://evil.test:{elsewhere}/", url) == 1006


def test_a_page_of_the_same_host_on_another_port_can(page, elsewhere):
    with chat() as server:
        url = f"ws://127.0.0.1:{server.port}/"
        assert json.loads(connect(page, f"http://127.0.0.1:{elsewhere}/", url))["type"] == "id"


def test_a_sandboxed_page_has_no_origin_and_cannot(page, elsewhere):
    with chat() as server:
        page.goto(f"http://evil.test:{elsewhere}/")
        frame = """url => new Promise(resolve => {
            onmessage = event => resolve(event.data);
            const frame = document.createElement("iframe");
            frame.sandbox = "allow-scripts";
            frame.srcdoc = `<script>new WebSocket("${url}").onclose = e => parent.postMessage(e.code, "*")</` + "script>";
            document.body.append(frame);
        })"""
        assert page.evaluate(frame, f"ws://127.0.0.1:{server.port}/") == 1006


def test_a_foreign_host_is_refused_page_and_handshake_alike(page, elsewhere):
    with chat("--origin", "*") as server:
        answer = page.goto(f"http://rebound.test:{server.port}/")
        assert answer.status == 421
        assert "--host rebound.test" in answer.text()
        assert connect(page, f"http://evil.test:{elsewhere}/", f"ws://rebound.test:{server.port}/") == 1006


def test_a_host_that_is_given_is_served_page_and_chat(browser, page):
    with chat("--host", "rebound.test") as server:
        ann = Window(page)
        page.goto(f"http://rebound.test:{server.port}/")
        ann.expect_state("OPEN")
        ann.join("ann").say("under this name, too")
        assert ann.complaints == []
        assert page.goto(f"http://other.test:{server.port}/").status == 421
