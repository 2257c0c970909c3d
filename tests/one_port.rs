//! A page, a POST route, a stream and a function for each WebSocket, on one port: `Builder::site`, `route`, `accept` and
//! `serve` together.

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use chinwag::http::{Request, Response, Route, cookie};
use chinwag::{Accept, Event, Frames, Message, Server, WebSocket, client};
use support::raw::{get, http};
use support::serving::addr;
use support::{Answer, DEADLINE};

const PAGE: &str = "<!doctype html><title>Notes</title>";

/// The user of a connection.
struct User(String);

fn sign_in(request: &Request) -> Result<Accept, Response> {
    let user = cookie(request, "user").ok_or_else(|| Response::text(401, "Sign in first."))?;
    Ok(Accept::new().data(User(user.to_owned())))
}

fn route(request: &Request) -> Option<Route> {
    match (request.method().as_str(), request.uri().path()) {
        // `accept` is not asked about these.
        ("POST", "/notes") => Some(sign_in(request).map_or_else(Route::Respond, |_| Route::Ask)),
        (_, "/notes") => Some(Route::Respond(Response::text(405, "Only POST is possible here.").with("Allow", "POST"))),
        ("GET", "/stream") => Some(Route::Stream { protocol: "sse", keepalive: b":\n\n" }),
        _ => None,
    }
}

/// Greets, then echoes. A stream gets one event.
fn handle(ws: WebSocket) {
    let user = ws.data::<User>().map_or("nobody", |user| &user.0);
    if ws.protocol() == Some("sse") {
        assert!(!ws.send("a stream has no messages") && !ws.ping());
        let mut frames = Frames::new();
        frames.raw(&Response::empty(200).with("Content-Type", "text/event-stream").to_bytes(true));
        frames.raw(format!("data: hello, {user}\n\n").as_bytes());
        ws.send_frames(&frames);
        return;
    }
    ws.send(format!("hello, {user}"));
    for message in &ws {
        ws.send(message);
    }
}

/// The server, and the thread that responds to its requests, which ends with the server.
fn start() -> (Arc<Server>, JoinHandle<usize>) {
    let builder = Server::builder().endpoint(|path| path == "/live").accept(sign_in).route(route);
    let builder = builder.site(|request| (request.uri().path() == "/").then(|| Response::html(200, PAGE)));
    let server = builder.listen("127.0.0.1:0").expect("a free port").serve(handle).expect("enough threads");
    let server = Arc::new(server);
    let own = Arc::clone(&server);
    (server, thread::spawn(move || answer_posts(&own)))
}

/// The only events of a server with a function for each connection. Returns how many there were.
fn answer_posts(server: &Server) -> usize {
    let mut count = 0;
    for event in server.events() {
        let Event::Request(request) = event else { panic!("an event of a WebSocket: {event:?}") };
        let note = String::from_utf8_lossy(&request.body);
        server.broadcast(&*note);
        request.responder.respond(Response::text(201, format!("sent: {note}")));
        count += 1;
    }
    count
}

fn stop(server: &Server, requests: JoinHandle<usize>) -> usize {
    server.handle().shut_down();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(requests.join()));
    ended.recv_timeout(DEADLINE).expect("the events end with the server").expect("no panic")
}

fn url(addr: SocketAddr) -> client::Builder {
    client::WebSocket::builder(&format!("ws://{addr}/live"))
}

fn sign_in_as(addr: SocketAddr, user: &str) -> WebSocket {
    let ws = url(addr).header("Cookie", &format!("user={user}")).open().expect("a session");
    assert_eq!(next(&ws), format!("hello, {user}"));
    ws
}

#[track_caller]
fn next(ws: &WebSocket) -> String {
    match ws.recv_timeout(DEADLINE) {
        Ok(Some(Message::Text(text))) => text.as_str().to_owned(),
        other => panic!("expected a text, got {other:?}"),
    }
}

fn post(addr: SocketAddr, path: &str, fields: &str, body: &str) -> Answer {
    let length = body.len();
    http(addr, &format!("POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {length}\r\n{fields}\r\n{body}"))
}

#[test]
fn page_posts_and_connections_with_functions_share_a_port() {
    let (server, requests) = start();
    let addr = addr(&server);
    let page = get(addr, "/");
    assert_eq!((page.status, page.text().as_str()), (200, PAGE));
    let users = ["ann", "bob"].map(|user| sign_in_as(addr, user));
    users[0].send("echo");
    assert_eq!(next(&users[0]), "echo");

    let posted = post(addr, "/notes", "Cookie: user=ann\r\n", "buy milk");
    assert_eq!((posted.status, posted.text().as_str()), (201, "sent: buy milk\n"));
    for user in &users {
        assert_eq!(next(user), "buy milk");
    }
    let stream = http(addr, &format!("GET /stream HTTP/1.1\r\nHost: {addr}\r\nCookie: user=ann\r\n\r\n"));
    assert_eq!((stream.status, stream.text().as_str()), (200, "data: hello, ann\n\n"));
    drop(users);
    assert_eq!(stop(&server, requests), 1);
}

#[test]
fn each_kind_of_request_has_its_refusal() {
    let (server, requests) = start();
    let addr = addr(&server);
    let refused = url(addr).open();
    assert!(matches!(refused, Err(client::Error::Refused { status: 401, .. })), "{refused:?}");
    let elsewhere = client::WebSocket::builder(&format!("ws://{addr}/")).header("Cookie", "user=ann").open();
    assert!(matches!(elsewhere, Err(client::Error::Refused { status: 404, .. })), "{elsewhere:?}");
    for (status, answer) in [
        (401, get(addr, "/stream")),
        (404, get(addr, "/other")),
        (405, get(addr, "/notes")),
        (401, post(addr, "/notes", "", "x")),
        (403, post(addr, "/notes", "Cookie: user=ann\r\nOrigin: http://evil.example\r\n", "x")),
        (400, post(addr, "/", "", "a page takes no body")),
        (413, post(addr, "/notes", "Cookie: user=ann\r\n", &"x".repeat(64 * 1024 + 1))),
    ] {
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(stop(&server, requests), 0, "no refused request reaches the program");
}

/// A program that receives no events must not let a client wait until its deadline.
#[test]
fn request_of_a_program_that_only_waits_gets_503() {
    let builder = Server::builder().route(route).listen("127.0.0.1:0").expect("a free port");
    let server = Arc::new(builder.serve(handle).expect("enough threads"));
    let waiting = Arc::clone(&server);
    let waiter = thread::spawn(move || waiting.wait());
    assert_eq!(post(addr(&server), "/notes", "Cookie: user=ann\r\n", "x").status, 503);
    server.handle().shut_down();
    support::wait_until(DEADLINE, "the server has ended", || waiter.is_finished());
}
