"""Two languages: the browser's or the reader's choice. Every text of the page is in the table of translations."""

import re
from pathlib import Path

from playwright.sync_api import expect

PAGE = Path(__file__).parents[2] / "src" / "chat" / "page"
PROTOCOL = PAGE.parents[2] / "docs" / "PROTOCOL.md"
SOURCES = [PAGE / name for name in ("translations.js", "inspector-texts.js", "inspector-lesson-texts.js")]
TABLES = ["() => (" + re.split(r"export const \w+ = ", source.read_text())[1].rstrip().rstrip(";") + ")" for source in SOURCES]

# Texts in the document as delivered. They may only be names of the WebSocket API, which are not translated.
DELIVERED = """async () => {
    const load = async (path) => new DOMParser().parseFromString(await (await fetch(path)).text(), 'text/html');
    const bodies = [(await load('/')).body, (await load('/inspector.html')).body];
    return bodies.flatMap((body) => [...body.querySelectorAll('*')]).flatMap((node) => [...node.childNodes])
        .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).filter(Boolean);
}"""
API = re.compile(
    r"chinwag|chinwag needs .*|CONNECTING|OPEN|CLOSING|CLOSED|url|readyState|protocols?|extensions|bufferedAmount|[↓↑] \w+(\(\))?|\+ GUID|SHA-1|base64"
    r"|key|data|new WebSocket\(url, protocols\)|send\(data\)|code|reason|close\(code, reason\)|FIN|RSV[123]|MASK|opcode|length|[×✎→☰]|MDN|RFC 6455|Naver D2|Spring with WebSocket|\{ \}"
)


def test_no_key_is_given_twice():
    keys = [key for source in SOURCES for key in re.findall(r"^\t'?([\w-]+)'?:", source.read_text(), re.M)]
    assert [key for key in set(keys) if keys.count(key) > 1] == []


def test_translations_have_the_same_placeholders(window):
    placeholders = lambda text: set(re.findall(r"\{\w+\}", text))
    page = window().page
    for key, (english, korean) in [pair for table in TABLES for pair in page.evaluate(table).items()]:
        assert english and (re.search("[가-힣]|English", korean) or english == korean), key
        assert placeholders(english) == placeholders(korean), key


def test_every_reason_of_the_protocol_has_a_sentence():
    """In Korean, no error of the server stays English."""
    reasons = re.findall(r"^\| `([a-z-]+)` \| ", PROTOCOL.read_text().split("`reason` is a stable word")[1].split("\n### ")[0], re.M)
    assert len(reasons) > 10
    own = {"too-fast"}  # the page waits and sends the message again
    assert [reason for reason in reasons if f"'error-{reason}'" not in SOURCES[0].read_text() and reason not in own] == []


def test_page_has_no_text_outside_the_table(window):
    assert [word for word in window().page.evaluate(DELIVERED) if not API.fullmatch(word)] == []


def test_korean_is_chosen_by_the_browsers_language(window):
    minji = window("민지", locale="ko-KR")
    expect(minji.page.locator("html")).to_have_attribute("lang", "ko")
    expect(minji.find("#people-title")).to_contain_text("명 참여 중")
    expect(minji.find("#log .note").last).to_contain_text("민지 님이 들어왔습니다")


def test_switching_changes_all_texts_and_is_remembered(window):
    lee = window("lee")
    lee.send("the text stays")
    lee.find("#language").click()
    expect(lee.find("#log .note").last).to_contain_text("lee 님이 들어왔습니다")
    expect(lee.find("#text")).to_have_attribute("placeholder", "메시지를 쓰세요")
    expect(lee.find("#log time").last).to_contain_text(re.compile("오전|오후"))
    lee.expect_message("the text stays")
    lee.page.reload()
    expect(lee.find("#people-title")).to_have_text("1명 참여 중")
    lee.find("#language").click()
    expect(lee.find("#people-title")).to_have_text("1 person here")
