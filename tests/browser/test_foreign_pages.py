"""Pages from other sites cannot connect to the chat unless a flag allows it.

All names in .test lead to this machine, as a hostile page's name could (support.py).
"""

import contextlib
import http.server
import json
import threading

import pytest

from support import Chinwag, Window

# Opens a WebSocket. Returns the first message, or the code of the close event.
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
    """The port of a web server that serves a page under any host name."""
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


def test_page_of_another_origin_is_refused(page, elsewhere):
    with chat() as server:
        assert connect(page, f"http://evil.test:{elsewhere}/", f"ws://127.0.0.1:{server.port}/") == 1006


def test_page_of_an_allowed_origin_connects(page, elsewhere):
    with chat("--origin", f"http://friend.test:{elsewhere}") as server:
        url = f"ws://127.0.0.1:{server.port}/"
        assert json.loads(connect(page, f"http://friend.test:{elsewhere}/", url))["type"] == "id"
        assert connect(page, f"http://evil.test:{elsewhere}/", url) == 1006


def test_page_of_the_same_host_on_another_port_connects(page, elsewhere):
    with chat() as server:
        url = f"ws://127.0.0.1:{server.port}/"
        assert json.loads(connect(page, f"http://127.0.0.1:{elsewhere}/", url))["type"] == "id"


def test_sandboxed_page_without_origin_is_refused(page, elsewhere):
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


def test_foreign_host_name_is_refused_for_page_and_handshake(page, elsewhere):
    with chat("--origin", "*") as server:
        answer = page.goto(f"http://rebound.test:{server.port}/")
        assert answer.status == 421
        assert "--host rebound.test" in answer.text()
        assert connect(page, f"http://evil.test:{elsewhere}/", f"ws://rebound.test:{server.port}/") == 1006


def test_host_name_given_by_flag_is_served(browser, page):
    with chat("--host", "rebound.test") as server:
        ann = Window(page)
        page.goto(f"http://rebound.test:{server.port}/")
        ann.expect_state("OPEN")
        ann.join("ann").send("under this name")
        assert ann.errors == []
        assert page.goto(f"http://other.test:{server.port}/").status == 421
