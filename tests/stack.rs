//! Half of the stack that the program gives a connection is enough for the deepest calls. An overflow would end the whole process.
//!
//! Debug builds, which tests usually are, need the most stack.

mod support;

use chinwag::{Access, Config, Event, Message, Server, chat::page};
use support::frames::{CLOSE, PING, RawClient, TEXT, frame, handshake};
use support::serving::{closing, next};
use support::{Client, raw};

fn server() -> Server {
    let config = Config::default().stack_size(64 * 1024);
    let site = |request: &chinwag::http::Request| match request.uri().path() {
        "/panic" => panic!("a backtrace is the deepest call"),
        _ => page::respond(request),
    };
    let builder = Server::builder().config(config).access(Access::default().token("s3cret").expect("a token"));
    let builder = builder.protocols(["json", "text"]).site(site).listen("127.0.0.1:0").expect("a free port");
    builder.start().expect("enough threads")
}

#[test]
fn deepest_calls_fit_into_half_of_the_stack() {
    let server = server();
    let addr = server.local_addrs()[0];
    let get = |target: &str| raw::get(addr, target).status;
    assert_eq!((get("/"), get("/nothing"), get("/panic")), (200, 404, 500));
    let many = (0..94).map(|number| format!("X-{number}: {}\r\n", "x".repeat(60))).collect::<String>();
    raw::http(addr, &format!("GET / HTTP/1.1\r\nHost: {addr}\r\n{many}\r\n"));
    raw::http(addr, &format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(7000)));
    raw::http(addr, &String::from_utf8(handshake(addr, "Authorization: Bearer wrong\r\n")).expect("text"));
    let refused = handshake(addr, "Origin: http://[2001:db8::1]:80\r\nAuthorization: Bearer s3cret\r\n");
    raw::http(addr, &String::from_utf8(refused).expect("text"));

    let more = "Authorization: Bearer s3cret\r\nSec-WebSocket-Protocol: a, b, text\r\n";
    let mut client = RawClient::connect(addr);
    let many: String = many.split_inclusive('\n').take(80).collect();
    client.send(&handshake(addr, &format!("{more}{many}")));
    assert!(client.read_head().starts_with("HTTP/1.1 101"));
    assert!(matches!(next(&server), Event::Connected(..)));
    client.send(&frame(PING, &[b'x'; 125]));
    client.send(&frame(TEXT, "ü".repeat(32_000).as_bytes()));
    let Event::Message(peer, Message::Text(text)) = next(&server) else { panic!("a text") };
    peer.send(text.as_str());
    client.send(&frame(TEXT, b"\xff"));
    drop(closing(&server, &peer));
    client.send(&frame(CLOSE, b""));
    assert_eq!(client.expect_close_and_fin(), 1007);
    drop(client);
    assert!(matches!(next(&server), Event::Disconnected(..)));
}

/// A backtrace is made on the stack of the panicking thread.
#[test]
fn backtrace_fits_into_half_of_the_stack() {
    let mut again = std::process::Command::new(std::env::current_exe().expect("this program"));
    again.args(["deepest_calls_fit_into_half_of_the_stack", "--exact"]).env("RUST_BACKTRACE", "full");
    support::run(again, 4 * support::DEADLINE);
}

#[test]
fn echo_works_on_the_default_stack() {
    let echo = support::serving::Echo::start(Config::default());
    let mut client = Client::connect(echo.addr, &[]);
    client.say("hello");
    assert_eq!(client.next_text(), "hello");
}

/// `serde_json` allows 127 levels, which take more than 128 KiB in a debug build.
#[test]
fn functions_of_the_program_can_parse_nested_json() {
    fn parse(text: &str) -> bool {
        serde_json::from_str::<serde_json::Value>(text).is_ok()
    }
    let (open, close) = ("{\"a\":".repeat(127), "}".repeat(127));
    let nested = format!("{open}0{close}");
    let in_head = |request: &chinwag::http::Request| parse(request.headers()["x-json"].to_str().expect("ASCII"));
    let server = Server::builder()
        .site(move |request| Some(chinwag::http::Response::text(200, in_head(request).to_string())))
        .accept(move |request| Ok(chinwag::Accept::new().with("X-Parsed", in_head(request).to_string())))
        .listen("127.0.0.1:0")
        .expect("a free port")
        .serve(|ws| {
            for message in &ws {
                ws.send(message.as_text().is_some_and(parse).to_string());
            }
        })
        .expect("enough threads");
    let addr = server.local_addrs()[0];
    let response = raw::http(addr, &format!("GET / HTTP/1.1\r\nHost: {addr}\r\nX-Json: {nested}\r\n\r\n"));
    assert_eq!((response.status, response.text().trim()), (200, "true"));
    let mut client = RawClient::connect(addr);
    client.send(&handshake(addr, &format!("X-Json: {nested}\r\n")));
    assert!(client.read_head().to_lowercase().contains("x-parsed: true"));
    client.send(&frame(TEXT, nested.as_bytes()));
    assert_eq!(client.expect_frame().payload, b"true");
}
