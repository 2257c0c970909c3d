"""What is refused, and with which word; the connection lives on, and nobody else notices."""

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
def test_refused_and_still_connected(server, sent, reason):
    witness = server.client("json").sign_in("witness")
    bob = server.client("json").sign_in("bob")
    witness.expect(f'{{"type":"username","name":"bob","id":{bob.id},"date":DATE}}')

    bob.say(sent)
    bob.expect_error(reason)
    bob.say({"type": "message", "text": "still here"})
    for client in witness, bob:
        client.expect(f'{{"type":"message","name":"bob","text":"still here","id":{bob.id},"date":DATE,"seq":1}}')


@pytest.mark.parametrize("protocol", ["json", "chinwag.v1"])
def test_who_has_no_name_is_not_heard(server, protocol):
    client = server.client(protocol)
    client.say({"type": "message", "text": "hi"})
    client.expect_error("no-name")


def test_a_name_that_the_profile_refuses_becomes_guest(server):
    client = server.client("json")
    for name in ["", "  ", "a\u0000b", "x" * 33]:
        client.say({"type": "username", "name": name})
        client.expect(f'{{"type":"rejectusername","id":{client.id},"name":"guest"}}')
        client.expect(f'{{"type":"username","name":"guest","id":{client.id},"date":DATE}}')


def test_a_binary_message_is_answered_and_closes(server):
    client = server.client("json")
    client.say(b"\x00\x01")
    client.expect_error("not-text")
    assert client.expect_close() == 1003


def test_a_flood_is_refused_and_then_closed(server):
    witness = server.client("json").sign_in("witness")
    bob = server.client("json").sign_in("bob")
    for _ in range(2000):
        try:
            bob.say({"type": "message", "text": "x"})
        except Exception:
            break  # closed while it was still sending
    assert bob.expect_close() == 1008
    reasons = {json.loads(message).get("reason") for message in bob.everything}
    assert "too-fast" in reasons
    witness.expect_users("witness")


def test_a_hundred_errors_in_a_row_end_it(server):
    client = server.client("json")
    for _ in range(99):
        client.say("not json")
        client.expect_error("bad-json")
    client.say("not json")
    assert client.expect_close() == 1008
