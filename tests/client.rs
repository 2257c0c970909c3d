//! The client with the server of this crate: the behaviour of a browser's WebSocket, in the same order of events.

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use chinwag::client::{Error, Event, ReadyState, WebSocket};
use chinwag::{Config, DisconnectReason, Message, Server};
use support::DEADLINE;
use support::events::{close, error, expect_open, failure, message, next, open, text};
use support::serving::{self, Echo, addr, connected, disconnected, serve};

fn url(addr: SocketAddr) -> String {
    format!("ws://{addr}/")
}

#[test]
fn connection_behaves_as_in_a_browser() {
    let builder = Server::builder().protocols(["a", "b"]).listen("127.0.0.1:0").expect("a free port");
    let server = builder.start().expect("a server");
    let socket = WebSocket::connect(&url(addr(&server)), &["c", "b", "a"]).expect("a URL");
    expect_open(&socket);
    assert_eq!(
        (socket.ready_state(), socket.protocol(), socket.extensions()),
        (ReadyState::Open, Some("b"), String::new())
    );
    assert_eq!((socket.url(), socket.buffered_amount()), (url(addr(&server)).as_str(), 0));
    let peer = connected(&server);
    assert!(socket.send("grüße") && socket.send(vec![0, 1, 255]) && socket.send(""));
    assert_eq!(serving::text(&server).1, "grüße");
    for length in [3, 0] {
        let event = serving::next(&server);
        assert!(matches!(&event, chinwag::Event::Message(_, message) if message.len() == length), "{event:?}");
    }
    peer.send("and back");
    peer.send(vec![7; 70_000]);
    assert_eq!((text(&socket), message(&socket)), ("and back".into(), Message::from(vec![7; 70_000])));
    socket.close(3001, "enough").expect("a code that may be sent");
    drop(serving::closing(&server, &peer));
    assert_eq!(close(&socket), (3001, "enough".into(), true));
    assert_eq!((socket.ready_state(), socket.send("late")), (ReadyState::Closed, false));
    socket.close(1000, "").expect("a second close has no effect");
}

#[test]
fn server_receives_close_code_and_reason() {
    let server = serve(Config::default());
    let socket = open(addr(&server));
    connected(&server);
    socket.close(4999, "grüße").expect("a code that may be sent");
    assert_eq!(disconnected(&server).1, DisconnectReason::ClosedByPeer { code: 4999, reason: "grüße".into() });
}

#[test]
fn close_by_the_server_is_reported() {
    let server = serve(Config::default());
    let socket = open(addr(&server));
    let peer = connected(&server);
    peer.send("goodbye");
    peer.close(4000, "go").expect("a code that may be sent");
    assert_eq!((text(&socket), close(&socket)), ("goodbye".into(), (4000, "go".into(), true)));
    assert_eq!(disconnected(&server).1, DisconnectReason::ClosedLocally { code: 4000 });
    let socket = open(addr(&server));
    connected(&server);
    server.handle().shut_down();
    assert_eq!(close(&socket), (1001, "the server is shutting down".into(), true));
}

#[test]
fn lost_server_is_an_error() {
    let server = serve(Config::default());
    let socket = open(addr(&server));
    connected(&server).cut();
    assert!(matches!(failure(&socket), Error::Ended(DisconnectReason::ConnectionLost)));
}

/// As when a browser leaves a page. A thread that waits with a clone of the receiver still gets `Close`.
#[test]
fn dropping_the_last_handle_closes_with_1001() {
    let server = serve(Config::default());
    let socket = open(addr(&server));
    connected(&server);
    let (events, clone) = (socket.events().clone(), socket.clone());
    drop(socket);
    assert!(clone.send("still here"));
    assert_eq!(serving::text(&server).1, "still here");
    drop(clone);
    assert_eq!(disconnected(&server).1, DisconnectReason::ClosedByPeer { code: 1001, reason: String::new() });
    let last = events.recv_timeout(DEADLINE).expect("an event");
    assert!(matches!(last, Event::Close { code: 1001, was_clean: true, .. }), "{last:?}");
}

