"""Operators in the page: kick, ban, mute, delete and notices, in words, and after a restart."""

import re
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect

from support import NETWORK, Chinwag

TOKEN = "the-admin-token-0123456789"


@pytest.fixture
def house(tmp_path):
    """A server with an admin token, whose bans survive it."""
    token = tmp_path / "admin.token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    server = Chinwag("--admin-token-file", str(token), "--bans", str(tmp_path / "bans.txt"), "--history-lines", "5")
    yield server
    server.stop()


@pytest.fixture
def operator(window, house):
    return window("op", at=f"{house.url}?token={TOKEN}")


def type_line(window, text):
    window.find("#text").fill(text)
    window.find("#text").press("Enter")


def expect_note(window, text):
    # Not the last one: a note that someone left may follow.
    expect(window.find("#log .note", has_text=text).last).to_be_visible()


def test_kicked_user_is_told_so_and_may_come_back(window, house, operator):
    ann = window("ann", at=house.url)
    type_line(operator, "/kick ann")
    expect(ann.find("#trouble-text")).to_have_text("An operator has closed your connection (1008).")
    expect_note(operator, "Operator: Connections closed: 1.")
    ann.expect_state("CLOSED")
    ann.find("#language").click()
    expect(ann.find("#trouble-text")).to_have_text("운영자가 연결을 끊었습니다 (1008).")
    ann.reconnect_now()
    ann.expect_state("OPEN")
    expect(ann.find("#me")).to_have_text("ann")


def test_banned_network_is_refused_also_after_a_restart(window, house, operator, allowed):
    allowed.append(NETWORK)
    ann = window("ann", at=house.url)
    type_line(operator, "/ban 127.0.0.0/8 1h")
    expect(ann.find("#trouble-text")).to_have_text("An operator has banned you (1008).")
    ann.reconnect_now()
    expect(ann.find("#trouble-text")).to_have_text("An operator has banned you.")
    house.stop()
    house.start()
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(house.url)
    assert refusal.value.code == 403
    ann.page.goto(house.url)
    expect(ann.page.locator("body")).to_have_text("An operator of this server has banned your address.")


def test_muted_user_keeps_the_text(window, house, operator):
    ann = window("ann", at=house.url)
    type_line(operator, "/mute ann")
    expect_note(operator, "In force: mute ann")
    type_line(ann, "hello")
    expect(ann.find("#error-text")).to_have_text("Rejected: An operator has muted you. (muted)")
    expect(ann.find("#text")).to_have_value("hello")
    type_line(operator, "/unmute ann")
    expect_note(operator, "has ended")
    ann.find("#text").press("Enter")
    operator.expect_message("hello")


def test_deleted_message_is_replaced_in_its_place(window, house, operator):
    ann = window("ann", at=house.url)
    for text in ("one", "two", "three"):
        ann.send(text)
    operator.expect_message("three")
    expect(operator.find("#log .row time").nth(1)).to_have_attribute("title", re.compile(r" #\d$"))
    type_line(operator, "/delete 1 2")
    late = window("late", at=house.url)
    for shown in (ann, operator, late):
        expect(shown.find("#log .row")).to_have_text([re.compile("deleted by an operator"), "deleted by an operator", re.compile("three")])
        expect(shown.find("#log .text")).to_have_text(["three"])
    expect(ann.find("#log .row .head .name")).to_have_count(1)
    ann.find("#language").click()
    expect(ann.find("#log .row i").first).to_have_text("운영자가 지운 글입니다")
    # Without gaps: what follows is in order, and comes once.
    house.stop()
    house.start()
    for shown in (ann, operator, late):
        shown.reconnect_now()
        shown.expect_state("OPEN")
    ann.send("four")
    late.expect_message("four")


def test_older_messages_go_on_before_a_deleted_one(window, house, operator):
    for number in range(1, 13):
        operator.send(str(number))
    type_line(operator, "/delete 1 4 8")
    expect_note(operator, "Messages deleted: 3.")
    late = window("late", at=house.url)
    expect(late.find("#log .row")).to_have_count(5)
    late.find("#older").dispatch_event("click")
    expect(late.find("#log .row")).to_have_count(12)
    expect(late.find("#log .text")).to_have_text(["2", "3", "5", "6", "7", "9", "10", "11", "12"])
    expect(late.find("#log .row").nth(3)).to_have_text("deleted by an operator")


def test_commands_are_for_operators(window, house, operator):
    ann = window("ann", at=house.url)
    type_line(ann, "/kick op")
    expect(ann.find("#error-text")).to_contain_text("Only operators may do this.")
    type_line(operator, "/kick")
    expect(operator.find("#error-text")).to_contain_text("Write: kick WHO. WHO is")
    type_line(operator, "/notice Back in 5 minutes")
    expect_note(ann, "Operator: Back in 5 minutes")
    type_line(operator, "/who")
    expect(operator.find("#log .note").last).to_have_text(re.compile(r"Operator: \d+ op / 127.0.0.1\n\d+ ann / 127.0.0.1"), use_inner_text=True)
    type_line(operator, "/close /")
    expect(ann.find("#trouble-text")).to_have_text("An operator has closed this room (1008).")
