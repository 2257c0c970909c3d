//! `Builder::accept` decides about handshakes: refusals, subprotocols, header fields, and the data of a connection.

mod support;

use chinwag::http::{Request, Response, cookie};
use chinwag::{Accept, Access, Event, Server};
use support::frames::{CLOSE, RawClient, frame, handshake};
use support::serving::addr;

fn serve(accept: impl Fn(&Request) -> Result<Accept, Response> + Send + Sync + 'static) -> Server {
    let builder = Server::builder().accept(accept).protocols(["a", "b"]).listen("127.0.0.1:0");
    builder.expect("a free port").start().expect("enough threads and descriptors")
}

/// The response to a handshake with these further fields, in lower case.
fn response(server: &Server, more: &str) -> String {
    let mut client = RawClient::connect(addr(server));
    client.send(&handshake(addr(server), more));
    let head = client.read_head().to_lowercase();
    let _ = client.try_send(&frame(CLOSE, b""));
    head
}

#[test]
fn any_status_is_possible_before_the_101() {
    for status in [200, 302, 401, 403, 404, 418, 429, 500, 503] {
        let server = serve(move |_| Err(Response::text(status, "No.").with("X-Why", "test")));
        let head = response(&server, "");
        assert!(head.starts_with(&format!("http/1.1 {status} ")) && head.contains("\r\nx-why: test\r\n"), "{head}");
        assert!(server.events().is_empty(), "a refusal is not an event");
    }
}

#[test]
fn subprotocol_of_the_program_replaces_the_default() {
    for (chosen, offered, selected) in [
        (None, "c, b, a", Some("b")),
        (None, "c", None),
        (Some("c"), "a, c", Some("c")),
        (Some("a"), "b, a", Some("a")),
    ] {
        let server = serve(move |_| Ok(chosen.map_or_else(Accept::new, |name| Accept::new().protocol(name))));
        let head = response(&server, &format!("Sec-WebSocket-Protocol: {offered}\r\n"));
        let field = selected.map(|name| format!("sec-websocket-protocol: {name}\r\n"));
        let is_right = field.map_or(!head.contains("sec-websocket-protocol"), |field| head.contains(&field));
        assert!(head.starts_with("http/1.1 101 ") && is_right, "{chosen:?} {offered}: {head}");
        let Ok(Event::Connected(peer, _)) = server.events().recv_timeout(support::DEADLINE) else { panic!("no event") };
        assert_eq!(peer.protocol(), selected);
    }
}

#[test]
fn fields_are_added_to_the_101() {
    let server = serve(|_| Ok(Accept::new().with("Set-Cookie", "a=1").with("Set-Cookie", "b=2").with("X-Room", "red")));
    let head = response(&server, "");
    assert!(head.contains("\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-room: red\r\n"), "{head}");
    // The chat shows the transcript to its page, which must not see cookies.
    let Ok(Event::Connected(_, request)) = server.events().recv_timeout(support::DEADLINE) else { panic!("no event") };
    let transcript = chinwag::http::HandshakeTranscript::of(&request).expect("a transcript");
    assert!(!transcript.response.contains("a=1") && transcript.response.contains("\nX-Room: red\n"));
    assert!(transcript.response.contains("\nUpgrade: websocket\n"), "{}", transcript.response);
}

/// A bug of the program becomes a 500, not a broken response.
#[test]
fn wrong_answers_and_panics_become_500() {
    let wrong: [fn() -> Accept; 8] = [
        || Accept::new().protocol("c"),
        || Accept::new().protocol("a\r\nX: y"),
        || Accept::new().with("X", "a\r\nX-Injected: b"),
        || Accept::new().with("X Y", "z"),
        || Accept::new().with("", "z"),
        || Accept::new().with("Upgrade", "h2c"),
        || Accept::new().with("sec-websocket-extensions", "permessage-deflate"),
        || panic!("a bug of the program"),
    ];
    for answer in wrong {
        let head = response(&serve(move |_| Ok(answer())), "Sec-WebSocket-Protocol: a\r\n");
        assert!(head.starts_with("http/1.1 500 ") && !head.contains("x-injected"), "{head}");
    }
}

#[test]
fn data_belongs_to_the_connection() {
    let server = serve(|request| match cookie(request, "user") {
        Some(name) => Ok(Accept::new().data(name.to_owned())),
        None => Ok(Accept::new()),
    });
    for (more, data) in [("Cookie: x=1; user=ann\r\n", Some("ann")), ("", None), ("Cookie: user=bob\r\n", Some("bob"))]
    {
        let _client = response(&server, more);
        let peer = support::serving::connected(&server);
        assert_eq!(peer.data::<String>().map(String::as_str), data);
        assert_eq!(peer.data::<u8>(), None, "another type");
        let (ended, _) = support::serving::disconnected(&server);
        assert_eq!(ended.data::<String>().map(String::as_str), data, "also after the end");
    }
}

/// The program is asked last, so it cannot let a foreign page in by mistake.
#[test]
fn other_rules_come_first() {
    let access = Access::default().token("secret").expect("a token");
    let builder = Server::builder().access(access).endpoint(|path| path == "/").accept(|_| panic!("not asked"));
    let server = builder.listen("127.0.0.1:0").expect("a free port").start().expect("enough threads");
    for (more, status) in [("Origin: http://evil.example\r\n", 403), ("", 401), ("Sec-WebSocket-Key: x\r\n", 400)] {
        let head = response(&server, more);
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
    }
}
