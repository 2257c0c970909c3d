"""How connections end: the codes, and that they arrive."""

import pytest


@pytest.mark.parametrize("protocol", ["json", "chinwag.v1", "text"])
def test_everybody_is_told_when_the_server_goes(server, protocol):
    clients = [server.client(protocol) for _ in range(3)]
    server.terminate()
    assert [client.expect_close() for client in clients] == [1001] * 3
    assert server.exit_status() == 0


@pytest.mark.parametrize("code", [1000, 1001, 3001, 4999])
def test_the_clients_own_close_is_echoed(server, code):
    assert server.client("json").close(code) == code


def test_quit(server):
    client = server.client("text")
    client.say("/quit")
    assert client.expect_close() == 1000


@pytest.mark.parametrize(
    ("code", "frame"),
    [
        (1002, b"\x81\x02hi"),  # not masked, RFC 6455 5.1
        (1002, b"\xc1\x80\x00\x00\x00\x00"),  # a reserved bit, 5.2
        (1002, b"\x83\x80\x00\x00\x00\x00"),  # a reserved opcode, 5.2
        (1002, b"\x09\x80\x00\x00\x00\x00"),  # a control frame in pieces, 5.5
        (1007, b"\x81\x81\x00\x00\x00\x00\xff"),  # no UTF-8, 8.1
        (1009, b"\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00"),  # 1 MiB announced, 7.4.1
    ],
)
def test_what_a_client_must_not_send(server, code, frame):
    witness = server.client("json").sign_in("witness")
    client = server.client("json").sign_in("bob")
    client.socket.socket.sendall(frame)
    assert client.expect_close() == code
    witness.expect_users("witness")


def test_a_message_in_pieces_is_one_message(server):
    client = server.client("json").sign_in("bob")
    client.socket.send(iter(['{"type":"mess', 'age","te', 'xt":"in pieces"}']))
    client.expect(f'{{"type":"message","name":"bob","text":"in pieces","id":{client.id},"date":DATE,"seq":1}}')
