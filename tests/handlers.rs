//! `Builder::serve`: a function for each connection, on its own thread. And `WebSocket`, which it reads and writes.

mod support;

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use chinwag::{Config, DisconnectReason, Message, Server, WebSocket, client};
use support::frames::{CLOSE, PING, PONG, RawClient, TEXT, frame};
use support::serving::addr;
use support::{Client, DEADLINE};

fn serve(handle: impl Fn(WebSocket) + Send + Sync + 'static) -> Server {
    let builder = Server::builder().listen("127.0.0.1:0").expect("a free port");
    builder.serve(handle).expect("enough threads and descriptors")
}

fn echo(ws: WebSocket) {
    for message in &ws {
        ws.send(message);
    }
}

fn open(server: &Server) -> WebSocket {
    client::WebSocket::builder(&format!("ws://{}/", addr(server))).open().expect("a server")
}

#[test]
fn handler_receives_and_sends() {
    let server = serve(echo);
    let mut client = Client::connect(addr(&server), &[]);
    for text in ["one", "two", ""] {
        client.say(text);
        assert_eq!(client.next_text(), text);
    }
    assert_eq!(client.close(3000).0, 3000);
    server.handle().shut_down();
    server.wait();
}

#[test]
fn waiting_handler_delays_only_its_own_connection() {
    let ((release, gate), (waits, is_waiting)) = (mpsc::channel(), mpsc::channel());
    let gate = Mutex::new(Some(gate));
    let server = serve(move |ws| {
        let first = gate.lock().expect("no panic").take();
        if let Some(gate) = first {
            waits.send(()).expect("the test waits for it");
            gate.recv().expect("the test releases it");
        }
        echo(ws);
    });
    let slow = open(&server);
    is_waiting.recv_timeout(DEADLINE).expect("a handler for the first client");
    let quick = open(&server);
    slow.send("later");
    quick.send("now");
    assert_eq!(quick.recv_timeout(DEADLINE), Ok(Some("now".into())));
    assert_eq!(slow.try_recv(), Ok(None));
    release.send(()).expect("it waits");
    assert_eq!(slow.recv_timeout(DEADLINE), Ok(Some("later".into())));
}

/// The function's end closes the connection; a panic says so with 1011. Others go on.
#[test]
fn end_of_the_handler_closes_the_connection() {
    let server = serve(|ws| {
        let Ok(Message::Text(text)) = ws.recv() else { panic!("no text came") };
        match text.as_str() {
            "panic" => panic!("a bug of the handler"),
            "4001" => ws.close(4001, "asked").expect("a code that may be sent"),
            _ => {}
        }
    });
    for (text, expected) in [("return", 1000), ("panic", 1011), ("4001", 4001), ("return", 1000)] {
        let mut client = RawClient::open(addr(&server));
        client.send(&frame(TEXT, text.as_bytes()));
        assert_eq!(client.expect_frame().code(), expected, "{text}");
        client.send(&frame(CLOSE, &u16::to_be_bytes(expected)));
        assert_eq!(client.read_to_fin(), [], "{text}");
    }
}

#[test]
fn handler_receives_the_reason_of_the_end() {
    let (sender, reasons) = mpsc::channel();
    let sender = Mutex::new(sender);
    let server = serve(move |ws| {
        let reason = ws.recv().expect_err("no message comes");
        assert_eq!(ws.recv(), Err(reason.clone()), "the same again");
        assert!(!ws.send("too late"));
        sender.lock().expect("no panic").send(reason).expect("the test waits");
    });
    let end = |bytes: &[u8]| {
        RawClient::open(addr(&server)).send(bytes);
        reasons.recv_timeout(DEADLINE).expect("a reason")
    };
    let closed = DisconnectReason::ClosedByPeer { code: 4000, reason: "bye".into() };
    assert_eq!(end(&frame(CLOSE, b"\x0f\xa0bye")), closed);
    assert!(matches!(end(&frame(3, b"no such opcode")), DisconnectReason::ProtocolViolation { code: 1002, .. }));
    assert_eq!(end(b""), DisconnectReason::ConnectionLost);
    let _client = RawClient::open(addr(&server));
    support::wait_until(DEADLINE, "the connection is open", || !server.peers().is_empty());
    server.handle().shut_down();
    let reason = reasons.recv_timeout(DEADLINE).expect("a reason");
    assert_eq!(reason, DisconnectReason::ClosedLocally { code: 1001 });
}

/// The handle of one connection is used by the thread of another. Also in the loop with `&mut`.
#[test]
fn writers_send_to_other_connections() {
    let writers = Arc::new(Mutex::new(Vec::new()));
    let server = serve(move |mut ws| {
        writers.lock().expect("no panic").push(ws.writer());
        ws.send("ready");
        for message in &mut ws {
            for writer in &*writers.lock().expect("no panic") {
                writer.send(&message);
            }
        }
    });
    let clients = [open(&server), open(&server), open(&server)];
    for client in &clients {
        assert_eq!(client.recv_timeout(DEADLINE), Ok(Some("ready".into())));
    }
    clients[1].send("to all");
    for client in &clients {
        assert_eq!(client.recv_timeout(DEADLINE), Ok(Some("to all".into())));
    }
}

/// A loop that never waits still answers Pings, sends its own, and notices the end.
#[test]
fn polling_keeps_the_connection_alive() {
    let config = Config::default().ping_interval(Duration::from_millis(50)).pong_timeout(Duration::from_millis(200));
    let builder = Server::builder().config(config).listen("127.0.0.1:0").expect("a free port");
    let (sender, reasons) = mpsc::channel();
    let sender = Mutex::new(sender);
    let server = builder.serve(move |ws| {
        let reason = loop {
            match ws.try_recv() {
                Ok(Some(message)) => _ = ws.send(message),
                Ok(None) => std::thread::yield_now(),
                Err(reason) => break reason,
            }
        };
        sender.lock().expect("no panic").send(reason).expect("the test waits");
    });
    let server = server.expect("enough threads and descriptors");
    let mut client = RawClient::open(addr(&server));
    client.send(&frame(PING, b"?"));
    client.send(&frame(TEXT, b"hi"));
    assert_eq!(client.expect_frame().opcode, PONG);
    assert_eq!(client.expect_frame().payload, b"hi");
    assert_eq!(client.expect_frame().opcode, PING);
    client.send(&frame(PONG, b""));
    assert_eq!(client.expect_frame().opcode, PING, "the silence counts from the Pong on");
    assert_eq!(client.expect_close_and_fin(), 1013);
    assert_eq!(reasons.recv_timeout(DEADLINE), Ok(DisconnectReason::PingTimeout));
}

#[test]
fn limits_count_connections_with_handlers() {
    let config = Config::default().max_connections(1);
    let builder = Server::builder().config(config).listen("127.0.0.1:0").expect("a free port");
    let server = builder.serve(echo).expect("enough threads and descriptors");
    let one = open(&server);
    let full = client::WebSocket::builder(&format!("ws://{}/", addr(&server))).open();
    assert!(matches!(full, Err(client::Error::Refused { status: 503, .. })), "{full:?}");
    drop(one);
    support::wait_until(DEADLINE, "the place is free", || server.peers().is_empty());
}
