//! `chinwag check`: it finds nothing in chinwag, and finds what a careless server does.

mod support;

use std::net::TcpListener;
use std::process::Output;
use std::thread;
use std::time::Duration;

use chinwag::{Config, Event, Server};
use support::example::Example;
use support::script::{printed, run_to_end};
use support::{binary, start_binary};
use tungstenite::protocol::WebSocketConfig;

/// For about 120 connections on a busy machine.
const LONG: Duration = Duration::from_secs(240);

fn check(args: &[&str]) -> (Option<i32>, String) {
    let output: Output = run_to_end(binary::command(&[&["check"], args].concat()), LONG);
    (output.status.code(), printed(&output))
}

#[test]
fn chat_keeps_all_rules() {
    let chinwag = start_binary(&[]);
    let (code, said) = check(&[&format!("ws://{}/", chinwag.addr())]);
    assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}");
    // A chat may close on a binary message before it answers the Ping.
    assert!(said.contains(" 0 broken, 0 unusual, ") && said.contains("it does not echo"), "{said}");
}

#[test]
fn library_keeps_all_rules() {
    let config = Config::default().max_message_size(1024 * 1024);
    let server = Server::builder().config(config).listen("127.0.0.1:0").expect("a port").start().expect("a server");
    let url = format!("ws://{}/", server.local_addrs()[0]);
    thread::spawn(move || {
        for event in server.events() {
            if let Event::Message(peer, message) = event {
                peer.send(message);
            }
        }
    });
    let (code, said) = check(&[&url]);
    assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}");
    assert!(said.contains(" 0 broken, 0 unusual, 0 untried; it echoes"), "{said}");
}

#[cfg(feature = "tls")]
#[test]
fn tls_server_keeps_all_rules() {
    let folder = support::temp::Folder::new("check");
    let own = folder.path("own.pem");
    let flags = ["--listen-tls", "127.0.0.1:0", &format!("--tls-self-signed={own}")];
    let chinwag = binary::start(binary::command(&flags));
    let url = format!("wss://{}/", chinwag.addr());
    let (code, said) = check(&["--ca-file", &own, &url]);
    assert_eq!((code, said.lines().count()), (Some(0), 1), "{said}");
}

/// An echo by tungstenite alone, which accepts frames without a mask.
fn careless_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let config = WebSocketConfig::default().accept_unmasked_frames(true);
                let Ok(mut socket) = tungstenite::accept_with_config(stream, Some(config)) else { return };
                while let Ok(message) = socket.read() {
                    if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

#[test]
fn broken_rules_are_named() {
    let url = careless_server();
    let (code, said) = check(&[&url]);
    assert_eq!(code, Some(1), "{said}");
    let line = said.lines().find(|line| line.starts_with("BROKEN mask: ")).unwrap_or_else(|| panic!("{said}"));
    assert!(line.contains("(RFC 6455 5.1), but it was still connected after 5 s"), "{line}");
    assert!(said.contains("sent: 81 05 48 65 6c 6c 6f\n"), "{said}");

    let (code, said) = check(&["--json", &url]);
    assert_eq!(code, Some(1), "{said}");
    let objects: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (summary, reports) = objects.split_last().expect("a summary");
    let count = |verdict: &str| reports.iter().filter(|report| report["verdict"] == verdict).count();
    for verdict in ["kept", "broken", "unusual", "untried"] {
        assert_eq!(summary[verdict], count(verdict), "{verdict}: {said}");
    }
    let broken = reports.iter().find(|report| report["verdict"] == "broken" && report["case"] == "mask");
    assert_eq!(broken.expect("a report")["section"], "5.1");
}

#[test]
fn wrong_use_is_one_line() {
    let chinwag = start_binary(&[]);
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    for (args, word) in [
        (vec![], "which URL"),
        (vec!["http://localhost/"], "ws://"),
        (vec![&*format!("ws://{closed}/")], "refused"),
        (vec![&*format!("ws://{}/metrics", chinwag.addr())], "is the path right"),
        (vec!["--header", "none", "ws://localhost/"], "NAME: VALUE"),
        (vec!["--jsno", "ws://localhost/"], "did you mean --json"),
    ] {
        let (code, said) = check(&args);
        assert_eq!((code, said.lines().count()), (Some(2), 1), "{args:?}: {said}");
        assert!(said.contains(word), "{args:?}: {said}");
    }
}

#[test]
fn lab_is_graded() {
    let (_solution, addr) = Example::serve("lab_solution");
    let (code, said) = check(&[&format!("ws://{addr}/")]);
    assert_eq!(code, Some(0), "{said}");
    let (_exercise, addr) = Example::serve("lab_handshake");
    let (code, said) = check(&[&format!("ws://{addr}/")]);
    assert_eq!((code, said.lines().count()), (Some(2), 1), "{said}");
}

/// The exercise is the solution without five bodies.
#[test]
fn lab_and_solution_belong_together() {
    let read = |name: &str| {
        let file = format!("{}/examples/lab/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(file).expect("an example")
    };
    let code = |text: &str| text.split_once("\nuse ").expect("code").1.to_owned();
    let (exercise, solution) = (code(&read("handshake")), code(&read("solution")));
    let mut rest = solution.as_str();
    let gap = |line: &&str| line.trim().starts_with("todo!(");
    assert_eq!(exercise.lines().filter(gap).count(), 5);
    for part in exercise.lines().collect::<Vec<_>>().split(gap) {
        let part = part.join("\n");
        let (_, after) = rest.split_once(&part).unwrap_or_else(|| panic!("not in the solution: {part}"));
        rest = after;
    }
}
