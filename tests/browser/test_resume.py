"""No message is lost or shown twice when connections end or the server restarts, with and without history.

CHINWAG_OUTAGE is the length of the outage in seconds (default 2).
"""

import json
import os
import re
import subprocess
import time

import pytest
from playwright.sync_api import expect

from support import DEADLINE, NETWORK, Chinwag

OUTAGE = float(os.environ.get("CHINWAG_OUTAGE", 2))
HIDE, SHOW = (f"dispatchEvent(new PageTransitionEvent('page{what}', {{ persisted: true }}))" for what in ("hide", "show"))

# Sends one text after the other, with pauses, also while the connection is down.
TYPE = """async ([texts, pause]) => {
    const text = document.getElementById('text');
    for (const next of texts) {
        text.value = next;
        text.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
        await new Promise((done) => setTimeout(done, pause));
    }
    window.typed = true;
}"""


def has_history():
    asked = subprocess.run([os.environ["CHINWAG_BIN"], "history", "no-such-file"], capture_output=True, text=True)
    return "no-such-file" in asked.stderr  # otherwise: a message about the build


def texts(window):
    return window.find("#log .text").all_text_contents()  # inner_text is empty for what is not painted


@pytest.fixture(params=["in memory", "history"])
def server(request, tmp_path):
    """A server that the test kills; the second kind stores messages."""
    if request.param == "history" and not has_history():
        pytest.skip("this build does not have the feature history")
    flags = ["--history", str(tmp_path / "history.db")] if request.param == "history" else []
    server = Chinwag(*flags)
    server.has_history = bool(flags)
    yield server
    server.stop()


def test_outage_while_two_people_type(window, server, allowed):
    """The server is killed meanwhile. Each page shows its own messages once and in order; with a history, all of them."""
    allowed.append(NETWORK)
    ann, bob = window("ann", at=server.url), window("bob", at=server.url)
    said = {ann: [f"ann {n}" for n in range(25)], bob: [f"bob {n}" for n in range(25)]}
    pause = 1000 * (OUTAGE + 1) / 25
    for one in said:
        one.page.evaluate(f"args => void ({TYPE})(args)", [said[one], pause])
    for one in said:
        expect(one.find("#log .mine").first).to_be_visible()
    server.stop()
    for one in said:
        one.expect_state("CLOSED")
    time.sleep(OUTAGE)  # this is the outage, not a synchronisation
    server.start()
    for one in said:
        one.page.wait_for_function("() => window.typed")
        one.expect_state("OPEN", within=OUTAGE + DEADLINE)  # the waits have grown during the outage
        expect(one.find("#pending > *")).to_have_count(0)
    for one in said:
        expect(one.find("#log .mine .text")).to_have_text(said[one])
    if server.has_history:
        everything = sorted(said[ann] + said[bob])
        for one in said:
            expect(one.find("#log .text")).to_have_count(50)
            assert sorted(texts(one)) == everything
        assert texts(ann) == texts(bob)
    else:  # the message in flight may have reached the other person but not its author, who sends it again
        for one in said:
            assert len(texts(one)) - len(set(texts(one))) <= 1
            expect(one.find("#log .note", has_text="Some messages may be lost")).to_have_count(1)


def test_missed_messages_arrive_once_and_in_order(window):
    eli, bob = window("eli"), window("bob")
    bob.send("one")
    eli.send("two")
    eli.page.evaluate(HIDE)
    eli.expect_state("CLOSED")
    eli.find("#text").fill("written meanwhile")
    eli.find("#text").press("Enter")
    for text in ("three", "four"):
        bob.send(text)
    eli.page.evaluate(SHOW)
    expect(bob.find("#log .text").last).to_have_text("written meanwhile")
    for one in (eli, bob):
        expect(one.find("#log .text")).to_have_text(["one", "two", "three", "four", "written meanwhile"])
    expect(eli.find("#log .mine .text")).to_have_text(["two", "written meanwhile"])
    expect(eli.find("#log .note", has_text="lost")).to_have_count(0)


def test_reload_does_not_send_a_waiting_message_twice(window, chinwag, allowed):
    """Typed while the server is down, reloaded, sent, reloaded: the message is there once, as one's own."""
    allowed.append(NETWORK)
    fay = window("fay", at=chinwag.url)
    chinwag.stop()
    fay.expect_state("CLOSED")
    fay.find("#text").fill("patient")
    fay.find("#text").press("Enter")
    expect(fay.find("#pending small")).to_have_text("Waiting for the connection")
    chinwag.start()
    for _ in range(2):
        fay.page.reload()
        expect(fay.find("#log .mine .text")).to_have_text(["patient"])
        expect(fay.find("#pending > *")).to_have_count(0)


