//! What is sent, and what is sent back: the rules of docs/HANDSHAKE.md, case by case.
//!
//! Needs no sockets: the head is read from a script of segments, and the answer is data.

mod any_bytes;
mod document;
mod reading;
mod requests;
mod rows;
mod script;

use chinwag::handshake::Negotiated;
use rows::{GROUPS, Group, Row};
use script::{Script, answer_to};

#[test]
fn each_case_gets_its_answer() {
    for group in GROUPS {
        for row in (group.rows)() {
            check(group, &row, row.script());
        }
    }
}

#[test]
fn one_byte_segments_make_no_difference() {
    for group in GROUPS {
        for row in (group.rows)() {
            check(group, &row, row.script().in_pieces_of(1));
        }
    }
}

fn check(group: &Group, row: &Row, script: Script) {
    let reply = answer_to(script, &(group.policy)());
    let what = format!("{}: {}", group.title, row.what);
    assert_eq!(reply.status, row.status, "{what}: {}", reply.text);
    assert!(reply.text.contains(row.says), "{what}: {}", reply.text);
    if ![0, 101, 304].contains(&reply.status) {
        assert!(reply.text.contains("\r\nContent-Length: "), "{what}");
        assert!(reply.text.contains("\r\nConnection: close"), "{what}");
    }
}

#[test]
fn the_answer_to_the_example_of_the_standard() {
    let reply = answer_to(Script::of(requests::handshake()), &rows::chat());
    let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    assert_eq!(reply.text, expected);
}

#[test]
fn the_choice_is_told_to_the_server_too() {
    let offer = "Sec-WebSocket-Protocol: text, json";
    let (mut request, _) = requests::parsed(&requests::plus(offer));
    match chinwag::handshake::negotiate(&mut request, &rows::chat()) {
        Negotiated::Upgrade(accepted) => assert_eq!(accepted.protocol.as_deref(), Some("text")),
        Negotiated::Response(response) => panic!("refused: {response:?}"),
    }
}

#[test]
fn no_secret_is_left_in_the_request() {
    let sent = requests::plus("Authorization: Bearer s3cret\r\nCookie: id=s3cret");
    let sent = requests::replace(&sent, "GET /", "GET /?a=1&token=s3cret&b=2&token=s3cret");
    let (mut request, _) = requests::parsed(&sent);
    chinwag::handshake::negotiate(&mut request, &rows::with_token());
    assert_eq!(request.uri(), "/?a=1&token=***&b=2&token=***");
    assert!(!format!("{request:?}").contains("s3cret"));
}

#[test]
fn a_full_server_says_so() {
    let reply = chinwag::handshake::server_full();
    assert_eq!((reply.status, reply.header("Retry-After")), (503, Some("10")));
}
