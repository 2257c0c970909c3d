"""Sound and notifications: only for those who ask for them, and then they come."""

import pytest
from playwright.sync_api import expect

# Before the page's own scripts: remembers what is asked of the browser, and does not make a noise.
RECORD = """
window.asked = 0;
window.beeps = 0;
window.notified = [];
const ask = Notification.requestPermission.bind(Notification);
Notification = class extends Notification {
    static requestPermission() { window.asked++; return ask(); }
    constructor(title, options) { super(title, options); window.notified.push([title, options.body]); }
};
OscillatorNode = class extends OscillatorNode { start() { window.beeps++; super.start(); } };
document.hasFocus = () => false;
"""


@pytest.fixture
def listener(browser, url, window):
    """Makes a window that records; `permission`: notifications are granted, as by an earlier answer."""

    def make(name, permission=True):
        one = window(connects=False)
        if permission:
            one.page.context.grant_permissions(["notifications"])
        one.page.add_init_script(RECORD)
        one.page.reload()
        one.expect_state("OPEN")
        return one.join(name)

    return make


def state(window):
    return window.page.evaluate("() => [asked, beeps, notified]")


def test_nothing_is_asked_or_heard_unasked(window, listener):
    ann, bob = listener("ann"), window("bob")
    bob.say("hello")
    ann.expect_message("hello")
    expect(ann.find("#sound")).not_to_be_checked()
    expect(ann.find("#notes")).not_to_be_checked()
    assert state(ann) == [0, 0, []]


def test_who_asks_gets_them_and_keeps_them(window, listener):
    ann, bob = listener("ann"), window("bob")
    ann.find("#sound").check()
    ann.find("#notes").check()
    ann.page.wait_for_function("() => asked === 1")
    bob.say("hello")
    ann.page.wait_for_function("() => beeps === 1 && notified.length === 1")
    assert state(ann) == [1, 1, [["bob", "hello"]]]
    ann.say("my own are quiet")
    ann.page.reload()
    expect(ann.find("#sound")).to_be_checked()
    expect(ann.find("#notes")).to_be_checked()
    ann.expect_message("my own are quiet")
    assert state(ann) == [0, 0, []], "neither asked again, nor told of what was said before"
    ann.find("#notes").uncheck()
    bob.say("only a sound")
    ann.page.wait_for_function("() => beeps === 1")
    assert state(ann) == [0, 1, []]


def test_who_is_refused_is_told_so(listener):
    """The browser says no: the box does not stay ticked."""
    ann = listener("ann", permission=False)
    ann.find("#notes").click()
    expect(ann.find("#notes")).not_to_be_checked()
    ann.page.wait_for_function("() => asked === 1")
    assert ann.page.evaluate("localStorage['chinwag.notes']") == "false"
