"""One room in the page, over a WebSocket, and as server-sent events: each message once, in the same order."""

import threading
from urllib.request import urlopen

# Both have begun when the promise is fulfilled.
READERS = """() => {
    window.streamed = [];
    window.received = [];
    const stream = new EventSource(location.pathname);
    stream.onmessage = ({ data }) => streamed.push(JSON.parse(data).text);
    const socket = new WebSocket(location.href.replace('http', 'ws'), 'chinwag.v1');
    const first = new Promise((resolve) => {
        socket.onmessage = ({ data }) => {
            const { type, text } = JSON.parse(data);
            if (type === 'id') resolve();
            if (type === 'message') received.push(text);
        };
    });
    return Promise.all([first, new Promise((resolve) => stream.addEventListener('id', resolve))]).then(() => {});
}"""

SCRIPTS, EACH, TYPED = 3, 20, 5


def test_room_is_the_same_for_page_websocket_and_stream(window, url):
    ann = window("ann")
    ann.page.evaluate(READERS)

    def post(script):
        for nth in range(EACH):
            with urlopen(f"{url}?name=script", f"script {script} {nth}".encode()) as answer:
                assert answer.status == 201

    scripts = [threading.Thread(target=post, args=(script,)) for script in range(SCRIPTS)]
    for script in scripts:
        script.start()
    for nth in range(TYPED):
        ann.find("#text").fill(f"typed {nth}")
        ann.find("#text").press("Enter")
    for script in scripts:
        script.join()
    count = SCRIPTS * EACH + TYPED
    ann.page.wait_for_function("n => streamed.length >= n && received.length >= n", arg=count)
    ann.page.wait_for_function("n => document.querySelectorAll('#log .text').length >= n", arg=count)
    streamed, received = ann.page.evaluate("[streamed, received]")
    expected = {f"script {script} {nth}" for script in range(SCRIPTS) for nth in range(EACH)}
    assert len(received) == count and set(received) == expected | {f"typed {nth}" for nth in range(TYPED)}
    assert streamed == received
    assert ann.find("#log .text").all_text_contents() == received
