"""Rooms, numbers, history and resumption, byte for byte."""

import json
import urllib.error
import urllib.request

import conftest
import pytest


def send_text(client, text, **fields):
    client.send({"type": "message", "text": text, **fields})


def message(client, text, seq, **fields):
    """What all clients in the room receive, as a template for `expect`."""
    said = f'{{"type":"message","name":"{client.name}","text":"{text}","id":{client.id},"date":DATE,"seq":{seq}'
    return said + "".join(f',"{name}":"{value}"' for name, value in fields.items()) + "}"


def signed_in(server, name, at=""):
    client = server.client("chinwag.v1", at=at).sign_in(name)
    client.name = name
    return client


@pytest.mark.parametrize("path", ["room/kitchen", "room/Kitchen", "room/%6bitchen", "room/k%C4%B1tchen?since=0"])
def test_room_is_separate_from_the_lobby(server, path):
    lobby, kitchen = signed_in(server, "bob"), signed_in(server, "bob", path)
    send_text(kitchen, "in the kitchen")
    kitchen.expect(message(kitchen, "in the kitchen", 1))
    send_text(lobby, "in the lobby")
    lobby.expect(message(lobby, "in the lobby", 1))
    lobby.expect_users("bob")
    kitchen.expect_users("bob")


def test_spellings_of_a_room_name_are_one_room(server):
    one = signed_in(server, "ann", "room/The%20K%C3%BCche")
    two = signed_in(server, "bob", "room/the%20%20K%C3%9CCHE")
    one.expect(f'{{"type":"username","name":"bob","id":{two.id},"date":DATE}}')
    send_text(two, "hi")
    for client in one, two:
        client.expect(message(two, "hi", 1))


@pytest.mark.parametrize("path", ["room", "room/", "room/%20", "room/a/b", "room/" + "x" * 65, "room/%ff", "room/%00", "x"])
def test_invalid_room_path_gets_404(server, path):
    with pytest.raises(Exception, match="404"):
        server.client("json", at=path)
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        urllib.request.urlopen(server.url.replace("ws", "http") + path, timeout=conftest.DEADLINE)
    assert refused.value.read().decode().strip().endswith(".")


def test_room_path_serves_the_page(server):
    url = server.url.replace("ws", "http")
    with urllib.request.urlopen(url, timeout=conftest.DEADLINE) as answer:
        page = answer.read()
    with urllib.request.urlopen(url + "room/some%20where", timeout=conftest.DEADLINE) as answer:
        # The addresses in it are relative.
        assert answer.read().replace(b'"../', b'"') == page
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_new_client_receives_the_history(server):
    ann = signed_in(server, "ann")
    for seq in range(1, 61):
        send_text(ann, f"message {seq}")
        ann.expect(message(ann, f"message {seq}", seq))
    for protocol in "json", "chinwag.v1":
        bob = server.client(protocol)
        assert json.loads(bob.hello)["seq"] == 60
        for seq in range(11, 61):
            bob.expect(message(ann, f"message {seq}", seq))
    cat = server.client("text")
    lines = [cat.hello] + [cat.next() for _ in range(49)]
    for seq, line in zip(range(11, 61), lines, strict=True):
        time, rest = line.split("] ")
        assert time.startswith("[20") and len(time) == len("[2026-11-22 12:34") and rest == f"ann: message {seq}"
    cat.expect("* you are guest-4")


