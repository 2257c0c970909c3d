//! Any bytes as a request head: no panic, always a well-formed answer, and the same one for one-byte segments.
//! Run with `bash .ci/fuzz 60 request_head`.
#![no_main]

use std::io;
use std::sync::Arc;

use chinwag::Config;
use chinwag::access::Access;
use chinwag::handshake::{Negotiated, Policy, negotiate, read_request};
use libfuzzer_sys::fuzz_target;

/// Gives out at most `step` bytes at a time.
struct Bytes<'a> {
    rest: &'a [u8],
    step: usize,
}

impl io::Read for Bytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.step.min(buffer.len()).min(self.rest.len());
        let (now, later) = self.rest.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.rest = later;
        Ok(count)
    }
}

fn policy() -> Policy {
    let access = Access::default().machine_name("pi");
    Policy {
        access: access.token("s3cret").expect("a token"),
        protocols: vec![Arc::from("json"), Arc::from("text")],
        endpoint: Some(Arc::new(|path| path == "/")),
        http_handler: Some(Arc::new(chinwag::chat::page::respond)),
        deflate: Some(chinwag::Deflate::default()),
        ..Policy::default()
    }
}

fn answer(sent: &[u8], step: usize) -> Vec<u8> {
    let mut source = Bytes { rest: sent, step };
    let response = match read_request(&mut source, &Config::default()) {
        Err(error) => error.response(),
        Ok((mut request, _)) => match negotiate(&mut request, &policy()) {
            Negotiated::Upgrade(upgrade) => return upgrade.response,
            Negotiated::Response(response) => Some(response),
            _ => None,
        },
    };
    response.map(|response| response.to_bytes(false)).unwrap_or_default()
}

/// A second may begin between two answers.
fn without_date(answer: &[u8]) -> Vec<&[u8]> {
    answer.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"Date: ")).collect()
}

fuzz_target!(|sent: &[u8]| {
    let whole = answer(sent, usize::MAX);
    assert!(whole.is_empty() || whole.starts_with(b"HTTP/1.1 "));
    assert_eq!(without_date(&whole), without_date(&answer(sent, 1)));
});
