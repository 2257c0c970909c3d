"""Nothing typed is lost, nothing is shown twice: connections that end, servers that restart, with and without history.

CHINWAG_OUTAGE says how many seconds the server is away (2, unless it is set).
"""

import json
import os
import re
import subprocess
import time

import pytest
from playwright.sync_api import expect

from support import DEADLINE, Chinwag

NETWORK = r"WebSocket connection to .* failed"  # the browser's own words on a server that is away
OUTAGE = float(os.environ.get("CHINWAG_OUTAGE", 2))
HIDE, SHOW = (f"dispatchEvent(new PageTransitionEvent('page{what}', {{ persisted: true }}))" for what in ("hide", "show"))

# Types one text after the other, with pauses, whatever happens to the connection meanwhile.
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
    return "no-such-file" in asked.stderr  # else: a sentence about the build


def texts(window):
    return window.find("#log .text").all_text_contents()  # inner texts are empty where nothing is painted


@pytest.fixture(params=["in memory", "history"])
def server(request, tmp_path):
    """A server to be killed; the second kind remembers what was said."""
    if request.param == "history" and not has_history():
        pytest.skip("this build keeps no history on disk")
    flags = ["--history", str(tmp_path / "history.db")] if request.param == "history" else []
    server = Chinwag(*flags)
    server.remembers = bool(flags)
    yield server
    server.stop()


def test_an_outage_while_two_are_typing(window, server, allowed):
    """Killed in the middle of it: each page ends with each message once, its own in the order of typing."""
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
    time.sleep(OUTAGE)  # not to synchronise: that is the outage
    server.start()
    for one in said:
        one.page.wait_for_function("() => window.typed")
        one.expect_state("OPEN", within=OUTAGE + DEADLINE)  # the pauses between its tries have grown with the outage
        expect(one.find("#pending > *")).to_have_count(0)
    for one in said:
        expect(one.find("#log .mine .text")).to_have_text(said[one])
    if server.remembers:
        everything = sorted(said[ann] + said[bob])
        for one in said:
            expect(one.find("#log .text")).to_have_count(50)
            assert sorted(texts(one)) == everything
        assert texts(ann) == texts(bob)
    else:  # what a killed server had told one of them only, nobody can tell the other
        for one in said:
            assert len(texts(one)) == len(set(texts(one)))
            expect(one.find("#log .note", has_text="Some messages may be gone")).to_have_count(1)


def test_what_was_missed_comes_once_and_in_order(window):
    eli, bob = window("eli"), window("bob")
    bob.say("one")
    eli.say("two")
    eli.page.evaluate(HIDE)
    eli.expect_state("CLOSED")
    eli.find("#text").fill("written meanwhile")
    eli.find("#text").press("Enter")
    for text in ("three", "four"):
        bob.say(text)
    eli.page.evaluate(SHOW)
    expect(bob.find("#log .text").last).to_have_text("written meanwhile")
    for one in (eli, bob):
        expect(one.find("#log .text")).to_have_text(["one", "two", "three", "four", "written meanwhile"])
    expect(eli.find("#log .mine .text")).to_have_text(["two", "written meanwhile"])
    expect(eli.find("#log .note", has_text="gone")).to_have_count(0)


def test_nothing_waits_twice_after_a_reload(window, chinwag, allowed):
    """Typed while the server is away, reloaded, sent, reloaded: there once, and one's own."""
    allowed.append(NETWORK)
    fay = window("fay", at=chinwag.url)
    chinwag.stop()
    fay.expect_state("CLOSED")
    fay.find("#text").fill("patient")
    fay.find("#text").press("Enter")
    expect(fay.find("#pending small")).to_have_text("Waits for the connection")
    chinwag.start()
    for _ in range(2):
        fay.page.reload()
        expect(fay.find("#log .mine .text")).to_have_text(["patient"])
        expect(fay.find("#pending > *")).to_have_count(0)


