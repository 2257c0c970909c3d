//! The rules of docs/HANDSHAKE.md, one case after another.
//!
//! No sockets are needed: the head is read from a script of segments, and the response is data.

mod any_bytes;
mod document;
mod reading;
mod requests;
mod rows;
mod script;

use chinwag::handshake::{Negotiated, Policy};
use chinwag::http::{Request, Response};
use rows::{GROUPS, Group, Row};
use script::{Script, respond};
use std::sync::Arc;

#[test]
fn each_case_gets_its_response() {
    for group in GROUPS {
        for row in (group.rows)() {
            check(group, &row, row.script());
        }
    }
}

#[test]
fn one_byte_segments_get_the_same_responses() {
    for group in GROUPS {
        for row in (group.rows)() {
            check(group, &row, row.script().in_pieces_of(1));
        }
    }
}

fn check(group: &Group, row: &Row, script: Script) {
    let reply = respond(script, &(group.policy)());
    let what = format!("{}: {}", group.title, row.what);
    assert_eq!(reply.status, row.status, "{what}: {}", reply.text);
    assert!(reply.text.contains(row.says), "{what}: {}", reply.text);
    if reply.status != 0 {
        assert_eq!(reply.text.matches("\r\nDate: ").count(), 1, "{what}");
    }
    if ![0, 101, 204, 304].contains(&reply.status) {
        assert!(reply.text.contains("\r\nContent-Length: "), "{what}");
        assert!(reply.text.contains("\r\nConnection: close"), "{what}");
    }
}

#[test]
fn example_of_the_rfc_gets_its_exact_response() {
    let reply = respond(Script::of(requests::handshake()), &rows::chat());
    let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    assert_eq!(reply.without_date(), expected);
}

#[test]
fn selected_protocol_is_returned() {
    let offer = "Sec-WebSocket-Protocol: text, json";
    let (mut request, _) = requests::parsed(&requests::plus(offer));
    match chinwag::handshake::negotiate(&mut request, &rows::chat()) {
        Negotiated::Upgrade(upgrade) => assert_eq!(upgrade.protocol.as_deref(), Some("text")),
        other => panic!("refused: {other:?}"),
    }
}

#[test]
fn secrets_are_removed_from_the_request() {
    let sent = requests::plus("Authorization: Bearer s3cret\r\nCookie: id=s3cret");
    let sent = requests::replace(&sent, "GET /", "GET /?a=1&token=s3cret&b=2&token=s3cret");
    let (mut request, _) = requests::parsed(&sent);
    chinwag::handshake::negotiate(&mut request, &rows::with_log_id_prefix());
    assert_eq!(request.uri(), "/?a=1&token=***&b=2&token=***");
    assert!(!format!("{request:?}").contains("s3cret"));
}

#[test]
fn token_in_the_query_is_left_alone_if_none_is_required() {
    let sent = requests::line("GET /?a=1&token=mine&b=%20 HTTP/1.1");
    let (mut request, _) = requests::parsed(&sent);
    chinwag::handshake::negotiate(&mut request, &rows::chat());
    assert_eq!(request.uri(), "/?a=1&token=mine&b=%20");
}

#[test]
fn missing_file_of_a_site_is_404_at_every_path() {
    let site = |request: &Request| (request.uri().path() == "/here").then(|| Response::text(200, "Here."));
    let policy = Policy { http_handler: Some(Arc::new(site)), ..Policy::default() };
    for (line, status) in [("GET /here", 200), ("GET /", 404), ("HEAD /missing.css", 404), ("OPTIONS /missing", 404)] {
        let sent = requests::plain(&format!("{line} HTTP/1.1"), "");
        assert_eq!(respond(Script::of(sent), &policy).status, status, "{line}");
    }
    assert_eq!(respond(Script::of(requests::line("GET /here HTTP/1.1")), &policy).status, 101);
}

/// A handler may answer OPTIONS itself, and its 405 says which methods it has.
#[test]
fn options_of_a_handler_are_kept() {
    let site = |request: &Request| {
        Some(match request.uri().path() {
            "/own" => Response::text(200, "Own.").with("Allow", "OPTIONS"),
            _ => Response::text(405, "Not allowed.").with("Allow", "GET, PUT"),
        })
    };
    let policy = Policy { http_handler: Some(Arc::new(site)), ..Policy::default() };
    for (line, status, part) in [
        ("OPTIONS /own", 200, "Own."),
        ("OPTIONS /x", 204, "Allow: GET, PUT\r\n"),
        ("PATCH /x", 405, "Allow: GET, PUT\r\n"),
    ] {
        let reply = respond(Script::of(requests::plain(&format!("{line} HTTP/1.1"), "")), &policy);
        assert!(reply.status == status && reply.text.contains(part), "{line}: {reply:?}");
    }
}

/// The same head, and no body.
#[test]
fn head_has_the_head_of_get() {
    for policy in [rows::chat(), Policy::default()] {
        for path in ["/", "/style.css", "/other"] {
            let reply = |method: &str| {
                let sent = requests::plain(&format!("{method} {path} HTTP/1.1"), "");
                respond(Script::of(sent), &policy).without_date()
            };
            let get = reply("GET");
            let (head, _) = get.split_once("\r\n\r\n").expect("a head");
            assert_eq!(reply("HEAD"), format!("{head}\r\n\r\n"), "{path}");
        }
    }
}

#[test]
fn full_server_responds_with_503() {
    let reply = chinwag::handshake::server_full();
    assert_eq!((reply.status, reply.header("Retry-After")), (503, Some("10")));
}

#[test]
fn panic_in_user_code_is_answered_with_500() {
    let handler = Policy { http_handler: Some(Arc::new(|_| panic!("a bug"))), ..Policy::default() };
    let endpoint = Policy { endpoint: Some(Arc::new(|_| panic!("a bug"))), ..Policy::default() };
    for policy in [handler, endpoint] {
        assert_eq!(respond(Script::of(requests::plain("GET / HTTP/1.1", "")), &policy).status, 500);
    }
}
