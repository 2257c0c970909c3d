"""A network that is dead without a FIN: the page notices it within ten seconds, and nothing is lost."""

import time

import pytest
from playwright.sync_api import expect

from relay import Relay
from support import NETWORK

LATEST = 30  # seconds: the page needs up to 10, and a busy machine more


@pytest.fixture
def relay(chinwag):
    relay = Relay(chinwag.port)
    yield relay
    relay.close()


@pytest.fixture(autouse=True)
def network_errors(allowed):
    allowed.append(NETWORK)


def send(window, text):
    window.find("#text").fill(text)
    window.find("#text").press("Enter")


def test_message_on_a_dead_connection_arrives_once_and_under_the_same_name(window, chinwag, relay):
    bob = window("bob", at=chinwag.url)
    ann = window("ann", at=relay.url)
    relay.freeze()
    begin = time.monotonic()
    send(ann, "said on a dead connection")
    bob.expect_message("said on a dead connection")
    assert time.monotonic() - begin < LATEST
    expect(ann.find("#me")).to_have_text("ann")
    expect(ann.find("#pending > *")).to_have_count(0)
    expect(ann.find("#error")).to_be_hidden()
    expect(bob.find("#people-list bdi")).to_have_text(["bob", "ann"])
    expect(bob.find("#log .text")).to_have_text(["said on a dead connection"])
    expect(ann.find("#log .mine .text")).to_have_text(["said on a dead connection"])


def test_idle_page_notices_a_dead_network(window, relay):
    ann = window("ann", at=relay.url)
    relay.freeze(new=True)
    ann.expect_state("CLOSED", within=LATEST)
    expect(ann.find("#state")).to_be_visible()
    expect(ann.find("#trouble-text")).to_contain_text("does not answer")


def test_try_now_makes_a_new_attempt_while_one_hangs(window, relay):
    ann = window("ann", at=relay.url)
    relay.freeze(new=True)
    ann.expect_state("CLOSED", within=LATEST)
    ann.find("#retry").click()
    ann.expect_state("CONNECTING")
    relay.thaw()
    ann.find("#retry").evaluate("button => button.click()")  # hidden if a busy machine was slower than the page's own attempt
    ann.expect_state("OPEN")
    expect(ann.find("#trouble")).to_be_hidden()
    ann.send("back")


def test_attempt_that_hangs_is_given_up(window, relay):
    ann = window("ann", at=relay.url)
    relay.freeze(new=True)
    ann.expect_state("CONNECTING", within=LATEST)
    relay.thaw()
    ann.expect_state("OPEN", within=LATEST)


def test_offline_event_abandons_the_socket_and_online_reconnects(window, relay):
    ann = window("ann", at=relay.url)
    relay.freeze()
    ann.page.evaluate("dispatchEvent(new Event('offline'))")
    ann.expect_state("CLOSED")
    expect(ann.find("#trouble-text")).to_contain_text("offline")
    ann.page.evaluate("dispatchEvent(new Event('online'))")
    ann.expect_state("OPEN")
    expect(ann.find("#me")).to_have_text("ann")


def test_reload_on_a_dead_network_keeps_the_name(window, chinwag, relay):
    bob = window("bob", at=chinwag.url)
    ann = window("ann", at=relay.url)
    relay.freeze()
    ann.page.reload()
    ann.expect_state("OPEN")
    expect(ann.find("#me")).to_have_text("ann")
    expect(bob.find("#people-list bdi")).to_have_text(["bob", "ann"])


def test_name_comes_back_as_soon_as_a_ghost_frees_it(window):
    """This server has no resume secrets."""
    ann = window("ann", simulated=True)
    ann.page.evaluate("""() => {
        window.answer = WebSocket.prototype.send;
        WebSocket.prototype.send = function (data) {
            if (JSON.parse(data).type !== 'username') return answer.call(this, data);
            receive({ type: 'rejectusername', id: sockets.length, name: 'ann1' });
            receive({ type: 'userlist', users: ['ann', 'ann1'], ids: [99, sockets.length] });
            receive({ type: 'username', id: sockets.length, name: 'ann1', date: Date.now() });
        };
        sockets.at(-1).close(1006);
    }""")
    expect(ann.find("#me")).to_have_text("ann1")
    expect(ann.find("#error")).to_contain_text("Your lost connection still holds")
    ann.page.evaluate("""() => {
        WebSocket.prototype.send = window.answer;
        receive({ type: 'userlist', users: ['ann1'], ids: [sockets.length] });
    }""")
    expect(ann.find("#me")).to_have_text("ann")
    expect(ann.find("#error")).to_be_hidden()
