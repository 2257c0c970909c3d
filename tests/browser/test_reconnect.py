"""The connection ends: the page says so, keeps what is typed, and comes back by itself."""

import json
import re
import signal

from playwright.sync_api import expect

NETWORK = r"WebSocket connection to .* failed"  # the browser's own words on a server that is away


def test_a_restarted_server_is_found_again(window, chinwag, allowed):
    allowed.append(NETWORK)
    ann = window("ann", at=chinwag.url)
    bob = window("bob", at=chinwag.url)
    ann.say("before")
    chinwag.stop()
    ann.expect_state("CLOSED")
    expect(ann.find("#state-word")).to_have_text("Not connected")
    expect(ann.find("#trouble")).to_contain_text("1006")
    expect(ann.find("#countdown")).to_have_text(re.compile(r"Trying again in \d+ s"))
    for text in ("typed meanwhile", "and one more"):
        ann.find("#text").fill(text)
        ann.find("#text").press("Enter")
    expect(ann.find("#pending .text")).to_have_text(["typed meanwhile", "and one more"])
    expect(ann.find("#pending small").last).to_have_text("Waits for the connection")

    chinwag.start()
    ann.expect_state("OPEN")
    expect(ann.find("#trouble")).to_be_hidden()
    expect(ann.find("#pending > *")).to_have_count(0)
    expect(ann.find("#log .mine .text")).to_have_text(["before", "typed meanwhile", "and one more"])
    bob.expect_state("OPEN")
    bob.say("I am back too")
    ann.expect_message("I am back too")


def test_a_server_that_says_goodbye(window, chinwag, allowed):
    allowed.append(NETWORK)
    dan = window("dan", at=chinwag.url)
    chinwag.stop(signal.SIGTERM)
    expect(dan.find("#trouble")).to_contain_text("1001")
    chinwag.start()
    dan.try_now()
    dan.expect_state("OPEN")


def test_the_back_button(window):
    """A page put aside lets go of its connection, and takes a new one when it is shown again."""
    eli = window("eli")
    eli.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    eli.expect_state("CLOSED")
    expect(eli.find("#countdown")).to_be_hidden()
    eli.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    eli.expect_state("OPEN")
    eli.say("shown again")


def test_too_fast_is_forgotten_with_its_connection(window):
    """Refused on one connection, sent on the next: not once more when the first one's waiting time is over."""
    sent = []

    def serve(ws):
        def hear(data):
            message = json.loads(data)
            if message["type"] == "username":
                ws.send('{"type":"username","id":1,"name":"fred","date":0}')
            elif message["type"] == "message":
                sent.append(message["text"])
                if len(sent) == 1:
                    ws.send('{"type":"error","reason":"too-fast","about":""}')
                    ws.close(code=4000)

        ws.on_message(hear)
        ws.send('{"type":"id","id":1}')

    fred = window(server=serve, clock=True)
    fred.find("#name").fill("fred")
    fred.find("#name").press("Enter")
    fred.find("#text").fill("once")
    fred.find("#text").press("Enter")
    fred.expect_state("CLOSED")
    fred.find("#again").click()
    expect(fred.find("#pending small")).to_have_text("Sending…")
    fred.page.clock.run_for(5000)
    fred.find("#text").fill("a sign that all was heard")
    fred.look("trying")
    fred.find("#try-send").get_by_text("send()").click()
    expect(fred.find("#frames summary", has_text='"text":"hi"')).to_have_count(1)
    assert sent == ["once", "once", "hi"]


def test_waits_grow_and_differ(window):
    """The page's own code, with the clock in the test's hand: each wait is 50 to 100 % of 1, 2, 4 … 30 s."""
    one = window()
    waits = one.page.evaluate("""async () => {
        const { Connection } = await import('/connection.js');
        const waits = [];
        window.WebSocket = class {
            static OPEN = 1; static CLOSING = 2;
            url = ''; readyState = 3;
            close() {}
            constructor() { setTimeout(() => this.onclose({ code: 1006, reason: '', wasClean: false })); }
        };
        const later = window.setTimeout;
        window.setTimeout = (act) => later(act, 0);
        return new Promise((done) => {
            const connection = new Connection(() => 'ws://nowhere', []);
            connection.watch(({ what, wait }) => {
                if (what === 'waiting' && waits.push(wait) === 8) { done(waits); connection.close(); }
            });
            connection.connect();
        });
    }""")
    for wait, ceiling in zip(waits, [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]):
        assert ceiling / 2 <= wait <= ceiling
    assert len(set(waits)) == 8