#[test]
fn invalid_arguments_are_refused_as_in_a_browser() {
    for (url, protocols) in [("nonsense", &[][..]), ("ws://host/", &["a b"]), ("ws://host/", &["a", "a"])] {
        assert!(WebSocket::connect(url, protocols).is_err(), "{url} {protocols:?}");
    }
    let blocked = WebSocket::connect("ws://localhost:6667/", &[]);
    assert!(matches!(blocked, Err(Error::Setting(why)) if why.contains("port 6667 is blocked")));
    let echo = Echo::start(Config::default());
    let socket = open(echo.addr);
    for code in [0, 999, 1001, 1005, 1006, 2999, 5000] {
        let error = socket.close(code, "").expect_err("a code that browsers refuse").to_string();
        assert!(error.starts_with(&format!("the close code {code} is not allowed")), "{error}");
    }
    let error = socket.close(1000, &"x".repeat(124)).expect_err("a long reason").to_string();
    assert!(error.ends_with("123 bytes, and this one has 124"), "{error}");
    assert_eq!(socket.ready_state(), ReadyState::Open);
    socket.close(1000, &"x".repeat(123)).expect("that fits");
    assert_eq!(close(&socket), (1000, "x".repeat(123), true));
}

#[test]
fn three_threads_read_write_and_close_at_once() {
    let echo = Echo::start(Config::default());
    let socket = open(echo.addr);
    let (written, all) = crossbeam_channel::bounded(1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!((0..1000).all(|number| socket.send(format!("message {number}"))));
        });
        scope.spawn(|| {
            all.recv_timeout(DEADLINE).expect("all were echoed");
            socket.close(1000, "done").expect("a code that may be sent");
        });
        let mut echoes = 0;
        for event in socket.events() {
            match event {
                Event::Message(message) => {
                    assert_eq!(message, Message::from(format!("message {echoes}")));
                    echoes += 1;
                    if echoes == 1000 {
                        written.send(()).expect("the third thread receives");
                    }
                }
                Event::Close { code, was_clean, .. } => assert_eq!((code, was_clean), (1000, true)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(echoes, 1000);
    });
}

/// Several sockets and a timer in one thread.
#[test]
fn several_sockets_work_with_select() {
    let echo = Echo::start(Config::default());
    let (left, right) = (open(echo.addr), open(echo.addr));
    right.send("right");
    crossbeam_channel::select! {
        recv(left.events()) -> event => panic!("nothing was sent there: {event:?}"),
        recv(right.events()) -> event => assert!(matches!(event, Ok(Event::Message(_)))),
        default(DEADLINE) => panic!("no event"),
    }
}

/// If the channel is full, the reader waits. No message is lost.
#[test]
fn slow_receiver_gets_every_message() {
    let mut config = Config::default();
    config.max_send_buffer = 64 * 1024 * 1024;
    let echo = Echo::start(config);
    let socket =
        WebSocket::builder(&url(echo.addr)).config(Config::client().event_capacity(1)).connect().expect("a URL");
    expect_open(&socket);
    for number in 0..500 {
        assert!(socket.send(format!("{number} {}", "x".repeat(10_000))));
    }
    for number in 0..500 {
        assert!(text(&socket).starts_with(&format!("{number} ")));
    }
}

#[test]
fn client_fails_on_a_message_that_is_too_big() {
    let server = serve(Config::default());
    let socket = WebSocket::builder(&url(addr(&server)))
        .config(Config::client().max_message_size(1000))
        .connect()
        .expect("a URL");
    expect_open(&socket);
    let peer = connected(&server);
    peer.send("x".repeat(1000));
    peer.send("x".repeat(1001));
    assert_eq!(text(&socket).len(), 1000);
    assert!(matches!(failure(&socket), Error::Ended(DisconnectReason::ProtocolViolation { code: 1009, .. })));
    assert!(matches!(disconnected(&server).1, DisconnectReason::ClosedByPeer { code: 1009, .. }));
}

