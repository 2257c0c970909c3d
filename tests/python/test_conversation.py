"""The messages of docs/PROTOCOL.md, byte for byte."""

import re

import pytest


def test_json_and_text_clients_share_a_room(server):
    ann = server.client("json")
    assert re.fullmatch(f'{{"type":"id","id":{ann.id},"seq":0,"log":"[0-9a-z]+","resume":"{ann.id}-[0-9a-f]{{32}}"}}', ann.hello)
    # MDN's client sends an id and a date. Both are ignored.
    ann.send({"type": "username", "name": "ann", "id": 999, "date": 0})
    ann.expect(f'{{"type":"username","name":"ann","id":{ann.id},"date":DATE}}')
    ann.expect_users("ann")

    bob = server.client("json")
    assert bob.id != ann.id
    bob.send({"type": "username", "name": "ann"})
    bob.expect(f'{{"type":"rejectusername","id":{bob.id},"name":"ann1"}}')
    for client in ann, bob:
        client.expect(f'{{"type":"username","name":"ann1","id":{bob.id},"date":DATE}}')
        client.expect_users("ann", "ann1")
    bob.send({"type": "username", "name": "bob"})
    for client in ann, bob:
        client.expect(f'{{"type":"username","name":"bob","id":{bob.id},"date":DATE}}')
        client.expect_users("ann", "bob")

    cat = server.client("text")
    assert cat.hello == f"* you are guest-{cat.id}"
    cat.expect(f"* guest-{cat.id} signed in")
    for client in ann, bob:
        client.expect(f'{{"type":"username","name":"guest-{cat.id}","id":{cat.id},"date":DATE}}')
        client.expect_users("ann", "bob", f"guest-{cat.id}")

    cat.send("hello, all")
    for client in ann, bob:
        client.expect(f'{{"type":"message","name":"guest-{cat.id}","text":"hello, all","id":{cat.id},"date":DATE,"seq":1}}')
    cat.expect(f"guest-{cat.id}: hello, all")

    cat.send("/name cat")
    cat.expect("* cat signed in")
    for client in ann, bob:
        client.expect(f'{{"type":"username","name":"cat","id":{cat.id},"date":DATE}}')
        client.expect_users("ann", "bob", "cat")

    # Another user's id and name are ignored: the connection decides.
    ann.send({"type": "message", "text": "hi", "id": bob.id, "name": "bob", "date": 0})
    for client in ann, bob:
        client.expect(f'{{"type":"message","name":"ann","text":"hi","id":{ann.id},"date":DATE,"seq":2}}')
    cat.expect("ann: hi")

    bob.close()
    cat.expect("* bob left")
    ann.expect_users("ann", "cat")
    cat.send("/quit")
    assert cat.expect_close() == 1000
    ann.expect_users("ann")


def test_private_message_reaches_its_target_and_its_sender_only(server):
    ann, bob = server.client("json").sign_in("ann"), server.client("json").sign_in("bob")
    cat = server.client("text")
    cat.expect(f"* guest-{cat.id} signed in")
    for client in ann, bob:
        while "guest" not in client.next():
            pass

    ann.send({"type": "message", "text": "psst", "target": "BOB"})
    for client in ann, bob:
        client.expect(f'{{"type":"message","name":"ann","text":"psst","id":{ann.id},"date":DATE,"target":"bob","targetId":{bob.id}}}')
    cat.send("/msg bob hi")
    cat.expect(f"guest-{cat.id} (to bob): hi")
    bob.expect(
        f'{{"type":"message","name":"guest-{cat.id}","text":"hi","id":{cat.id},"date":DATE,"target":"bob","targetId":{bob.id}}}'
    )
    bob.send({"type": "message", "text": "hi yourself", "target": f"guest-{cat.id}"})
    cat.expect("bob (to you): hi yourself")

    # The third client's next message is the public one: it received no private message.
    bob.send({"type": "message", "text": "aloud"})
    ann.expect(f'{{"type":"message","name":"bob","text":"aloud","id":{bob.id},"date":DATE,"seq":1}}')