class Script:
    """A server that Playwright plays: for each connection, what it says on arrival, and what to a message."""

    def __init__(self, *connections):
        self.connections = list(connections)
        self.urls = []
        self.heard = []

    def __call__(self, ws):
        arrival, answer = self.connections[len(self.urls)]
        self.urls.append(ws.url)
        ws.on_message(lambda data: self.hear(ws, json.loads(data), answer))
        self.tell(ws, arrival)

    def hear(self, ws, message, answer):
        if message["type"] == "username":
            self.tell(ws, [{"type": "username", "id": 1, "name": message["name"], "date": 0}])
        elif message["type"] == "message":
            self.heard.append(message)
            self.tell(ws, answer(message))

    @staticmethod
    def tell(ws, messages):
        for message in messages:
            ws.close(code=4000) if message is None else ws.send(json.dumps(message))


def welcome(seq, log="a"):
    return {"type": "id", "id": 1, "seq": seq, "log": log}


def said(seq, text, nonce=None, id=7):
    message = {"type": "message", "id": id, "name": "other", "text": text, "date": 0, "seq": seq}
    return {**message, "nonce": nonce} if nonce else message


def echo(message):
    return [said(13, message["text"], message["nonce"], id=1)]


def type_and_return(window, text):
    """What is typed goes out on the first connection, which ends; and again on the second."""
    window.find("#name").fill("me")
    window.find("#name").press("Enter")
    window.find("#text").fill(text)
    window.find("#text").press("Enter")
    # With each frame that is drawn: half a second later it may be open again.
    window.page.wait_for_function("document.querySelector('#state-code').textContent === 'CLOSED'")
    window.try_now()
    window.expect_state("OPEN")
    expect(window.find("#pending > *")).to_have_count(0)


def test_it_resumes_where_it_was(window):
    server = Script(([welcome(9), said(9, "nine")], lambda _: [None]), ([welcome(12), *map(lambda n: said(n, str(n)), (9, 10, 12))], echo))
    me = window(server=server)
    type_and_return(me, "thirteen")
    assert re.search(r"\?since=9&log=a$", server.urls[1])
    assert [message["nonce"] for message in server.heard] == 2 * [server.heard[0]["nonce"]]
    expect(me.find("#log .text")).to_have_text(["nine", "10", "12", "thirteen"])


def test_a_server_that_had_it_already(window):
    """It got the message, but its echo was lost: it comes with what was missed, or as the answer to the second try."""
    first = ([welcome(0)], lambda message: second[0].append(said(1, message["text"], message["nonce"])) or [None])
    second = ([welcome(1)], lambda message: [said(1, message["text"], message["nonce"])])
    me = window(server=Script(first, second))
    type_and_return(me, "only once")
    expect(me.find("#log .text")).to_have_text(["only once"])
    expect(me.find("#log .mine")).to_have_count(1)


def test_a_server_that_began_anew_hears_again_what_was_shown(window):
    """Somebody else's message, said again with its nonce to a server that had forgotten it."""
    first = ([welcome(4), said(4, "hello", "n-1")], lambda _: [None])
    second = ([welcome(1, "b"), {"type": "gap"}, said(1, "hello", "n-1")], lambda message: [said(2, message["text"], message["nonce"], 1)])
    me = window(server=Script(first, second))
    type_and_return(me, "hello you")
    expect(me.find("#log .text")).to_have_text(["hello", "hello you"])
    expect(me.find("#log .note", has_text="Some messages may be gone")).to_have_count(1)


def test_how_many_are_gone(window):
    first = ([welcome(4), said(4, "four")], lambda _: [None])
    second = ([welcome(16), {"type": "gap", "missed": 12}], lambda message: [said(17, message["text"], message["nonce"], 1)])
    me = window(server=Script(first, second))
    type_and_return(me, "after it")
    expect(me.find("#log .note", has_text="12 messages are gone")).to_have_count(1)


def test_a_refusal_names_what_was_refused(window):
    """An error about something else takes nothing back; one with the nonce does."""

    def refuse(message):
        error = {"type": "error", "reason": "too-long", "about": "No."}
        return [{**error, "about": "Something else."}, {**error, "nonce": message["nonce"]}]

    me = window(server=Script(([welcome(0)], refuse)))
    me.find("#name").fill("me")
    me.find("#name").press("Enter")
    me.find("#text").fill("no good")
    me.find("#text").press("Enter")
    expect(me.find("#error")).to_contain_text("No. (too-long)")
    expect(me.find("#text")).to_have_value("no good")
    expect(me.find("#pending > *")).to_have_count(0)
