//! A peer that sends a script of segments, and the server's response.

use std::collections::VecDeque;
use std::io;

use chinwag::Config;
use chinwag::handshake::{HeadError, Negotiated, Policy, negotiate, read_request};
use chinwag::http::{Method, Request};

/// What a peer does after its last segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Closes,
    Waits,
    Resets,
}

/// The segments that a peer sends. Each one arrives in one read, if the buffer is large enough.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    segments: VecDeque<Vec<u8>>,
    then: Then,
}

impl Script {
    pub(crate) fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self::segments([bytes.into()])
    }

    pub(crate) fn segments(segments: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let segments = segments.into_iter().filter(|segment| !segment.is_empty());
        Self { segments: segments.collect(), then: Then::Closes }
    }

    pub(crate) fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    pub(crate) fn in_pieces_of(self, size: usize) -> Self {
        let bytes = self.rest();
        let pieces = bytes.chunks(size).map(<[u8]>::to_vec);
        Self::segments(pieces).then(self.then)
    }

    /// The bytes that were not read.
    pub(crate) fn rest(&self) -> Vec<u8> {
        self.segments.iter().flatten().copied().collect()
    }

    pub(crate) fn read(&mut self) -> Result<(Box<Request>, Vec<u8>), HeadError> {
        read_request(self, &Config::default())
    }
}

impl io::Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(segment) = self.segments.front_mut() else {
            return match self.then {
                Then::Closes => Ok(0),
                Then::Waits => Err(io::ErrorKind::WouldBlock.into()),
                Then::Resets => Err(io::ErrorKind::ConnectionReset.into()),
            };
        };
        let count = segment.len().min(buffer.len());
        buffer[..count].copy_from_slice(&segment[..count]);
        segment.drain(..count);
        if segment.is_empty() {
            self.segments.pop_front();
        }
        Ok(count)
    }
}

/// A response as it is sent. Status 0 stands for a missing response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Reply {
    fn of(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8(bytes).expect("a response is text");
        let status = text.get(9..12).map_or(0, |code| code.parse().expect("a status code"));
        Self { status, text }
    }

    /// The text without its `Date`.
    pub(crate) fn without_date(&self) -> String {
        without_date(&self.text)
    }

    /// The body, if it is plain text.
    pub(crate) fn sentence(&self) -> Option<&str> {
        let (head, body) = self.text.split_once("\r\n\r\n")?;
        head.contains("text/plain").then(|| body.trim_end())
    }
}

/// A response without its `Date`, for comparisons.
pub(crate) fn without_date(response: &str) -> String {
    response.split_inclusive("\r\n").filter(|line| !line.starts_with("Date: ")).collect()
}

/// Reads and negotiates, as a server does.
pub(crate) fn respond(mut script: Script, policy: &Policy) -> Reply {
    let bytes = match script.read() {
        Err(error) => error.response().map(|response| response.to_bytes(false)),
        Ok((mut request, _)) => match negotiate(&mut request, policy) {
            Negotiated::Upgrade(upgrade) => Some(upgrade.response),
            Negotiated::Response(response) => Some(response.to_bytes(request.method() == Method::HEAD)),
            other => panic!("not for a policy without routes: {other:?}"),
        },
    };
    Reply::of(bytes.unwrap_or_default())
}
