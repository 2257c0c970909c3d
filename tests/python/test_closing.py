"""The codes with which connections end."""

import pytest


@pytest.mark.parametrize("protocol", ["json", "chinwag.v1", "text"])
def test_shutdown_closes_all_clients_with_1001(server, protocol):
    clients = [server.client(protocol) for _ in range(3)]
    server.terminate()
    assert [client.expect_close() for client in clients] == [1001] * 3
    assert server.exit_status() == 0


@pytest.mark.parametrize("code", [1000, 1001, 3001, 4999])
def test_close_code_of_the_client_is_echoed(server, code):
    assert server.client("json").close(code) == code


def test_quit_command_closes_with_1000(server):
    client = server.client("text")
    client.send("/quit")
    assert client.expect_close() == 1000


@pytest.mark.parametrize(
    ("code", "frame"),
    [
        (1002, b"\x81\x02hi"),  # not masked, RFC 6455 5.1
        (1002, b"\xc1\x80\x00\x00\x00\x00"),  # a reserved bit, 5.2
        (1002, b"\x83\x80\x00\x00\x00\x00"),  # a reserved opcode, 5.2
        (1002, b"\x09\x80\x00\x00\x00\x00"),  # a fragmented control frame, 5.5
        (1007, b"\x81\x81\x00\x00\x00\x00\xff"),  # not UTF-8, 8.1
        (1009, b"\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00"),  # 1 MiB announced, 7.4.1
    ],
)
def test_invalid_frame_is_closed_with_its_code(server, code, frame):
    witness = server.client("json").sign_in("witness")
    client = server.client("json").sign_in("bob")
    client.socket.socket.sendall(frame)
    assert client.expect_close() == code
    witness.expect_users("witness")


def test_fragmented_message_is_one_message(server):
    client = server.client("json").sign_in("bob")
    client.socket.send(iter(['{"type":"mess', 'age","te', 'xt":"in fragments"}']))
    client.expect(f'{{"type":"message","name":"bob","text":"in fragments","id":{client.id},"date":DATE,"seq":1}}')
