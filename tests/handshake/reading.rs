//! How the head is read: what lies behind it, how large it may be, and how much work it is.

use std::io;
use std::time::Instant;

use chinwag::handshake::{DeadlineRead, HeadError, Limits, read_request};

use crate::requests::{handshake, plain};
use crate::script::{Script, Then};

#[test]
fn frames_right_behind_the_handshake_are_kept() {
    let frames = b"\x81\x85\0\0\0\0hello".to_vec();
    let together = [handshake().into_bytes(), frames.clone()].concat();
    let (_, behind) = Script::of(together).read().expect("a request");
    assert_eq!(behind, frames);
}

#[test]
fn line_feeds_behind_the_head_are_no_part_of_it() {
    let (_, behind) = Script::of(handshake() + "\r\n\n").read().expect("a request");
    assert_eq!(behind, b"\r\n\n");
}

#[test]
fn a_head_may_be_as_large_as_the_limit_and_no_larger() {
    for (size, fits) in [(8192, true), (8193, false), (100_000, false)] {
        let empty = plain("GET / HTTP/1.1", "A: \r\n").len();
        let head = plain("GET / HTTP/1.1", &format!("A: {}\r\n", "a".repeat(size - empty)));
        assert_eq!(head.len(), size);
        match Script::of(head).read() {
            Ok(_) => assert!(fits, "{size}"),
            Err(error) => assert!(!fits && matches!(error, HeadError::TooLarge), "{size}: {error}"),
        }
    }
}

#[test]
fn a_head_may_have_as_many_fields_as_the_limit_and_no_more() {
    for (fields, fits) in [(100, true), (101, false)] {
        let lines: String = (1..fields).map(|n| format!("A{n}: b\r\n")).collect();
        match Script::of(plain("GET / HTTP/1.1", &lines)).read() {
            Ok((request, _)) => assert!(fits && request.headers().len() == fields),
            Err(error) => assert!(!fits && matches!(error, HeadError::TooManyFields), "{error}"),
        }
    }
}

#[test]
fn limits_can_be_smaller() {
    let limits = Limits { max_head_size: 64, max_header_fields: 1 };
    let mut script = Script::of(handshake());
    let answer = read_request(&mut script, &limits, Instant::now());
    assert!(matches!(answer, Err(HeadError::TooLarge)));
    assert_eq!(script.rest().len(), handshake().len() - 64, "no more was read");
}

#[test]
fn how_a_peer_may_vanish() {
    let half = "GET / HTTP/1.1\r\nHost";
    let read = |text: &str, then| Script::of(text).then(then).read().expect_err("no request");
    assert!(matches!(read("", Then::Closes), HeadError::Closed));
    assert!(matches!(read(half, Then::Closes), HeadError::Incomplete));
    assert!(matches!(read("", Then::Waits), HeadError::Deadline));
    assert!(matches!(read(half, Then::Waits), HeadError::Deadline));
    assert!(matches!(read(half, Then::Resets), HeadError::Io(_)));
}

#[test]
fn a_client_hello_is_known_by_its_first_two_bytes() {
    let hello = [0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
    for size in [1, 6] {
        let script = Script::of(hello).then(Then::Waits);
        let read = script.in_pieces_of(size).read();
        assert!(matches!(read, Err(HeadError::Tls)), "pieces of {size}");
    }
}

/// Interrupted before each byte, as a debugger or a signal does it.
struct Interrupted(Script, bool);

impl DeadlineRead for Interrupted {
    fn read_before(&mut self, deadline: Instant, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.0.read_before(deadline, buffer)
    }
}

#[test]
fn an_interrupted_read_is_tried_again() {
    let mut source = Interrupted(Script::of(handshake()).in_pieces_of(1), false);
    let read = read_request(&mut source, &Limits::default(), Instant::now());
    assert!(read.is_ok());
}
