"""The text box: the Enter key, input methods, drafts, and its speed with ten thousand messages."""

from playwright.sync_api import expect

FLOOD = """async (count) => {
    const started = performance.now();
    for (let n = 0; n < count; n++) {
        say(`user${n % 50}`, `message ${n} with https://example.org/${n} in it`);
        if (n % 500 === 0) await frame();
    }
    return performance.now() - started;
}"""

# From the key event's time stamp to the next painted frame.
MEASURE = """() => {
    window.waits = [];
    document.getElementById('text').addEventListener('keydown', (event) => {
        requestAnimationFrame(() => setTimeout(() => window.waits.push(performance.now() - event.timeStamp)));
    });
}"""


def test_enter_sends_and_shift_enter_adds_a_line(window):
    ann = window("lines")
    text = ann.find("#text")
    text.press_sequentially("one")
    text.press("Shift+Enter")
    text.press_sequentially("two")
    expect(text).to_have_value("one\ntwo")
    text.press("Enter")
    ann.expect_message("one\ntwo")
    expect(text).to_have_value("")


def test_enter_that_completes_a_composition_does_not_send(window):
    minsu = window("민수", locale="ko-KR")
    text = minsu.find("#text")
    text.focus()
    keyboard = minsu.page.context.new_cdp_session(minsu.page)
    keyboard.send("Input.imeSetComposition", {"text": "안녀", "selectionStart": 2, "selectionEnd": 2})
    keyboard.send("Input.imeSetComposition", {"text": "안녕", "selectionStart": 2, "selectionEnd": 2})
    minsu.page.evaluate("addEventListener('keydown', (e) => { window.wasComposing = e.isComposing; }, true)")
    enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
    keyboard.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **enter})
    keyboard.send("Input.dispatchKeyEvent", {"type": "keyUp", **enter})
    assert minsu.page.evaluate("window.wasComposing") is True, "the browser composed"
    expect(text).to_have_value("안녕")
    expect(minsu.find("#log .text")).to_have_count(0)
    keyboard.send("Input.insertText", {"text": "안녕"})
    text.press("Enter")
    minsu.expect_message("안녕")


def test_enter_with_key_code_229_does_not_send(window):
    """Safari ends the composition first and then reports Enter with key code 229."""
    text = window("safari").find("#text")
    text.fill("한글")
    text.dispatch_event("compositionend", {"data": "한글"})
    text.dispatch_event("keydown", {"key": "Enter", "keyCode": 229, "bubbles": True})
    expect(text).to_have_value("한글")


def test_draft_survives_a_reload(window):
    drafter = window("drafter")
    drafter.find("#text").fill("not yet said")
    drafter.page.reload()
    expect(drafter.find("#text")).to_have_value("not yet said")


def test_messages_rejected_as_too_fast_are_sent_later(window):
    """All messages arrive once and in order."""
    eager = window("eager")
    texts = [f"message {number}" for number in range(110)]
    eager.page.evaluate("""(texts) => {
        const text = document.getElementById('text');
        for (text.value of texts) text.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
    }""", texts)
    expect(eager.find("#pending > *")).to_have_count(0)
    expect(eager.find("#log .text")).to_have_text(texts)


def test_typing_stays_fast_with_ten_thousand_messages(window):
    busy = window("busy", simulated=True)
    took = busy.page.evaluate(FLOOD, 10000)
    expect(busy.find("#dropped")).to_be_visible()
    expect(busy.find("#log .text").last).to_be_in_viewport()
    busy.page.evaluate(MEASURE)
    busy.find("#text").press_sequentially("typing while ten thousand messages are here")
    waits = busy.page.evaluate("new Promise((done) => setTimeout(() => requestAnimationFrame(() => done(waits))))")
    nodes = busy.page.evaluate("document.querySelectorAll('*').length")
    metrics = busy.page.context.new_cdp_session(busy.page)
    metrics.send("HeapProfiler.collectGarbage")
    heap = metrics.send("Runtime.getHeapUsage")["usedSize"]
    waits.sort()
    print(f"\n10 000 messages in {took:.0f} ms; a key to its frame: median {waits[len(waits) // 2]:.1f} ms, "
          f"worst {waits[-1]:.1f} ms; {nodes} elements, heap {heap / 2**20:.1f} MiB")
    assert len(waits) >= 40
    assert nodes < 20000
    assert heap < 40 * 2**20
