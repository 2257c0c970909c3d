"""Rejected messages and their reasons. The connection stays open, and other clients receive nothing."""

import json

import pytest

NAMED = [
    ("not json", "bad-json"),
    ("", "bad-json"),
    ("[]", "bad-json"),
    ('"text"', "bad-json"),
    ('{"type":"message","text":"cut', "bad-json"),
    ("[" * 10000, "bad-json"),
    ({"type": "nonsense"}, "unknown-type"),
    ({"type": "userlist", "users": []}, "unknown-type"),
    ({}, "missing-field"),
    ({"type": 7}, "missing-field"),
    ({"type": "message"}, "missing-field"),
    ({"type": "message", "text": 7}, "missing-field"),
    ({"type": "username"}, "missing-field"),
    ({"type": "username", "name": None}, "missing-field"),
    ({"type": "message", "text": "x" * 20000}, "too-long"),
    ({"type": "message", "text": "hi", "target": "nobody"}, "no-such-user"),
]


@pytest.mark.parametrize(("sent", "reason"), NAMED)
def test_rejected_message_keeps_the_connection_open(server, sent, reason):
    witness = server.client("json").sign_in("witness")
    bob = server.client("json").sign_in("bob")
    witness.expect(f'{{"type":"username","name":"bob","id":{bob.id},"date":DATE}}')

    bob.send(sent)
    bob.expect_error(reason)
    bob.send({"type": "message", "text": "still here"})
    for client in witness, bob:
        client.expect(f'{{"type":"message","name":"bob","text":"still here","id":{bob.id},"date":DATE,"seq":1}}')


@pytest.mark.parametrize("protocol", ["json", "chinwag.v1"])
def test_message_without_a_name_is_rejected(server, protocol):
    client = server.client(protocol)
    client.send({"type": "message", "text": "hi"})
    client.expect_error("no-name")


def test_name_that_the_profile_forbids_becomes_guest(server):
    client = server.client("json")
    for name in ["", "  ", "a\u0000b", "x" * 33]:
        client.send({"type": "username", "name": name})
        if name:  # an empty one asks for "guest"
            client.expect_error("bad-name")
        client.expect(f'{{"type":"rejectusername","id":{client.id},"name":"guest"}}')
        client.expect(f'{{"type":"username","name":"guest","id":{client.id},"date":DATE}}')


def test_binary_message_gets_an_error_and_a_close(server):
    client = server.client("json")
    client.send(b"\x00\x01")
    client.expect_error("not-text")
    assert client.expect_close() == 1003


def test_flood_gets_errors_and_then_a_close(server):
    witness = server.client("json").sign_in("witness")
    bob = server.client("json").sign_in("bob")
    for _ in range(2000):
        try:
            bob.send({"type": "message", "text": "x"})
        except Exception:
            break  # closed while it was still sending
    assert bob.expect_close() == 1008
    reasons = {json.loads(message).get("reason") for message in bob.everything}
    assert "too-fast" in reasons
    witness.expect_users("witness")


def test_hundred_errors_in_a_row_close_the_connection(server):
    client = server.client("json")
    for _ in range(99):
        client.send("not json")
        client.expect_error("bad-json")
    client.send("not json")
    assert client.expect_close() == 1008
