"""The dialect `text`, as a user would type it."""

import pytest


@pytest.fixture
def typist(server):
    typist = server.client("text")
    typist.expect(f"* guest-{typist.id} signed in")
    return typist


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("hi", "{me}: hi"),
        ("hi\n", "{me}: hi"),
        ("hi\r\n", "{me}: hi"),
        ("//quit is how one leaves", "{me}: /quit is how one leaves"),
        ("/name bob", "* bob signed in"),
        ("/users", "* users: {me}"),
        ("\x1b[31mred \u202e back", "{me}: \ufffd[31mred \ufffd back"),
    ],
)
def test_typed_line_shows_lines(typist, typed, shown):
    typist.send(typed)
    typist.expect(shown.format(me=f"guest-{typist.id}"))


@pytest.mark.parametrize("typed", ["/nonsense", "/name", "/msg", "/msg nobody", "/msg nobody hi", " ", ""])
def test_rejection_is_a_sentence(typist, typed):
    typist.send(typed)
    answer = typist.next()
    assert answer.startswith("* refused: ") and answer.count(" ") > 4, answer
    typist.send("still here")
    typist.expect(f"guest-{typist.id}: still here")


def test_help_lists_all_commands(typist):
    typist.send("/help")
    answer = typist.next()
    for command in "/name", "/msg", "/users", "/help", "/quit":
        assert command in answer
    assert answer.startswith("* ")


def test_taken_name_is_replaced_and_shown(server, typist):
    server.client("json").sign_in("bob")
    typist.expect("* bob signed in")
    typist.send("/name bob")
    typist.expect("* you are bob1")
    typist.expect("* bob1 signed in")


def test_users_are_listed_in_order_of_joining(server, typist):
    server.client("json").sign_in("zoe")
    server.client("json").sign_in("ann")
    typist.expect("* zoe signed in")
    typist.expect("* ann signed in")
    typist.send("/users")
    typist.expect(f"* users: guest-{typist.id}, zoe, ann")
