"""What people expect of a chat: mentions, commands, completion, code, private talks, older messages, ignoring."""

import re

import pytest
from playwright.sync_api import expect

from support import IS_FIREFOX, PHONE


def type_line(window, text):
    window.find("#text").fill(text)
    window.find("#text").press("Enter")


@pytest.mark.parametrize(
    "name, text, is_mention",
    [
        ("ann", "hello Ann!", True),
        ("ann", "@ann: look", True),
        ("ann", "ann은 어때요?", True),
        ("ann", "annoying", False),
        ("ann", "Hannah", False),
        ("al", "al dente", False),
        ("al", "@al dente", True),
        ("민수", "민수야, 안녕", True),
        ("민수", "김민수 씨", False),
        ("a.b (c)", "hello a.b (c)", True),
        ("a.b", "acb", False),
    ],
)
def test_mention_is_marked(window, name, text, is_mention):
    ann = window(name, simulated=True)
    ann.page.evaluate("(text) => say('bob', text)", text)
    expect(ann.find("#log .mention")).to_have_count(1 if is_mention else 0)
    expect(ann.find("#log mark")).to_have_count(1 if is_mention else 0)
    ann.expect_message(text)


@pytest.mark.parametrize(
    "text, link",
    [
        ("https://en.wikipedia.org/wiki/WebSocket_(protocol)", "https://en.wikipedia.org/wiki/WebSocket_(protocol)"),
        ("(see https://a.example/b_(c)_(d)).", "https://a.example/b_(c)_(d)"),
        ("[https://a.example/x[1]], and so on", "https://a.example/x[1]"),
        ("(https://a.example/b)", "https://a.example/b"),
        ("`https://a.example/`", None),
    ],
    ids=["parenthesis", "sentence", "brackets", "in-parentheses", "in-code"],
)
def test_links_keep_their_balanced_brackets(window, text, link):
    ann = window("ann", simulated=True)
    ann.page.evaluate("(text) => say('bob', text)", text)
    links = ann.find("#log a")
    expect(links).to_have_count(1 if link else 0)
    if link:
        expect(links).to_have_attribute("href", link)