class Script:
    """A simulated server: for each connection, its first messages and its reply to a message."""

    def __init__(self, *connections):
        self.connections = list(connections)
        self.urls = []
        self.received = []

    def __call__(self, ws):
        first, reply = self.connections[len(self.urls)]
        self.urls.append(ws.url)
        ws.on_message(lambda data: self.receive(ws, json.loads(data), reply))
        self.send_all(ws, first)

    def receive(self, ws, message, reply):
        if message["type"] == "username":
            self.send_all(ws, [{"type": "username", "id": 1, "name": message["name"], "date": 0}])
        elif message["type"] == "message":
            self.received.append(message)
            self.send_all(ws, reply(message))

    @staticmethod
    def send_all(ws, messages):
        for message in messages:
            ws.close(code=4000) if message is None else ws.send(json.dumps(message))


def welcome(seq, log="a"):
    return {"type": "id", "id": 1, "seq": seq, "log": log}


def said(seq, text, nonce=None, id=7):
    message = {"type": "message", "id": id, "name": "other", "text": text, "date": 0, "seq": seq}
    return {**message, "nonce": nonce} if nonce else message


def echo(message):
    return [said(13, message["text"], message["nonce"], id=1)]


def send_and_reconnect(window, text):
    """Sends the text on the first connection, which then ends. The page reconnects and sends it again on the second."""
    window.find("#name").fill("me")
    window.find("#name").press("Enter")
    window.find("#text").fill(text)
    window.find("#text").press("Enter")
    expect(window.find("#pending > *")).to_have_count(0)


def test_new_connection_resumes_after_the_last_message(window):
    server = Script(([welcome(9), said(9, "nine")], lambda _: [None]), ([welcome(12), *map(lambda n: said(n, str(n)), (9, 10, 12))], echo))
    me = window(server=server)
    send_and_reconnect(me, "thirteen")
    assert re.search(r"\?since=9&log=a$", server.urls[1])
    assert [message["nonce"] for message in server.received] == 2 * [server.received[0]["nonce"]]
    expect(me.find("#log .text")).to_have_text(["nine", "10", "12", "thirteen"])


def test_message_that_the_server_already_has_is_shown_once(window):
    """The server received the message, but its reply was lost."""
    first = ([welcome(0)], lambda message: second[0].append(said(1, message["text"], message["nonce"])) or [None])
    second = ([welcome(1)], lambda message: [said(1, message["text"], message["nonce"])])
    me = window(server=Script(first, second))
    send_and_reconnect(me, "only once")
    expect(me.find("#log .text")).to_have_text(["only once"])
    expect(me.find("#log .mine")).to_have_count(1)


def test_message_resent_to_a_server_without_history_is_shown_once(window):
    """Another person resends a message, with its nonce, after the server lost its history."""
    first = ([welcome(4), said(4, "hello", "n-1")], lambda _: [None])
    second = ([welcome(1, "b"), {"type": "gap"}, said(1, "hello", "n-1")], lambda message: [said(2, message["text"], message["nonce"], 1)])
    me = window(server=Script(first, second))
    send_and_reconnect(me, "hello you")
    expect(me.find("#log .text")).to_have_text(["hello", "hello you"])
    expect(me.find("#log .note", has_text="Some messages may be lost")).to_have_count(1)


def test_number_of_lost_messages_is_shown(window):
    first = ([welcome(4), said(4, "four")], lambda _: [None])
    second = ([welcome(16), {"type": "gap", "missed": 12}], lambda message: [said(17, message["text"], message["nonce"], 1)])
    me = window(server=Script(first, second))
    send_and_reconnect(me, "after it")
    expect(me.find("#log .note", has_text="12 messages were lost")).to_have_count(1)


def test_error_with_a_nonce_removes_that_message(window):
    """An error without the nonce does not."""

    def reject(message):
        error = {"type": "error", "reason": "too-long", "about": "No."}
        return [{**error, "about": "Another error."}, {**error, "nonce": message["nonce"]}]

    me = window(server=Script(([welcome(0)], reject)))
    me.find("#name").fill("me")
    me.find("#name").press("Enter")
    me.find("#text").fill("no good")
    me.find("#text").press("Enter")
    expect(me.find("#error")).to_contain_text("No. (too-long)")
    expect(me.find("#text")).to_have_value("no good")
    expect(me.find("#pending > *")).to_have_count(0)
