"""The chat: people, messages and names. Typed markup stays text."""

import json
import re

from playwright.sync_api import expect

MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>&amp;'


def test_two_windows_chat(window):
    ann = window("ann")
    bob = window("bob")
    ann.expect_person("bob")
    ann.send("hello bob")
    bob.expect_message("hello bob")
    bob.send("hello ann\nin two lines")
    ann.expect_message("hello ann\nin two lines")
    expect(ann.find("#log .mine")).to_have_count(1)
    expect(ann.find("#log .row:not(.mine) .name")).to_have_text("bob")
    bob.page.close()
    expect(ann.find("#log .note").last).to_contain_text("bob left")
    expect(ann.find("#people-list li")).to_have_count(1)


def test_taken_name_is_replaced(window):
    window("cleo")
    second = window().join("cleo", given="cleo1")
    expect(second.find("#error")).to_contain_text("“cleo” is taken")
    expect(second.find("#error")).to_contain_text("cleo1")


def test_new_name_that_is_taken_is_explained(window):
    window("cleo")
    second = window("dora")
    second.find("#change-name").click()
    second.join("cleo", given="cleo1")
    expect(second.find("#error")).to_contain_text("“cleo” is taken")
    second.find("#change-name").click()
    second.join("dora")
    expect(second.find("#error")).to_be_hidden()


def test_new_name_is_shown_to_all(window):
    eve = window("eve")
    other = window("other")
    eve.find("#change-name").click()
    eve.join("eva")
    expect(other.find("#log .note").last).to_contain_text("eve is now eva")
    expect(other.find("#people-list li")).to_have_text(["eva", "other you"])


def test_new_name_that_arrives_before_its_list(window):
    """The server delays lists by up to 100 ms. A person who joins then is not a renamed one."""

    def listed(*users):
        return {"type": "userlist", "users": users}

    def named(id, name):
        return {"type": "username", "id": id, "name": name, "date": 0}

    def serve(ws):
        messages = [
            *[listed("bob", "me"), named(1, "me"), {**named(7, "bob"), "type": "message", "text": "hi"}],
            *[named(7, "carol"), listed("carol", "me"), named(8, "dave"), listed("carol", "me", "dave")],
        ]
        ws.on_message(lambda data: "ping" in data or [ws.send(json.dumps(message)) for message in messages])
        ws.send('{"type":"id","id":1}')

    me = window(server=serve)
    me.find("#name").fill("me")
    me.find("#name").press("Enter")
    me.expect_person("dave")
    notes = me.find("#log .note:not(.day) > span").all_inner_texts()
    assert notes == ["me joined", "bob is now carol", "dave joined"]


def test_markup_stays_text(window):
    name = "<b>mallory</b>&amp;"
    mallory = window(name)
    victim = window("victim")
    mallory.send(MARKUP)
    victim.expect_message(MARKUP)
    victim.expect_person(name)
    expect(victim.find("#log .row:not(.mine) .name")).to_have_text(name)
    for one in (mallory, victim):
        assert one.find("#thread img, #thread script, #thread b, #people b:not(#me)").count() == 0
        assert one.page.title().endswith("chinwag")


def test_only_web_addresses_become_links(window):
    linker = window("linker")
    linker.send("see (https://example.org/a?b=1). javascript:alert(1) http:// ftp://x.example file:///etc")
    links = linker.find("#log a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.org/a?b=1")
    expect(links).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_private_message_reaches_one_person(window):
    fay, gus, third = window("fay"), window("gus"), window("third")
    fay.find("#people-list").get_by_text("gus").click()
    expect(fay.find("#private")).to_contain_text("Only to gus")
    fay.send("for you")
    gus.expect_message("for you")
    expect(gus.find("#log .private .head")).to_contain_text("Only to you")
    fay.find("#write-to-all").click()
    fay.send("for all")
    third.expect_message("for all")
    expect(third.find("#log .text")).to_have_text(["for all"])


def test_rejected_text_returns_to_the_text_box(window):
    hal = window("hal")
    hal.find("#text").fill("x" * 9000)
    hal.find("#text").press("Enter")
    expect(hal.find("#error")).to_contain_text("too-long")
    expect(hal.find("#text")).to_have_value("x" * 9000)
    expect(hal.find("#pending > *")).to_have_count(0)


SEND_PRIVATELY_THEN_WRITE_TO_ALL = """([secret, next]) => {
    const text = document.getElementById('text');
    text.value = secret;
    text.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
    document.getElementById('write-to-all').click();
    text.value = next;
    text.dispatchEvent(new Event('input'));
}"""


def test_rejected_private_text_stays_private(window):
    """The recipient has left. The author has a draft for all: after that is sent, the private text returns, still private."""
    guest = window("guest1")
    nan, third = window("nan"), window("third")
    nan.find("#people-list").get_by_text("guest1").click()
    guest.page.close()
    expect(nan.find("#log .note").last).to_contain_text("guest1 left")
    nan.page.evaluate(SEND_PRIVATELY_THEN_WRITE_TO_ALL, ["a secret", "for all"])
    expect(nan.find("#error")).to_contain_text("no-such-user")
    expect(nan.find("#text")).to_have_value("for all")
    expect(nan.find("#private")).to_be_hidden()
    nan.find("#text").press("Enter")
    third.expect_message("for all")
    expect(nan.find("#text")).to_have_value("a secret")
    expect(nan.find("#private")).to_contain_text("Only to guest1")
    nan.find("#text").press("Enter")
    expect(nan.find("#text")).to_have_value("a secret")
    nan.page.reload()
    expect(nan.find("#text")).to_have_value("a secret")
    expect(nan.find("#private")).to_contain_text("Only to guest1")
    expect(third.find("#log .text")).to_have_text(["for all"])


def test_title_counts_unread_messages(window):
    ivy = window("ivy")
    jim = window("jim")
    ivy.page.evaluate("document.hasFocus = () => false")
    jim.send("are you there?")
    expect(ivy.page).to_have_title(re.compile(r"^\(1\) .*chinwag$"))
    ivy.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(ivy.page).to_have_title(re.compile(r"^[^(]*chinwag$"))


def test_name_is_remembered_after_a_reload(window):
    kim = window("kim")
    kim.page.reload()
    expect(kim.find("#me")).to_have_text("kim")
    kim.expect_person("kim")
    kim.send("here again")


def test_new_message_does_not_scroll_a_reader_further_up(window):
    reader, writer = window("reader"), window("writer")
    for number in range(5):
        writer.send(f"message {number}" + "\nand on" * 9)
    reader.expect_message("message 4" + "\nand on" * 9)
    expect(reader.find("#log .text").last).to_be_in_viewport()
    reader.find("#scroller").hover()
    reader.page.mouse.wheel(0, -600)
    expect(reader.find("#scroller")).not_to_have_class(re.compile("following"))
    top = reader.find("#scroller").evaluate("node => node.scrollTop")
    writer.send("something new")
    expect(reader.find("#newer")).to_have_text("1 new")
    assert reader.find("#scroller").evaluate("node => node.scrollTop") == top
    reader.find("#newer").click()
    expect(reader.find("#log .text").last).to_be_in_viewport()
    expect(reader.find("#newer")).to_be_hidden()