def test_code_is_shown_as_code_and_copied(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("() => say('bob', 'run `ls -l`:\\n```sh\\nls -l\\n<b>ls</b>\\n```\\ndone')")
    expect(ann.find("#log .text > code")).to_have_text("ls -l")
    expect(ann.find("#log pre code")).to_have_text("ls -l\n<b>ls</b>", use_inner_text=True)
    ann.page.evaluate("() => addEventListener('copy', (event) => setTimeout(() => { window.copied = event.clipboardData?.getData('text/plain') }))")
    ann.find("#log .block .copy").click()
    expect(ann.find("#log .block .copy")).to_have_class(re.compile("done"))


def test_message_is_copied_and_its_time_has_a_date(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("() => { say('bob', 'first', { date: Date.UTC(2026, 4, 6, 12) }); say('bob', 'see https://a.example/', { date: Date.UTC(2026, 4, 6, 12, 1) }); }")
    row = ann.find("#log .row").last
    row.hover()
    expect(row.locator(".body > time")).to_have_css("opacity", "1")
    expect(row.locator(".body > time")).to_have_attribute("title", re.compile("May 6, 2026"))
    ann.page.evaluate("""() => {
        document.execCommand = (command) => {
            const event = new ClipboardEvent('copy', { clipboardData: new DataTransfer(), cancelable: true });
            document.dispatchEvent(event);
            window.copied = [command, event.clipboardData.getData('text/plain')];
        };
    }""")
    row.locator(".body > .copy").click()
    assert ann.page.evaluate("() => window.copied") == ["copy", "see https://a.example/"]


def test_commands_are_those_of_the_text_protocol(window):
    ann, bob, third = window("ann"), window("bob"), window("third")
    type_line(ann, "/msg bob only for you")
    bob.expect_message("only for you")
    expect(bob.find("#log .private .head")).to_contain_text("Only to you")
    type_line(ann, "/name anna")
    ann.expect_person("anna")
    expect(ann.find("#me")).to_have_text("anna")
    type_line(ann, "/users")
    expect(ann.find("#log .note").last).to_contain_text(re.compile("Here: .*bob"))
    type_line(ann, "/help")
    expect(ann.find("#log .note").last).to_contain_text("/msg NAME TEXT")
    type_line(ann, "/me waves")
    expect(third.find("#log .action .text")).to_have_text("waves")
    type_line(ann, "//not a command")
    third.expect_message("/not a command")
    expect(third.find("#log .text")).to_have_text(["waves", "/not a command"])


def test_page_knows_each_command_that_the_text_protocol_lists(window):
    """All but /quit, for which a page has its window."""
    ann = window("ann")
    answer = ann.page.evaluate("""() => new Promise((done) => {
        const ws = new WebSocket(location.href.replace('http', 'ws'), 'text');
        ws.onopen = () => ws.send('/help');
        ws.onmessage = ({ data }) => {
            if (!data.includes('commands:')) return;
            ws.close();
            done(data);
        };
    })""")
    words = set(re.findall(r"(?<![/\w])/(\w+)", answer)) - {"quit", "x"}
    assert {"name", "msg", "users", "help"} <= words
    for word in words:
        type_line(ann, f"/{word}")
        expect(ann.find("#error-text")).not_to_have_attribute("data-t", "unknownCommand")


def test_unknown_command_is_asked_about_and_never_said(window):
    ann = window("ann")
    for line in ("/nmae bob", "/constructor", "/ hello", "/msg bob"):
        type_line(ann, line)
        expect(ann.find("#error")).to_be_visible()
        expect(ann.find("#text")).to_have_value(line)
    expect(ann.find("#log .text")).to_have_count(0)
    type_line(ann, "/usr/bin is a folder")
    ann.find("#error-action").click()
    ann.expect_message("/usr/bin is a folder")
    expect(ann.find("#text")).to_have_value("")


def test_names_are_completed(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("() => receive({ type: 'userlist', users: ['ann', 'bob', 'bert', 'Zoë X'], ids: [1, 2, 3, 4] })")
    text = ann.find("#text")
    text.press_sequentially("hi @b")
    expect(ann.find("#names li")).to_have_text(["bob", "bert"])
    text.press("ArrowDown")
    text.press("Enter")
    expect(text).to_have_value("hi @bert ")
    expect(ann.find("#names")).to_be_hidden()
    text.press_sequentially("zo")
    text.press("Tab")
    expect(text).to_have_value("hi @bert Zoë X ")
    text.press("Tab")
    expect(text).not_to_be_focused()


def test_private_mode_cannot_be_overlooked_and_follows_a_rename(window):
    ann, bob = window("ann"), window("bob")
    ann.find("#people-list").get_by_text("bob").click()
    expect(ann.find("#private-to")).to_have_text("Only to bob")
    expect(ann.find("#text-form")).to_have_class(re.compile("private"))
    type_line(bob, "/name robert")
    expect(ann.find("#private-to")).to_have_text("Only to robert")
    ann.send("for robert")
    bob.expect_message("for robert")
    ann.find("#text").press("Escape")
    expect(ann.find("#private")).to_be_hidden()


def test_private_text_never_reaches_the_successor_of_a_name(window):
    ann, bob = window("ann"), window("bob")
    ann.find("#people-list").get_by_text("bob").click()
    bob.page.close()
    expect(ann.find("#people-list li")).to_have_count(1)
    other = window("bob")
    ann.expect_person("bob")
    type_line(ann, "a secret")
    expect(ann.find("#error")).to_contain_text("no-such-user")
    expect(ann.find("#text")).to_have_value("a secret")
    expect(other.find("#log .text")).to_have_count(0)


def test_private_talk_goes_on_when_the_other_reconnects(window):
    ann, bob = window("ann"), window("bob")
    ann.find("#people-list").get_by_text("bob").click()
    bob.inspect("try")
    bob.find("#try-drop").click()
    bob.find("#inspector-close").click()
    bob.inspect()
    expect(bob.find("#event-list b", has_text="#2 onopen")).to_have_count(1)
    bob.expect_person("bob")
    expect(bob.find("#event-list summary", has_text='"was"')).to_have_count(1)
    expect(ann.find("#people-list bdi")).to_have_text(["ann", "bob"])
    ann.send("still for you")
    bob.expect_message("still for you")


def test_joins_and_leaves_are_one_line(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("""() => {
        for (let n = 0; n < 14; n++) receive({ type: 'username', id: 100 + n, name: `guest ${n}`, date: Date.now() });
    }""")
    expect(ann.find("#log .presence")).to_have_count(1)
    expect(ann.find("#log .presence")).to_contain_text("ann, guest 0 and 13 others joined")
    ann.page.evaluate("() => say('guest 1', 'hello')")
    ann.page.evaluate("() => receive({ type: 'username', id: 200, name: 'late', date: Date.now() })")
    expect(ann.find("#log .presence").last).to_contain_text("late joined")


def test_line_marks_what_came_while_away(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("() => { say('bob', 'seen'); document.hasFocus = () => false; say('bob', 'one'); say('bob', 'two'); }")
    expect(ann.find("#log .unread")).to_have_count(1)
    expect(ann.find("#log .unread + .row .text")).to_have_text("one")
    expect(ann.page).to_have_title(re.compile(r"^\(2\)"))
    expect(ann.page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/svg.*circle"))
    ann.page.evaluate("() => { document.hasFocus = () => true; dispatchEvent(new Event('focus')); }")
    expect(ann.page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("icon.svg"))
    expect(ann.find("#log .unread")).to_have_count(1)
    type_line(ann, "read")
    expect(ann.find("#log .unread")).to_have_count(0)


def test_ignored_person_is_not_shown_and_does_not_signal(window):
    ann, bob = window("ann"), window("bob")
    ann.page.evaluate("document.hasFocus = () => true")
    bob.send("before")
    ann.expect_message("before")
    ann.find("#people-list li", has_text="bob").hover()
    ann.find("#people-list .ignore").click()
    expect(ann.find("#log .row:visible")).to_have_count(0)
    ann.page.evaluate("document.hasFocus = () => false")
    bob.send("and after, Ann")
    expect(ann.find("#log .row")).to_have_count(2)
    expect(ann.find("#log .row:visible")).to_have_count(0)
    expect(ann.page).to_have_title(re.compile(r"^[^(]*chinwag$"))
    ann.page.reload()
    ann.expect_person("bob")
    expect(ann.find("#log .row:visible")).to_have_count(0)
    ann.find("#people-list .ignore").click()
    expect(ann.find("#log .row:visible")).to_have_count(2)


def test_ignored_person_stays_ignored_under_a_new_name(window):
    ann, bob = window("ann"), window("bob")
    bob.send("as bob")
    ann.expect_message("as bob")
    ann.find("#people-list .ignore").dispatch_event("click")
    type_line(bob, "/name rob")
    ann.expect_person("rob")
    expect(ann.find("#people-list .ignore")).to_have_attribute("aria-pressed", "true")
    bob.send("as rob")
    expect(ann.find("#log .text")).to_have_text(["as bob", "as rob"])
    expect(ann.find("#log .row:visible")).to_have_count(0)
    ann.find("#people-list .ignore").dispatch_event("click")
    expect(ann.find("#log .row:visible")).to_have_count(2)
    ann.find("#people-list .ignore").dispatch_event("click")
    ann.page.reload()
    ann.expect_person("rob")
    bob.send("as rob again")
    expect(ann.find("#log .row:visible .text")).to_have_text(["as bob"])  # a name in the history may be anyone's
    other = window("bob")
    other.send("another bob")
    ann.expect_message("another bob")
    expect(ann.find("#log .row:visible .text")).to_have_text(["as bob", "another bob"])


def test_name_that_an_ignored_person_has_left_is_not_ignored(window):
    """Nobody can turn the list against others: taking a name and leaving gives it back."""
    reader = window("reader")
    troll = window("troll")
    reader.expect_person("troll")
    reader.find("#people-list .ignore").dispatch_event("click")
    type_line(troll, "/name ann")
    reader.expect_person("ann")
    troll.send("as ann")
    expect(reader.find("#log .text")).to_have_text(["as ann"])
    type_line(troll, "/name other")
    type_line(troll, "/name ann")
    troll.page.close()
    expect(reader.find("#people-list .ignore")).to_have_count(0)
    window("ann").send("the real ann")
    expect(reader.find("#log .row:visible .text")).to_have_text(["the real ann"])
    window("troll").send("the troll again")
    expect(reader.find("#log .text")).to_have_count(3)
    expect(reader.find("#log .row:visible .text")).to_have_text(["the real ann"])


def test_ignored_people_are_the_same_in_each_tab(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("() => receive({ type: 'userlist', users: ['ann', 'bob'], ids: [1, 7] })")
    ann.page.evaluate("() => { localStorage['chinwag.ignored'] = '[\"dan\"]'; }")  # another tab
    ann.find("#people-list .ignore").dispatch_event("click")
    assert sorted(ann.page.evaluate("() => JSON.parse(localStorage['chinwag.ignored'])")) == ["bob", "dan"]


def test_own_messages_are_shown_under_the_name_of_an_ignored_person(window):
    ann, bob = window("ann"), window("bob")
    ann.expect_person("bob")
    ann.find("#people-list .ignore").dispatch_event("click")
    bob.page.close()
    expect(ann.find("#people-list li")).to_have_count(1)
    type_line(ann, "/name bob")
    expect(ann.find("#me")).to_have_text("bob")
    ann.send("my own")
    expect(ann.find("#log .row:visible .text")).to_have_text(["my own"])


def test_ignored_messages_are_not_counted_as_new(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("""() => {
        receive({ type: 'userlist', users: ['ann', 'bob'], ids: [1, 7] });
        for (let n = 0; n < 40; n++) say('dan', `message ${n}`);
    }""")
    ann.find("#people-list .ignore").dispatch_event("click")
    ann.find("#scroller").hover()
    ann.page.mouse.wheel(0, -600)
    expect(ann.find("#scroller")).not_to_have_class(re.compile("following"))
    ann.page.evaluate("() => { say('bob', 'ignored'); say('dan', 'seen'); }")
    expect(ann.find("#newer")).to_have_text("1 new")


# The server has 200 messages, of which the page shows the last 40.
MANY = "() => { seq = 160; for (let n = 0; n < 40; n++) say('bob', `message ${seq + 1}`); }"

# Answers the connection that fetches older messages, with these numbers.
ANSWER = """([from, to]) => {
    const socket = sockets.at(-1);
    for (let n = from; n <= to; n++) {
        const message = { type: 'message', name: 'bob', text: `message ${n}`, id: 7, date: Date.now(), seq: n };
        if (socket.readyState === 1) socket.onmessage({ data: JSON.stringify(message) });
    }
}"""


def test_older_messages_are_fetched_again_after_a_failure(window):
    ann = window("ann", simulated=True, clock=True)
    shown = ann.find("#log .text")
    ann.page.evaluate(MANY)
    expect(shown).to_have_count(40)
    ann.find("#scroller").hover()

    def attempt(number, action):
        action()
        ann.page.wait_for_function("number => sockets.length === number && sockets.at(-1).url.includes('since=60')", arg=number)
        ann.page.wait_for_function("() => hangs || sockets.at(-1).readyState === 1")

    ann.page.evaluate("() => { hangs = true; }")
    attempt(2, lambda: ann.page.mouse.wheel(0, -10000))
    ann.page.evaluate("() => { sockets.at(-1).close(1006); hangs = false; }")
    ann.page.clock.run_for(100)
    expect(ann.find("#older")).to_be_visible()
    # The next one breaks in the middle: nothing may be missing between the messages.
    ann.page.clock.run_for(3000)
    attempt(3, lambda: ann.page.mouse.wheel(0, -100))
    ann.page.evaluate(ANSWER, [61, 70])
    ann.page.evaluate("() => sockets.at(-1).close(1006)")
    ann.page.clock.run_for(100)
    expect(shown).to_have_count(40)
    expect(ann.find("#error")).to_be_hidden()
    # Another one never answers. A click asks for an answer.
    attempt(4, lambda: ann.find("#older").click())
    ann.page.clock.run_for(9000)
    expect(ann.find("#error-text")).to_have_text("Older messages did not arrive. Try again.")
    attempt(5, lambda: ann.find("#older").click())
    ann.page.evaluate(ANSWER, [61, 161])
    expect(shown).to_have_text([f"message {n}" for n in range(61, 201)])
    expect(ann.find("#error")).to_be_hidden()


def test_new_numbering_does_not_mix_up_messages(window):
    """The server was restarted without a history."""
    ann = window("ann", simulated=True)
    ann.page.evaluate(MANY)
    expect(ann.find("#older")).to_be_visible()
    ann.page.evaluate("""() => {
        receive({ type: 'id', id: 1, seq: 0, log: 'b' });
        seq = 160;
        say('bob', 'has the number 161 again');
        receive({ type: 'deleted', seq: [161] });
    }""")
    expect(ann.find("#log .row").last).to_have_text(re.compile("deleted by an operator"))
    expect(ann.find("#log .text")).to_have_text([f"message {n}" for n in range(161, 201)])
    expect(ann.find("#older")).to_be_hidden()


def test_older_messages_come_when_scrolling_up(window):
    writer = window("writer")
    writer.page.evaluate("""(count) => {
        const text = document.getElementById('text');
        for (let n = 1; n <= count; n++) {
            text.value = `message ${n}`;
            text.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
        }
    }""", 130)
    expect(writer.find("#log .text")).to_have_count(130)
    late = window("late")
    expect(late.find("#log .text")).to_have_count(50)
    expect(late.find("#log .text").last).to_be_in_viewport()
    late.find("#scroller").hover()
    late.page.mouse.wheel(0, -10000)
    expect(late.find("#log .text")).to_have_text([f"message {n}" for n in range(1, 131)])
    expect(late.find("#log > .day")).to_have_count(1)
    expect(late.find("#older")).to_be_hidden()
    writer.page.reload()
    expect(writer.find("#log .mine")).to_have_count(50)


@pytest.mark.parametrize("name", ["", "   "])
def test_empty_name_is_asked_for_again(window, name):
    ann = window()
    ann.find("#name").fill(name)
    ann.find("#join").click()
    expect(ann.find("#name:invalid")).to_be_focused()
    expect(ann.find("#name-form")).to_be_visible()
    ann.join("ann").send("here")


@pytest.mark.parametrize("has_text, answer", [(False, "visible"), (True, "hidden")])
def test_pasted_file_is_answered_with_a_sentence(window, has_text, answer):
    """Office programs add a picture to copied text: that is text."""
    ann = window("ann")
    ann.find("#text").evaluate("""(box, hasText) => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File(['x'], 'x.png', { type: 'image/png' }));
        if (hasText) clipboardData.setData('text/plain', 'a text');
        const event = new ClipboardEvent('paste', { bubbles: true, cancelable: true });
        Object.defineProperty(event, 'clipboardData', { value: clipboardData }); // Firefox ignores it as an option
        box.dispatchEvent(event);
    }""", has_text)
    if answer == "visible":
        expect(ann.find("#error")).to_contain_text("Files cannot be sent")
    else:
        expect(ann.find("#error")).to_be_hidden()


def test_text_that_was_typed_since_the_question_stays(window):
    ann = window("ann")
    ann.find("#text").fill("/shrug")
    ann.find("#text").press("Enter")
    ann.find("#text").fill("something else")
    ann.find("#error-action").click()
    ann.expect_message("/shrug")
    expect(ann.find("#text")).to_have_value("something else")


def test_name_can_be_changed_or_not(window):
    ann = window("ann")
    ann.find("#change-name").click()
    expect(ann.find("#name")).to_be_focused()
    ann.find("#name").press("Escape")
    expect(ann.find("#name-form")).to_be_hidden()
    expect(ann.find("#text")).to_be_focused()
    ann.find("#change-name").click()
    ann.find("#name").fill("other")
    ann.find("#name-cancel").click()
    expect(ann.find("#me")).to_have_text("ann")


def test_dropped_file_is_answered_with_a_sentence(window):
    ann = window("ann")
    ann.page.evaluate("""() => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(['x'], 'x.txt'));
        for (const type of ['dragover', 'drop']) {
            document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
        }
    }""")
    expect(ann.find("#error")).to_contain_text("Files cannot be sent")


def test_page_can_be_installed(window):
    ann = window("ann")
    manifest = ann.page.evaluate("async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json()")
    assert manifest["display"] == "standalone" and manifest["icons"]


def test_errors_of_the_server_are_in_korean(window):
    jimin = window("지민", locale="ko-KR")
    jimin.find("#text").evaluate("node => { node.value = 'x'.repeat(9000); }")
    jimin.find("#text").press("Enter")
    expect(jimin.find("#error")).to_contain_text("글이 너무 깁니다")


def test_landscape_phone_with_a_keyboard_shows_the_conversation(window):
    ann = window("ann", viewport={"width": 844, "height": 180}, has_touch=True, is_mobile=True)
    ann.find("#text").focus()
    ann.send("still visible")
    expect(ann.find("#log .text").last).to_be_in_viewport(ratio=0.9)
    assert ann.find("#scroller").bounding_box()["height"] > 80


@pytest.mark.skipif(IS_FIREFOX, reason="Playwright cannot emulate media in Firefox")
def test_print_has_the_whole_conversation_and_nothing_else(window):
    ann = window("ann", simulated=True)
    ann.page.evaluate("() => { for (let n = 0; n < 100; n++) say('bob', `message ${n}`); }")
    ann.page.emulate_media(media="print")
    assert ann.page.evaluate("() => document.documentElement.scrollHeight") > 3000
    for part in ("header", "#people", "#text-form"):
        expect(ann.find(part)).to_be_hidden()
    light = ann.find("#log .text").first.evaluate("node => getComputedStyle(node).color")
    ann.page.emulate_media(media="print", color_scheme="dark")
    assert ann.find("#log .text").first.evaluate("node => getComputedStyle(node).color") == light


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["wide", "phone"])
def test_targets_have_24_pixels(window, viewport, allowed):
    allowed.append("Failed to load resource.*404")
    ann = window("ann", simulated=True, **({"viewport": viewport} if viewport else {}))
    ann.page.evaluate("() => { receive({ type: 'userlist', users: ['ann', 'bob'], ids: [1, 7] }); say('bob', 'hello'); say('bob', 'x', { target: 'ann' }); }")
    ann.find("#people-button").evaluate("node => node.offsetWidth && node.click()")
    ann.find("#rooms").evaluate("node => { node.open = true; }")
    expect(ann.find("#room-list a")).not_to_have_count(0)
    small = ann.page.evaluate("""() => [...document.querySelectorAll('button, input:not([type=checkbox]), textarea, a, summary')]
        .filter((node) => node.checkVisibility() && node.getBoundingClientRect().height)
        .map((node) => [node.getBoundingClientRect(), node.id || node.className || node.textContent])
        .filter(([box]) => box.width < 24 || box.height < 24).map(([box, what]) => `${what}: ${box.width} x ${box.height}`)""")
    assert small == []
