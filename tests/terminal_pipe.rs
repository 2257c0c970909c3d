//! `chinwag chat` in a pipe: no line is lost without a word on stderr and exit code 1.

#![cfg(unix)]

mod support;

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::Duration;

use support::fake::{Fake, switching};
use support::frames::{CLOSE, TEXT, server_frame};
use support::script::run_to_end;
use support::{Client, start_binary};

/// Runs `sh -c SCRIPT`, in which `$@` is `chinwag chat ARGUMENTS` and `$input` is the input. Returns stderr and the exit code.
fn run_script(script: &str, arguments: &[&str], input: &[u8]) -> (String, i32) {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("input=$1; shift; {script}"), "sh"]).arg(OsStr::from_bytes(input));
    shell.arg(env!("CARGO_BIN_EXE_chinwag")).arg("chat").args(arguments);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHINWAG_")) {
        shell.env_remove(name);
    }
    let output = run_to_end(shell, Duration::from_secs(30));
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    (err, output.status.code().expect("no signal"))
}

fn chat(arguments: &[&str], input: &[u8]) -> (String, i32) {
    run_script("printf '%s' \"$input\" | \"$@\"", arguments, input)
}

#[test]
fn bytes_that_are_not_utf_8_lose_no_line() {
    let server = start_binary(&[]);
    let mut bob = Client::connect(server.addr(), &["chinwag.v1"]);
    bob.sign_in("bob");
    let (err, code) = chat(&[&format!("ws://{}/", server.addr())], b"one\nJ\xfcrgen logged in\n\xff\xfe\nthree\n");
    assert_eq!(code, 0, "{err}");
    for expected in ["one", "J\u{fffd}rgen logged in", "\u{fffd}\u{fffd}", "three"] {
        assert_eq!(bob.wait_for("message")["text"], expected);
    }
}

#[test]
fn unreadable_input_is_a_failure() {
    let server = start_binary(&[]);
    let mut bob = Client::connect(server.addr(), &["chinwag.v1"]);
    bob.sign_in("bob");
    // A directory cannot be read.
    let (err, code) = run_script("\"$@\" < /", &[&format!("ws://{}/", server.addr())], b"");
    assert!(code == 1 && err.contains("the input cannot be read to its end"), "{code}: {err}");
}

/// Answers the handshake, and then does what a test wants.
fn fake(then: impl FnOnce(TcpStream) + Send + 'static) -> Fake {
    Fake::then(|mut stream, head| {
        let answer = switching(&head, "Sec-WebSocket-Protocol: chinwag.v1\r\n");
        stream.write_all(answer.as_bytes()).expect("room for an answer");
        then(stream);
    })
}

fn close(code: u16) -> Vec<u8> {
    server_frame(CLOSE, &code.to_be_bytes())
}

/// Sends the last bytes and ends the connection, without a reset.
fn end(mut stream: TcpStream, last: &[u8]) {
    stream.write_all(last).expect("room");
    stream.shutdown(Shutdown::Write).expect("a socket");
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Reads until that text came, which is in a masked frame.
fn read_until(stream: &mut TcpStream, text: &[u8]) {
    let mut unmasked = Vec::new();
    while !unmasked.windows(text.len()).any(|window| window == text) {
        let mut head = [0; 2];
        stream.read_exact(&mut head).expect("a frame");
        let mut long = [0; 2];
        if head[1] & 0x7f == 126 {
            stream.read_exact(&mut long).expect("a length");
        }
        let length = if head[1] & 0x7f == 126 { u16::from_be_bytes(long) } else { u16::from(head[1] & 0x7f) };
        let mut frame = vec![0; 4 + usize::from(length)];
        stream.read_exact(&mut frame).expect("a payload");
        let (mask, payload) = frame.split_at(4);
        unmasked.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }
}

type Server = fn(TcpStream);

/// Servers that do not deliver the last line, in several ways.
#[test]
fn undelivered_lines_are_named_and_a_failure() {
    let servers: [(&str, Server); 6] = [
        ("closes after the handshake", |stream| {
            end(stream, &close(1000));
        }),
        ("closes without a code", |stream| {
            end(stream, &server_frame(CLOSE, b""));
        }),
        ("ends after the handshake", drop),
        ("closes before the echo", |mut stream| {
            read_until(&mut stream, b"the only line");
            end(stream, &close(1000));
        }),
        ("ends before the echo", |mut stream| read_until(&mut stream, b"the only line")),
        ("echoes another one", |mut stream| {
            read_until(&mut stream, b"the only line");
            let other = br#"{"type":"message","id":1,"name":"bob","text":"the only line","nonce":"x"}"#;
            end(stream, &[server_frame(TEXT, other), close(1000)].concat());
        }),
    ];
    for (what, server) in servers {
        let server = fake(server);
        let (err, code) = chat(&[&server.url(), "--retry", "0"], b"the only line\n");
        // The client may have ended before it read the line.
        let is_named = err.contains("not delivered: the only line") || err.contains("not sent");
        assert!(code == 1 && is_named, "{what}: {code}, {err}");
        server.done();
    }
}

/// More lines than the client queues.
#[test]
fn lines_that_were_not_read_are_a_failure() {
    let server = fake(|mut stream| {
        read_until(&mut stream, b"\"line 1\"");
        end(stream, &close(1000));
    });
    let lines: Vec<u8> = (1..=500).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
    let (err, code) = chat(&[&server.url()], &lines);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("not delivered: line 1\n") && err.contains("later ones were not sent: line "), "{err}");
}

#[test]
fn refused_line_is_named_and_the_others_are_delivered() {
    let server = start_binary(&["--limit", "text=10"]);
    let mut bob = Client::connect(server.addr(), &["chinwag.v1"]);
    bob.sign_in("bob");
    // The server refuses the second one, and closes the connection with 1009 because of the third one.
    let huge = "huge ".repeat(20_000);
    let input = format!("first\nthis is too long\n{huge}\nlast\n");
    let (err, code) = chat(&[&format!("ws://{}/", server.addr())], input.as_bytes());
    assert!(code == 1 && err.contains("(this is too long)") && err.contains("(huge huge "), "{code}: {err}");
    for expected in ["first", "last"] {
        assert_eq!(bob.wait_for("message")["text"], expected);
    }
}