#[test]
fn server_closes_with_1009_on_a_message_that_is_too_big() {
    let echo = Echo::start(Config::default());
    let socket = open(echo.addr);
    socket.send("x".repeat(100_000));
    assert_eq!(close(&socket), (1009, "message too big".into(), true));
}

#[test]
fn full_send_buffer_is_an_error() {
    let fake = support::fake::Fake::open(Vec::new(), |stream| {
        std::thread::park_timeout(DEADLINE);
        drop(stream);
    });
    let socket = WebSocket::builder(&fake.url())
        .config(Config::client().max_send_buffer(1_000_000).close_timeout(Duration::from_millis(50)))
        .connect()
        .expect("a URL");
    expect_open(&socket);
    let mut sent = 0;
    while socket.send(vec![0; 100_000]) {
        sent += 1;
        assert!(sent < 1000, "it is bounded");
    }
    assert!(matches!(failure(&socket), Error::Ended(DisconnectReason::SlowReader)));
}

#[test]
fn pings_are_answered_on_both_sides() {
    let often = Duration::from_millis(20);
    let mut config = Config::default();
    (config.ping_interval, config.control_frames_per_second) = (often, 0);
    let echo = Echo::start(config);
    let socket = WebSocket::builder(&url(echo.addr))
        .config(Config::client().ping_interval(often).pong_timeout(DEADLINE))
        .connect()
        .expect("a URL");
    expect_open(&socket);
    std::thread::park_timeout(Duration::from_millis(300));
    socket.send("still here");
    assert_eq!(text(&socket), "still here");
}

#[test]
fn close_before_open_cancels() {
    let fake = support::fake::Fake::then(|mut stream, _| {
        let _ = std::io::Read::read(&mut stream, &mut [0]);
    });
    let socket = WebSocket::connect(&fake.url(), &[]).expect("a URL");
    assert_eq!((socket.ready_state(), socket.send("early")), (ReadyState::Connecting, false));
    socket.close(1000, "").expect("a code that may be sent");
    assert!(socket.ready_state() >= ReadyState::Closing);
    assert!(matches!(error(&socket), Error::Cancelled));
    assert!(matches!(next(&socket), Event::Close { code: 1006, was_clean: false, .. }));
}

/// A server goes on sending after the client's Close frame, or sends junk after its own: the client reads only a part of it.
#[test]
fn discarded_bytes_are_limited() {
    let message = support::frames::server_frame(support::frames::TEXT, &[b'x'; 60_000]);
    let close = b"\x88\x02\x03\xe8".to_vec();
    for (first, more) in [(Vec::new(), message), (close, vec![b'x'; 60_000])] {
        let is_client_first = first.is_empty();
        let (taken, all) = crossbeam_channel::bounded(1);
        let fake = support::fake::Fake::open(first, move |mut stream| {
            let mut count = 0;
            while std::io::Write::write_all(&mut stream, &more).is_ok() && count < 64 << 20 {
                count += more.len();
            }
            taken.send(count).expect("the test waits");
        });
        let socket =
            WebSocket::builder(&fake.url()).config(Config::client().max_message_size(65_536)).connect().expect("a URL");
        expect_open(&socket);
        if is_client_first {
            socket.close(1000, "").expect("a code that may be sent");
        }
        let close = socket.events().iter().last();
        assert!(matches!(close, Some(Event::Close { .. })), "{close:?}");
        assert!(all.recv_timeout(DEADLINE).expect("a count") < 16 << 20);
        fake.done();
    }
}

/// Each pause is longer than the one before, up to 30 s: without this, eight attempts take half a minute or more.
#[test]
fn unpark_ends_a_pause_between_attempts() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let attempts = WebSocket::builder(&url(closed)).reconnecting().expect("a URL").take(8);
    let waiter = std::thread::spawn(move || attempts.filter(Result::is_err).count());
    support::wait_until(DEADLINE, "eight attempts", || {
        waiter.thread().unpark();
        waiter.is_finished()
    });
    assert_eq!(waiter.join().expect("no panic"), 8);
}
