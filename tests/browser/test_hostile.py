"""Messages, links and stored values that somebody made to do harm: the chat goes on, and shows what is really there."""

import json

import pytest
from playwright.sync_api import expect

from support import NETWORK, WIDE

# None of them has the form of a server's message.
MALFORMED = [
    "no JSON",
    "null",
    '{"type":"message"}',
    '{"type":"message","name":5,"text":"x","date":1}',
    '{"type":"message","name":"","text":"x","date":1}',
    '{"type":"message","name":"a","text":5,"date":1}',
    '{"type":"message","name":"a","text":"x","date":1e300}',
    '{"type":"userlist"}',
    '{"type":"userlist","users":[5]}',
    '{"type":"deleted","seq":5}',
    '{"type":"rejectusername"}',
]


def test_malformed_messages_do_not_stop_the_next(window, allowed):
    allowed.append("^error: ")  # the page logs them
    ann = window("ann", simulated=True)
    for number, data in enumerate(MALFORMED):
        ann.page.evaluate("data => sockets.at(-1).onmessage({ data })", data)
        ann.page.evaluate("text => say('bob', text)", f"message {number}")
        ann.expect_message(f"message {number}")
    ann.send("and back")


STORED = ['5', '"x"', '""', "{}", "[5]", "[null]", "true", "null", '{"name":5}', '{"numbers":5}', "no JSON"]
KEYS = "name had rooms token secret outbox own refused text target ignored language sound notifications lesson".split()


@pytest.mark.parametrize("value", STORED)
def test_stored_values_that_were_edited_do_no_harm(window, value, allowed):
    allowed.append(NETWORK)  # this server does not list its rooms
    ann = window(simulated=True)
    ann.page.evaluate(
        """([keys, value]) => {
            for (const storage of [localStorage, sessionStorage]) {
                for (const prefix of ['chinwag.', `chinwag.${location.pathname}.`]) {
                    for (const key of keys) storage.setItem(prefix + key, value);
                }
            }
        }""",
        [KEYS, value],
    )
    ann.page.reload()
    ann.expect_state("OPEN")
    if ann.find("#name").is_visible():
        ann.join("ann")
    ann.send("all is well")
    ann.inspect("lesson")
    ann.find("#rooms > summary").click()
    expect(ann.find("#room-list a").first).to_be_visible()


FORBIDDEN = """for (const name of ['localStorage', 'sessionStorage']) {
    Object.defineProperty(window, name, { get() { throw new DOMException('', 'SecurityError'); } });
}"""
FULL = "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); };"


@pytest.mark.parametrize("script", [FORBIDDEN, FULL], ids=["forbidden", "full"])
def test_chat_works_without_storage(window, script):
    ann = window(connects=False)
    ann.page.add_init_script(script)
    ann.page.reload()
    ann.expect_state("OPEN")
    ann.join("ann").send("nothing is stored")


# A text, and what its links are. Each address is shown as it is, so no link can lead elsewhere than its text says.
LINKS = [
    ("https://example.org/a_(b) (https://example.org/c).", ["https://example.org/a_(b)", "https://example.org/c"]),
    ("https://bank.example@evil.example/", []),
    ("https://user:secret@example.org/", []),
    ("javascript:alert(1) data:text/html,x vbscript:x file:///etc/passwd", []),
    ("https://example.org/\u202egpj.exe", ["https://example.org/"]),
    ('https://example.org/"onclick="alert(1) <a href=javascript:alert(1)>x</a>', ["https://example.org/"]),
    ("https://[not-an-address]/", []),
]


@pytest.mark.parametrize("text, links", LINKS, ids=range(len(LINKS)))
def test_link_leads_where_its_text_says(window, text, links):
    ann = window("ann", simulated=True)
    ann.page.evaluate("text => say('bob', text)", text)
    ann.expect_message(text)
    assert ann.page.evaluate("[...document.querySelectorAll('#log .text a')].map((link) => link.textContent)") == links
    assert ann.page.evaluate("[...document.querySelectorAll('#log .text a')].every((link) => link.href.includes(link.textContent))")


MARKUP = {"links": "http://a ", "code": "`a`", "mentions": "@ann ", "blocks": "```x```", "fences": "```", "all": "http://a `a` @ann "}


@pytest.mark.parametrize("piece", MARKUP.values(), ids=MARKUP)
def test_text_of_nothing_but_markup_makes_few_elements(window, piece):
    ann = window("ann", simulated=True)
    text = piece * (60000 // len(piece))
    ann.page.evaluate("text => say('bob', text)", text)
    assert ann.page.evaluate("document.querySelectorAll('#log *').length") < 5000
    ann.page.evaluate("say('bob', 'http://a `a` @ann')")
    expect(ann.find("#log .text").last.locator("a, code, mark")).to_have_count(3)


@pytest.mark.parametrize("end", [")", "]", "}", ".", ").", ")]"])
def test_end_of_a_link_is_found_in_one_pass(window, end):
    ann = window("ann", simulated=True)
    calls = ann.page.evaluate(
        """(text) => {
            let calls = 0;
            for (const name of ['split', 'slice']) {
                const original = String.prototype[name];
                String.prototype[name] = function (...values) {
                    calls++;
                    return original.apply(this, values);
                };
            }
            say('bob', text);
            return calls;
        }""",
        "https://example.org/" + end * 5000,
    )
    assert calls < 200
    expect(ann.find("#log .text a")).to_have_text("https://example.org/")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\v", "\f", "\u2028"])
def test_text_of_many_lines_does_not_push_the_others_away(window, line_end):
    ann = window("ann", simulated=True)
    ann.page.evaluate("text => say('bob', text)", f"a{line_end * 500}b")
    assert ann.find("#log .text").last.bounding_box()["height"] < WIDE["height"] / 2


def test_names_in_a_note_do_not_change_their_order(window):
    """A name in Hebrew would otherwise draw the comma and the name after it to its left."""
    ann = window("ann", simulated=True)
    names = ["ann", "דן", "רות", "bob"]
    ann.page.evaluate("names => receive({ type: 'userlist', users: names, ids: [1, 2, 3, 4] })", names)
    ann.find("#text").fill("/users")
    ann.find("#text").press("Enter")
    expect(ann.find("#log .users bdi")).to_have_text(names)
    places = [name.bounding_box()["x"] for name in ann.find("#log .users bdi").all()]
    assert places == sorted(places)


def test_page_does_not_listen_to_other_windows(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("data => dispatchEvent(new MessageEvent('message', { data }))", json.dumps({"type": "message", "text": "x"}))
    ann.send("only this")
    expect(ann.find("#log .text")).to_have_text(["only this"])
