//! A peer that sends a script, and the server's answer to it.

use std::collections::VecDeque;
use std::io;
use std::time::Instant;

use chinwag::handshake::{DeadlineRead, HeadError, Limits, Negotiated, Policy, negotiate, read_request};
use chinwag::http::{Method, Request};

/// What a peer does when it has sent all it has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Closes,
    Waits,
    Resets,
}

/// The segments that a peer sends, each of which comes in one read if there is room.
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

    /// What was not read yet.
    pub(crate) fn rest(&self) -> Vec<u8> {
        self.segments.iter().flatten().copied().collect()
    }

    pub(crate) fn read(&mut self) -> Result<(Request, Vec<u8>), HeadError> {
        read_request(self, &Limits::default(), Instant::now())
    }
}

impl DeadlineRead for Script {
    fn read_before(&mut self, _deadline: Instant, buffer: &mut [u8]) -> io::Result<usize> {
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

/// An answer as it goes over the wire; status 0 is none at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Reply {
    fn of(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8(bytes).expect("an answer is text");
        let status = text.get(9..12).map_or(0, |code| code.parse().expect("a status code"));
        Self { status, text }
    }

    /// The body, if it is one of our sentences.
    pub(crate) fn sentence(&self) -> Option<&str> {
        let (head, body) = self.text.split_once("\r\n\r\n")?;
        head.contains("text/plain").then(|| body.trim_end())
    }
}

/// Does what a server does: read, negotiate, write.
pub(crate) fn answer_to(mut script: Script, policy: &Policy) -> Reply {
    let bytes = match script.read() {
        Err(error) => error.response().map(|response| response.to_bytes(false)),
        Ok((mut request, _)) => match negotiate(&mut request, policy) {
            Negotiated::Upgrade(accepted) => Some(accepted.response),
            Negotiated::Response(response) => Some(response.to_bytes(request.method() == Method::HEAD)),
        },
    };
    Reply::of(bytes.unwrap_or_default())
}
