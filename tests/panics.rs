//! A panic in a connection's thread ends that connection. A panic in the dispatch thread ends the process.
//!
//! The logger panics at certain words, so the panic unwinds through the same frames as that of a real bug.

mod support;

use std::sync::Once;
use std::thread;

use chinwag::{
    Config, DisconnectReason, Server, chat::protocol::Dialect, chat::rules::Rules, chat::server::ChatServer,
};
use log::{LevelFilter, Log, Metadata, Record};
use support::serving::{addr, connected, disconnected, serve, text};
use support::{Client, DEADLINE, wait_until};

struct PanickingLogger;

impl Log for PanickingLogger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = record.args().to_string();
        // Only one message of these tests has 13 bytes.
        assert!(!line.contains("Text(13 bytes)"), "a bug in a connection's thread");
        assert!(!line.contains("uses the dialect text"), "a bug in the dispatch thread");
    }

    fn flush(&self) {}
}

fn install_logger() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_max_level(LevelFilter::Trace);
        log::set_logger(&PanickingLogger).expect("no other logger");
    });
}

#[test]
fn panic_in_a_connections_thread_ends_that_connection_only() {
    install_logger();
    let server = serve(Config::default());
    let mut other = Client::connect(addr(&server), &[]);
    let other_peer = connected(&server);
    for _ in 0..10 {
        let mut client = Client::connect(addr(&server), &[]);
        let peer = connected(&server);
        client.say("thirteen long");
        assert_eq!(disconnected(&server), (peer, DisconnectReason::Panicked));
        assert!(client.try_next().is_err(), "it is closed");
    }
    other.say("still here");
    assert_eq!(text(&server), (other_peer.clone(), "still here".to_owned()));
    assert!(other_peer.send("and heard"));
    assert_eq!(other.next_text(), "and heard");
}

/// The chat runs on the program's main thread, so a panic ends the process with a status other than 0. Clients get Close
/// 1001.
#[test]
fn panic_in_the_dispatch_thread_ends_the_chat() {
    install_logger();
    let builder = Server::builder().protocols(ChatServer::protocols());
    let server = builder.listen("127.0.0.1:0").expect("a free port").start().expect("enough threads");
    let there = addr(&server);
    let chat = thread::spawn(|| ChatServer::new(server, Rules::default(), Dialect::Json).run());
    let mut ann = Client::connect(there, &["json"]);
    ann.sign_in("ann");
    let _typist = Client::connect(there, &["text"]);
    assert_eq!(ann.wait_for_close().0, 1001);
    wait_until(DEADLINE, "the chat's thread has ended", || chat.is_finished());
    assert!(chat.join().is_err(), "the panic is not caught");
}
