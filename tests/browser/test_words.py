"""Two languages: by the browser's choice, by the reader's, and no word of the page outside their table."""

import re

from playwright.sync_api import expect

TABLE = "async () => (await import('/words.js')).default"

# Words in the document as it is delivered: all of them names of the WebSocket API, which are the same everywhere.
DELIVERED = """async () => {
    const html = new DOMParser().parseFromString(await (await fetch('/')).text(), 'text/html');
    return [...html.body.querySelectorAll('*')].flatMap((node) => [...node.childNodes])
        .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).filter(Boolean);
}"""
API = re.compile(
    r"chinwag|CONNECTING|OPEN|CLOSING|CLOSED|url|readyState|protocols?|extensions|bufferedAmount|[↓↑] \w+(\(\))?|\+ GUID|SHA-1|base64"
    r"|key|data|send\(\)|code|reason|close\(\)|[×✎→☰]|MDN|RFC 6455|Naver D2|Spring with WebSocket|\{ \}"
)


def test_both_languages_have_all_words_with_the_same_holes(window):
    holes = lambda text: set(re.findall(r"\{\w+\}", text))
    for key, (english, korean) in window().page.evaluate(TABLE).items():
        assert english and re.search("[가-힣]|English", korean), key
        assert holes(english) == holes(korean), key


def test_no_words_outside_the_table(window):
    assert [word for word in window().page.evaluate(DELIVERED) if not API.fullmatch(word)] == []


def test_korean_by_the_browsers_language(window):
    minji = window("민지", locale="ko-KR")
    expect(minji.page.locator("html")).to_have_attribute("lang", "ko")
    expect(minji.find("#state-word")).to_have_text("연결됨")
    expect(minji.find("#people-title")).to_contain_text("명 참여 중")
    expect(minji.find("#log .note").last).to_contain_text("민지 님이 들어왔습니다")


def test_switching_says_everything_again_and_is_kept(window):
    lee = window("lee")
    lee.say("the text stays")
    lee.find("#language").click()
    expect(lee.find("#log .note").last).to_contain_text("lee 님이 들어왔습니다")
    expect(lee.find("#text")).to_have_attribute("placeholder", "메시지를 쓰세요")
    expect(lee.find("#log time").last).to_contain_text(re.compile("오전|오후"))
    lee.expect_message("the text stays")
    lee.page.reload()
    expect(lee.find("#state-word")).to_have_text("연결됨")
    lee.find("#language").click()
    expect(lee.find("#state-word")).to_have_text("Connected")
