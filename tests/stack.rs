//! Half of a connection's stack is enough for the deepest calls. An overflow would end the whole process.
//!
//! Debug builds, which tests usually are, need the most stack.

mod support;

use chinwag::{Access, Config, Event, Message, Server, chat::page};
use support::frames::{CLOSE, PING, RawClient, TEXT, frame, handshake};
use support::serving::{closing, next};
use support::{Client, raw};

fn server() -> Server {
    let mut config = Config::default();
    config.stack_size /= 2;
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

/// The library has the same default.
#[test]
fn echo_works_on_the_default_stack() {
    let echo = support::serving::Echo::start(Config::default());
    let mut client = Client::connect(echo.addr, &[]);
    client.say("hello");
    assert_eq!(client.next_text(), "hello");
}
