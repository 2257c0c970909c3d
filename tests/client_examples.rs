//! The examples that are clients, connected to a chat.

mod support;

use std::net::TcpListener;

use support::example::Example;
use support::{Client, start_binary};

/// Reads lines up to one with `part` in it.
fn wait_for(client: &mut Client, part: &str) -> String {
    loop {
        let line = client.next_text();
        if line.contains(part) {
            return line;
        }
    }
}

#[test]
fn client_example_sends_its_input_and_closes() {
    let server = start_binary(&[]);
    let url = format!("ws://{}/", server.addr());
    let mut ann = Client::connect(server.addr(), &["text"]);
    ann.say("/name ann");
    wait_for(&mut ann, "ann signed in");
    let example = Example::start("07_client", &[&url]);
    assert_eq!(example.next_line(), "open, Some(\"text\")");
    let printed = example.finish("hello\n");
    assert!(wait_for(&mut ann, "hello").ends_with(": hello"));
    let last = printed.last().expect("it prints the close");
    assert!(last.starts_with("closed, 1000 \"end of input\", clean: true"), "{printed:?}");
}

#[test]
fn sensor_example_follows_commands() {
    let server = start_binary(&[]);
    let mut ann = Client::connect(server.addr(), &["text"]);
    let _example = Example::start("08_sensor", &[&format!("ws://{}/", server.addr())]);
    wait_for(&mut ann, "sensor signed in");
    ann.say("every 1");
    let reading = wait_for(&mut ann, "sensor: ");
    let value: f64 = reading.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a number");
    assert!(value >= 0.0, "{reading}");
    ann.say("stop");
    wait_for(&mut ann, ": stop");
}

#[test]
fn client_examples_report_a_missing_server() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    for name in ["07_client", "08_sensor"] {
        let error = Example::fail(name, &[&format!("ws://{closed}/")]);
        assert!(error.contains("is the server running?"), "{name}: {error}");
    }
}
