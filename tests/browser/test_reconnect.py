"""A lost connection: the page shows it, keeps typed messages, and reconnects."""

import json
import re
import signal

from playwright.sync_api import expect

from support import NETWORK


def test_page_reconnects_to_a_restarted_server(window, chinwag, allowed):
    allowed.append(NETWORK)
    ann = window("ann", at=chinwag.url)
    bob = window("bob", at=chinwag.url)
    ann.send("before")
    chinwag.stop()
    ann.expect_state("CLOSED")
    expect(ann.find("#state-word")).to_have_text("Not connected")
    expect(ann.find("#trouble")).to_contain_text("1006")
    expect(ann.find("#countdown")).to_have_text(re.compile(r"Reconnecting in \d+ s"))
    for text in ("typed meanwhile", "and one more"):
        ann.find("#text").fill(text)
        ann.find("#text").press("Enter")
    expect(ann.find("#pending .text")).to_have_text(["typed meanwhile", "and one more"])
    expect(ann.find("#pending small").last).to_have_text("Waiting for the connection")

    chinwag.start()
    ann.expect_state("OPEN")
    expect(ann.find("#trouble")).to_be_hidden()
    expect(ann.find("#pending > *")).to_have_count(0)
    expect(ann.find("#log .mine .text")).to_have_text(["before", "typed meanwhile", "and one more"])
    bob.expect_state("OPEN")
    bob.send("I am back too")
    ann.expect_message("I am back too")


def test_close_1001_is_shown_and_the_page_reconnects(window, chinwag, allowed):
    allowed.append(NETWORK)
    dan = window("dan", at=chinwag.url)
    chinwag.stop(signal.SIGTERM)
    expect(dan.find("#trouble")).to_contain_text("1001")
    chinwag.start()
    dan.reconnect_now()
    dan.expect_state("OPEN")


def test_hidden_page_closes_and_reconnects_when_shown(window):
    eli = window("eli")
    eli.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    eli.expect_state("CLOSED")
    expect(eli.find("#countdown")).to_be_hidden()
    eli.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    eli.expect_state("OPEN")
    eli.send("shown again")


def test_retry_after_too_fast_is_cancelled_by_a_new_connection(window):
    """The message is rejected on one connection and sent on the next. The first one's timer must not send it again."""
    sent = []
    urls = []

    def serve(ws):
        urls.append(ws.url)

        def receive(data):
            message = json.loads(data)
            if message["type"] == "username":
                ws.send('{"type":"username","id":1,"name":"fred","date":0}')
            elif message["type"] == "message":
                sent.append(message["text"])
                if len(sent) == 1:
                    ws.send('{"type":"error","reason":"too-fast","about":""}')
                    ws.close(code=4000)
                    return
            ws.send('{"type":"pong"}')  # without any answer, the page would abandon the connection

        ws.on_message(receive)
        ws.send('{"type":"id","id":1}')
        if len(urls) == 2:
            ws.send('{"type":"message","id":7,"name":"other","text":"welcome back","date":0}')

    fred = window(server=serve, clock=True)
    fred.find("#name").fill("fred")
    fred.find("#name").press("Enter")
    fred.find("#text").fill("once")
    fred.find("#text").press("Enter")
    fred.expect_message("welcome back")  # the page reconnected by itself
    expect(fred.find("#pending small")).to_have_text("Sending…")
    fred.page.clock.run_for(5000)
    fred.find("#text").fill("a marker after all others")
    fred.inspect("try")
    fred.find("#try-send").get_by_text("send(data)").click()
    fred.inspect()
    expect(fred.find("#event-list summary", has_text='"text":"hi"')).to_have_count(1)
    assert sent == ["once", "once", "hi"]


def test_waits_grow_and_are_random(window):
    """Each wait is 50 to 100 % of 1, 2, 4 … 30 s. The test replaces the clock."""
    one = window("waiter", simulated=True)
    waits = one.page.evaluate("""() => new Promise((done) => {
        const waits = [];
        const later = window.setTimeout;
        window.setTimeout = (act, wait, ...more) => {
            if (wait >= 500 && !Number.isInteger(wait) && waits.push(wait) === 8) done(waits);
            return later(act, 0, ...more);
        };
        window.hangs = true;
        window.WebSocket = class extends WebSocket {
            constructor(url) { super(url); later(() => this.close(1006)); }
        };
        sockets.at(-1).close(1006);
    })""")
    for wait, ceiling in zip(waits, [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]):
        assert ceiling / 2 <= wait <= ceiling
    assert len(set(waits)) == 8