def test_taken_name_gets_the_smallest_free_number(server):
    server.client("json").sign_in("bob")
    clients = [server.client("json") for _ in range(4)]
    # RFC 8266: these names are equal.
    for client, asked, given in zip(clients, ["bob", "BOB", "ｂｏｂ", " bob "], ["bob1", "BOB2", "ｂｏｂ3", "bob4"]):
        client.send({"type": "username", "name": asked})
        while "rejectusername" not in (received := client.next()):
            pass
        assert received == f'{{"type":"rejectusername","id":{client.id},"name":"{given}"}}'
        client.expect(f'{{"type":"username","name":"{given}","id":{client.id},"date":DATE}}')
        # The rejection came before all messages with the name.
        assert given in client.everything[client.everything.index(received)]
        assert not any(given in message for message in client.everything[: client.everything.index(received)])

    # A user's own name is not taken. A name that was given up is free.
    clients[0].send({"type": "username", "name": "bob1"})
    while '"bob4"' not in (received := clients[0].next()):
        pass
    clients[0].expect(f'{{"type":"username","name":"bob1","id":{clients[0].id},"date":DATE}}')
    clients[0].close()
    clients[3].expect(f'{{"type":"username","name":"bob1","id":{clients[0].id},"date":DATE}}')
    clients[3].expect_users("bob", "BOB2", "ｂｏｂ3", "bob4")
    clients[3].send({"type": "username", "name": "bob"})
    clients[3].expect(f'{{"type":"rejectusername","id":{clients[3].id},"name":"bob1"}}')


def test_markup_is_escaped_in_json_only(server):
    mdn = server.client("json").sign_in("mdn")
    page = server.client("chinwag.v1").sign_in("page")
    line = server.client("text")
    for client, last in (mdn, "guest"), (page, "guest"), (line, "signed in"):
        while last not in client.next():
            pass

    name, text = "<img src=x onerror=alert(1)>", "a<b && \"c\"\\>d\n\U0001f600"
    escaped = "&lt;img src=x onerror=alert(1)&gt;"
    page.send({"type": "username", "name": name})
    page.expect(f'{{"type":"username","name":"{name}","id":{page.id},"date":DATE}}')
    mdn.expect(f'{{"type":"username","name":"{escaped}","id":{page.id},"date":DATE}}')
    mdn.expect_users("mdn", escaped, f"guest-{line.id}")
    page.expect_users("mdn", name, f"guest-{line.id}")
    # In `text`, a name with special characters is quoted.
    line.expect(f'* "{name}" signed in')

    page.send({"type": "message", "text": text})
    page.expect(
        f'{{"type":"message","name":"{name}","text":"a<b && \\"c\\"\\\\>d\\n\U0001f600","id":{page.id},"date":DATE,"seq":1}}'
    )
    mdn.expect(
        f'{{"type":"message","name":"{escaped}","text":"a&lt;b &amp;&amp; \\"c\\"\\\\&gt;d\\n\U0001f600",'
        f'"id":{page.id},"date":DATE,"seq":1}}'
    )
    # A line break in a message is shown as a symbol.
    line.expect(f'"{name}": a<b && "c"\\>d \u23ce \U0001f600')


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (["json"], "json"),
        (["chinwag.v1"], "chinwag.v1"),
        (["text"], "text"),
        (["text", "json"], "text"),
        (["json", "text"], "json"),
        (["x-unheard-of", "chinwag.v1", "json"], "chinwag.v1"),
        (["x-unheard-of"], None),
        ([], None),
    ],
)
def test_first_known_subprotocol_in_the_clients_order_is_chosen(server, asked, chosen):
    client = server.client(*asked)
    assert client.protocol == chosen
    expected = f"* you are guest-{client.id}" if chosen == "text" else f'{{"type":"id","id":{client.id},"seq":0,"log":"'
    assert client.hello.startswith(expected)
