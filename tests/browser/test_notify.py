"""Sound and notifications are off until the user enables them."""

import pytest
from playwright.sync_api import expect

# Runs before the page's scripts: records requests, sounds and notifications.
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
    """Makes a window that records. `permission`: notifications are already granted."""

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


def test_sound_and_notifications_are_off_by_default(window, listener):
    ann, bob = listener("ann"), window("bob")
    bob.send("hello")
    ann.expect_message("hello")
    expect(ann.find("#sound")).not_to_be_checked()
    expect(ann.find("#notifications")).not_to_be_checked()
    assert state(ann) == [0, 0, []]


def test_enabled_sound_and_notifications_stay_enabled(window, listener):
    ann, bob = listener("ann"), window("bob")
    ann.find("#sound").check()
    ann.find("#notifications").check()
    ann.page.wait_for_function("() => asked === 1")
    bob.send("hello, Ann")
    ann.page.wait_for_function("() => beeps === 1 && notified.length === 1")
    assert state(ann) == [1, 1, [["bob", "hello, Ann"]]]
    ann.send("my own are quiet")
    ann.page.reload()
    expect(ann.find("#sound")).to_be_checked()
    expect(ann.find("#notifications")).to_be_checked()
    ann.expect_message("my own are quiet")
    assert state(ann) == [0, 0, []], "no new request, and no notification for history"
    ann.find("#notifications").uncheck()
    bob.send("only a sound")
    ann.page.wait_for_function("() => beeps === 1")
    assert state(ann) == [0, 1, []]


def test_checkbox_is_cleared_when_permission_is_denied(listener):
    ann = listener("ann", permission=False)
    ann.find("#notifications").click()
    expect(ann.find("#notifications")).not_to_be_checked()
    ann.page.wait_for_function("() => asked === 1")
    assert ann.page.evaluate("localStorage['chinwag.notifications']") == "false"