def test_returning_client_receives_missed_messages(server):
    ann, bob = signed_in(server, "ann", "room/x"), signed_in(server, "bob", "room/x")
    ann.next()
    send_text(ann, "one", nonce="n1")
    bob.expect(message(ann, "one", 1))
    log = json.loads(bob.hello)["log"]
    bob.close()
    ann.expect_users("ann")
    for seq, text in enumerate(["two", "three", "four"], 2):
        send_text(ann, text, nonce=f"n{seq}")
    for seq, text in enumerate(["one", "two", "three", "four"], 1):
        ann.expect(message(ann, text, seq, nonce=f"n{seq}"))

    again = server.client("chinwag.v1", at=f"room/x?since=1&log={log}")
    hello = json.loads(again.hello)
    assert (hello["type"], hello["seq"], hello["log"]) == ("id", 4, log)
    for seq, text in enumerate(["two", "three", "four"], 2):
        again.expect(message(ann, text, seq))

    # A message that is sent again is not delivered again. Only its sender gets a reply.
    again.name = "bob"
    again.sign_in("bob")
    ann.expect(f'{{"type":"username","name":"bob","id":{again.id},"date":DATE}}')
    send_text(again, "four", nonce="n4")
    again.expect(message(ann, "four", 4, nonce="n4"))
    send_text(again, "five", nonce="n5")
    again.expect(message(again, "five", 5, nonce="n5"))
    ann.expect(message(again, "five", 5))


@pytest.mark.parametrize("query", ["since=1&log=another", "since=99"])
def test_resumption_with_an_unknown_numbering_gets_a_gap(server, query):
    ann = signed_in(server, "ann")
    send_text(ann, "one")
    ann.expect(message(ann, "one", 1))
    back = server.client("chinwag.v1", at=f"?{query}")
    back.expect('{"type":"gap"}')
    back.expect(message(ann, "one", 1))


def test_gap_counts_messages_that_were_not_kept():
    server = conftest.Server("--limit", "room-messages=2")
    try:
        ann = signed_in(server, "ann")
        for seq in range(1, 6):
            send_text(ann, "x")
            ann.expect(message(ann, "x", seq))
        back = server.client("chinwag.v1", at="?since=1")
        back.expect('{"type":"gap","missed":2}')
        back.expect(message(ann, "x", 4))
        back.expect(message(ann, "x", 5))
        assert server.client("text", at="?since=1").hello == "* 2 messages are gone"
    finally:
        server.end()


@pytest.mark.parametrize("nonce", ["", 7, ["a"], "x" * 65])
def test_invalid_nonce_is_rejected(server, nonce):
    ann = signed_in(server, "ann")
    send_text(ann, "hi", nonce=nonce)
    ann.expect_error("missing-field")


def test_error_contains_the_nonce(server):
    client = server.client("json")
    send_text(client, "hi", nonce="n1")
    refusal = json.loads(client.next())
    assert (refusal["reason"], refusal["nonce"]) == ("no-name", "n1")


def test_history_lines_0_sends_no_history():
    server = conftest.Server("--history-lines", "0")
    try:
        ann = signed_in(server, "ann")
        send_text(ann, "hi")
        ann.expect(message(ann, "hi", 1))
        signed_in(server, "bob").close()
        back = server.client("json", at="?since=0")
        back.expect(message(ann, "hi", 1))
    finally:
        server.end()


def test_list_of_rooms(server):
    url = server.url.replace("ws", "http") + "rooms"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(url, timeout=conftest.DEADLINE)
    listing = conftest.Server("--list-rooms")
    try:
        url = listing.url.replace("ws", "http") + "rooms"

        def rooms():
            with urllib.request.urlopen(url, timeout=conftest.DEADLINE) as answer:
                assert answer.headers["Cache-Control"] == "no-store"
                assert answer.headers["Content-Type"] == "application/json"
                return answer.read().decode()

        assert rooms() == '{"rooms":[{"name":"","users":0}]}'
        signed_in(listing, "ann"), signed_in(listing, "bob")
        kitchen = signed_in(listing, "ann", "room/Kitchen")
        kitchen.expect_users("ann")
        # The list is updated after a batch is sent. Another round trip comes after that.
        send_text(kitchen, "hi")
        kitchen.expect(message(kitchen, "hi", 1))
        assert rooms() == '{"rooms":[{"name":"","users":2},{"name":"Kitchen","users":1}]}'
    finally:
        listing.end()
