"""Sound and notifications are off until the user enables them."""

import re

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


BLOCKED = re.compile("^Your browser blocks notifications .* To allow them, ")


@pytest.fixture
def allow():
    """Sets the permission of a window, as its user can in the browser's settings: granted, denied or prompt."""

    def set_permission(window, setting):
        session = window.page.context.new_cdp_session(window.page)
        context = session.send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
        origin = window.page.evaluate("origin")
        permission = {"permission": {"name": "notifications"}, "setting": setting, "origin": origin}
        session.send("Browser.setPermission", {**permission, "browserContextId": context})

    return set_permission


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
    bob.find("#text").fill("/me waves at ann")
    bob.find("#text").press("Enter")
    ann.page.wait_for_function("() => notified.length === 2")
    assert state(ann)[2][1] == ["bob", "waves at ann"]
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
    expect(ann.find("#notifications-note")).to_have_text(BLOCKED)


def test_checkbox_follows_the_permission(listener, allow):
    ann = listener("ann")
    box, note = ann.find("#notifications"), ann.find("#notifications-note")
    box.check()
    expect(note).to_be_hidden()
    allow(ann, "denied")
    expect(box).not_to_be_checked()
    expect(note).to_have_text(BLOCKED)
    ann.page.reload()
    expect(note).to_have_text(BLOCKED)
    expect(box).not_to_be_checked()
    ann.find("#language").click()
    expect(note).to_contain_text("알림을 허용하세요")
    allow(ann, "granted")
    expect(box).to_be_checked()
    expect(note).to_be_hidden()
    allow(ann, "prompt")
    expect(box).not_to_be_checked()
    expect(note).to_be_hidden()


def test_denied_permission_that_is_granted_later_needs_no_other_click(listener, allow):
    ann = listener("ann")
    allow(ann, "denied")
    expect(ann.find("#notifications-note")).to_be_hidden()
    ann.find("#notifications").click()
    expect(ann.find("#notifications-note")).to_have_text(BLOCKED)
    allow(ann, "granted")
    expect(ann.find("#notifications")).to_be_checked()
    ann.page.reload()
    expect(ann.find("#notifications")).to_be_checked()


def test_checkbox_waits_for_the_answer_of_the_user(listener):
    ann = listener("ann", permission=False)
    ann.page.evaluate("""() => {
        Object.defineProperty(Notification, 'permission', { get: () => window.permission ?? 'default' });
        Notification.requestPermission = () => new Promise((done) => { window.answer = (word) => done(window.permission = word); });
    }""")
    box = ann.find("#notifications")
    box.click()
    expect(box).not_to_be_checked()
    expect(ann.find("#notifications-note")).to_be_hidden()
    ann.page.evaluate("() => answer('granted')")
    expect(box).to_be_checked()


def test_browser_that_cannot_notify_is_said_to_be_so(window, listener):
    """Chromium on Android has the permission, but no constructor."""
    ann, bob = listener("ann"), window("bob")
    ann.page.evaluate("() => { const { requestPermission } = Notification; Notification = class { static permission = 'granted'; static requestPermission = requestPermission; constructor() { throw new TypeError(); } }; }")
    ann.find("#notifications").check()
    bob.send("hello, Ann")
    expect(ann.find("#notifications")).not_to_be_checked()
    ann.page.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(ann.find("#notifications-note")).to_have_text("This browser does not show notifications from pages.")
