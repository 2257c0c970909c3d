//! Reading of the head: the bytes after it, its limits, and failures of the stream.

use std::io;

use chinwag::Config;
use chinwag::handshake::{HeadError, read_request};

use crate::requests::{handshake, plain};
use crate::script::{Script, Then};

#[test]
fn frames_after_the_handshake_are_kept() {
    let frames = b"\x81\x85\0\0\0\0hello".to_vec();
    let together = [handshake().into_bytes(), frames.clone()].concat();
    let (_, rest) = Script::of(together).read().expect("a request");
    assert_eq!(rest, frames);
}

#[test]
fn line_feeds_after_the_head_are_kept() {
    let (_, rest) = Script::of(handshake() + "\r\n\n").read().expect("a request");
    assert_eq!(rest, b"\r\n\n");
}

#[test]
fn head_may_be_as_large_as_the_limit() {
    for (size, fits) in [(8192, true), (8193, false), (100_000, false)] {
        let empty = plain("GET / HTTP/1.1", "A: \r\n").len();
        let head = plain("GET / HTTP/1.1", &format!("A: {}\r\n", "a".repeat(size - empty)));
        assert_eq!(head.len(), size);
        match Script::of(head).read() {
            Ok(_) => assert!(fits, "{size}"),
            Err(error) => assert!(!fits && matches!(error, HeadError::Invalid(431, _)), "{size}: {error}"),
        }
    }
}

#[test]
fn head_may_have_as_many_fields_as_the_limit() {
    for (fields, fits) in [(100, true), (101, false)] {
        let lines: String = (1..fields).map(|n| format!("A{n}: b\r\n")).collect();
        match Script::of(plain("GET / HTTP/1.1", &lines)).read() {
            Ok((request, _)) => assert!(fits && request.headers().len() == fields),
            Err(error) => assert!(!fits && matches!(error, HeadError::Invalid(431, _)), "{error}"),
        }
    }
}

#[test]
fn size_limit_can_be_configured() {
    let mut config = Config::default();
    config.max_head_size = 64;
    let mut script = Script::of(handshake());
    let result = read_request(&mut script, &config);
    assert!(matches!(result, Err(HeadError::Invalid(431, _))));
    assert_eq!(script.rest().len(), handshake().len() - 64, "nothing more was read");
}

#[test]
fn each_failure_of_the_stream_has_its_error() {
    let half = "GET / HTTP/1.1\r\nHost";
    let read = |text: &str, then| Script::of(text).then(then).read().expect_err("an incomplete request");
    assert!(matches!(read("", Then::Closes), HeadError::Closed));
    assert!(matches!(read(half, Then::Closes), HeadError::Invalid(400, _)));
    assert!(matches!(read("", Then::Waits), HeadError::Deadline));
    assert!(matches!(read(half, Then::Waits), HeadError::Deadline));
    assert!(matches!(read(half, Then::Resets), HeadError::Io(_)));
}

#[test]
fn client_hello_is_detected_by_its_first_two_bytes() {
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    for size in [1, 6] {
        let script = Script::of(hello).then(Then::Waits);
        let read = script.in_pieces_of(size).read();
        assert!(matches!(read, Err(HeadError::Tls)), "pieces of {size}");
    }
}

/// Each read is interrupted once, as by a signal.
struct Interrupted(Script, bool);

impl io::Read for Interrupted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        io::Read::read(&mut self.0, buffer)
    }
}

#[test]
fn interrupted_read_is_retried() {
    let mut source = Interrupted(Script::of(handshake()).in_pieces_of(1), false);
    let read = read_request(&mut source, &Config::default());
    assert!(read.is_ok());
}
