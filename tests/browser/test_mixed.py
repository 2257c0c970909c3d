"""A page from https uses wss, and explains why the browser refuses ws. Python's ssl module terminates TLS."""

import re
import socket
import socketserver
import ssl
import subprocess
import threading

import pytest
from playwright.sync_api import expect

from support import Chinwag

CERTIFICATE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=chat.test -keyout {0} -out {0}"


class Tunnel(socketserver.ThreadingTCPServer):
    """Terminates TLS and forwards the bytes to a local port."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, certificate, port):
        super().__init__(("127.0.0.1", 0), None)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.target = port

    def finish_request(self, client, _):
        try:
            with self.context.wrap_socket(client, server_side=True) as outer, socket.create_connection(
                ("127.0.0.1", self.target)
            ) as inner:
                threading.Thread(target=copy, args=(inner, outer), daemon=True).start()
                copy(outer, inner)
        except OSError:
            pass  # one side has closed


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def secure(tmp_path):
    """The https address of a chat."""
    certificate = tmp_path / "chat.pem"
    subprocess.run(CERTIFICATE.format(certificate).split(), check=True, capture_output=True)
    server = Chinwag("--host", "chat.test")
    tunnel = Tunnel(certificate, server.port)
    threading.Thread(target=tunnel.serve_forever, daemon=True).start()
    yield f"https://chat.test:{tunnel.server_address[1]}/"
    tunnel.shutdown()
    tunnel.server_close()
    server.stop()


def test_page_from_https_uses_wss_and_explains_mixed_content(window, secure, allowed):
    allowed.append("^error: Mixed Content")
    ann = window("ann", at=secure, ignore_https_errors=True)
    ann.send("encrypted")
    ann.inspect("connection")
    expect(ann.find("#connection-url")).to_have_text(re.compile("^wss://chat.test:"))
    ann.inspect("try")
    expect(ann.find("#try-url")).to_have_value(secure.replace("https", "wss"))
    ann.find("#try-url").fill("ws://chat.test:80/")
    ann.find("#try-connect button").click()
    expect(ann.find("#try-out")).to_have_text("SecurityError: Pages from https:// cannot connect to ws:// (mixed content). Use wss://.")
    ann.expect_state("OPEN")
