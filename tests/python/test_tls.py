"""wss:// with Python's TLS, in both versions. Skipped if the server was built without TLS."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import threading

import pytest
import websockets.sync.client

from conftest import BINARY, DEADLINE, Client

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("CHINWAG_", "RUST_LOG"))}


def has_tls():
    asked = subprocess.run([BINARY, "--hsts", "1"], env=environment(), capture_output=True, text=True)
    return "built without TLS" not in asked.stderr


pytestmark = pytest.mark.skipif(not has_tls(), reason="a server that was built without TLS")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(port, certificate) of a server with a self-signed certificate."""
    file = tmp_path_factory.mktemp("tls") / "self.pem"
    command = [BINARY, "--listen-tls", "127.0.0.1:0", f"--tls-self-signed={file}"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    port = int(re.search(r"https://127\.0\.0\.1:(\d+)/", process.stdout.readline())[1])
    yield port, file
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=2 * DEADLINE)
    process.stdout.close()


def context(file, version):
    context = ssl.create_default_context(cafile=file)
    context.minimum_version = context.maximum_version = version
    return context


def connect(server, version):
    port, file = server
    socket = websockets.sync.client.connect(
        f"wss://localhost:{port}/",
        ssl=context(file, version),
        subprotocols=["chinwag.v1"],
        compression=None,
        ping_interval=None,
        max_queue=None,
        open_timeout=DEADLINE,
    )
    return Client(socket.__enter__())


def secure(server, version):
    port, file = server
    plain = socket.create_connection(("localhost", port), timeout=DEADLINE)
    return context(file, version).wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)


@pytest.mark.parametrize("version", VERSIONS)
def test_two_clients_chat_over_wss(server, version):
    ann, bob = connect(server, version).sign_in("ann"), connect(server, version).sign_in("bob")
    for number in range(50):
        ann.send({"type": "message", "text": f"{number} grüße"})
    for number in range(50):
        for client in (ann, bob):
            while json.loads(said := client.next())["type"] != "message":
                pass
            assert json.loads(said)["text"] == f"{number} grüße"
    assert (ann.close(), bob.close()) == (1000, 1000)


@pytest.mark.parametrize("version", VERSIONS)
def test_page_ends_with_close_notify(server, version):
    with secure(server, version) as page:
        assert page.version() == {VERSIONS[0]: "TLSv1.2", VERSIONS[1]: "TLSv1.3"}[version]
        page.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while part := page.recv(4096):  # without close_notify this raises
            answer += part
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"</aside>\n")


def test_reading_and_writing_at_the_same_time(server):
    ann = connect(server, VERSIONS[1]).sign_in("ann")
    texts = [f"number {number}" for number in range(90)]
    writer = threading.Thread(target=lambda: [ann.send({"type": "message", "text": text}) for text in texts])
    writer.start()
    heard = []
    while len(heard) < len(texts):
        message = json.loads(ann.next())
        if message["type"] == "message":
            heard.append(message["text"])
    writer.join()
    assert heard == texts
    ann.close()


def test_tickets_resume_a_tls_session(server):
    port, file = server
    same = context(file, VERSIONS[1])

    def visit(session=None):
        plain = socket.create_connection(("localhost", port), timeout=DEADLINE)
        with same.wrap_socket(plain, server_hostname="localhost", session=session) as page:
            page.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while page.recv(4096):
                pass
            return page.session, page.session_reused

    session, reused = visit()
    assert not reused
    assert visit(session)[1]
