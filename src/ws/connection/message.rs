//! Messages, and the frames that a server sends (RFC 6455 5.2): one unmasked frame for each message, with the same bytes for
//! every peer.

use crate::ws::deflate::Agreement;
use std::{fmt, io, sync::OnceLock};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

pub use tungstenite::{Bytes, Utf8Bytes};

/// A complete data message: fragments are joined, and text is valid UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// Text (RFC 6455 5.6). `as_str()` gives a `&str`.
    Text(Utf8Bytes),
    /// Bytes (RFC 6455 5.6).
    Binary(Bytes),
}

impl Message {
    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// Whether it has no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Says how long it is, not what it says: messages do not belong in logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

/// What becomes a message: `peer.send(…)` takes all of these.
macro_rules! conversions {
    ($($kind:ident from $($source:ty),+;)+) => {
        $($(impl From<$source> for Message {
            fn from(content: $source) -> Self {
                Self::$kind(content.into())
            }
        })+)+
    };
}

conversions! {
    Text from &str, &String, String, Utf8Bytes;
    Binary from Vec<u8>, Bytes;
}

impl From<&[u8]> for Message {
    fn from(content: &[u8]) -> Self {
        content.to_vec().into()
    }
}

/// A cheap copy: both share the content.
impl From<&Message> for Message {
    fn from(message: &Message) -> Self {
        message.clone()
    }
}

/// Only text and binary messages are [`Message`]s. A Ping, Pong or Close frame is not.
impl TryFrom<tungstenite::Message> for Message {
    type Error = io::Error;

    fn try_from(message: tungstenite::Message) -> Result<Self, io::Error> {
        match message {
            tungstenite::Message::Text(text) => Ok(Self::Text(text)),
            tungstenite::Message::Binary(bytes) => Ok(Self::Binary(bytes)),
            _ => Err(io::Error::other("a Ping, Pong or Close frame is not a message: use Peer::ping or Peer::close")),
        }
    }
}

/// Messages encoded once, to be sent to any number of peers with [`Peer::send_frames`](crate::Peer::send_frames).
///
/// ```
/// let mut frames = chinwag::Frames::new();
/// frames.text("hello");
/// frames.binary(&[7, 8]);
/// assert_eq!(frames.as_bytes(), b"\x81\x05hello\x82\x02\x07\x08");
/// ```
#[derive(Default, Clone)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Empty until a peer that agreed on compression needs it.
    compressed: OnceLock<Vec<u8>>,
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frames({} bytes)", self.bytes.len())
    }
}

impl Frames {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), compressed: OnceLock::new() }
    }

    /// Adds a text message.
    pub fn text(&mut self, text: &str) {
        self.data(Data::Text, text.as_bytes());
    }

    /// Adds a binary message.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.data(Data::Binary, bytes);
    }

    /// Adds bytes that are not a frame, for a [stream](crate::http::Route::Stream).
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes_mut().extend_from_slice(bytes);
    }

    /// Adds a message of either kind.
    pub fn message(&mut self, message: &Message) {
        match message {
            Message::Text(text) => self.text(text),
            Message::Binary(bytes) => self.binary(bytes),
        }
    }

    /// Appends the frames of `other` from byte `from` on, which must be where one of its frames begins.
    ///
    /// # Panics
    /// `from` is greater than the length of `other`.
    pub fn append(&mut self, other: &Self, from: usize) {
        self.bytes_mut().extend_from_slice(&other.bytes[from..]);
    }

    /// The bytes from `from` on for a peer. They are compressed if it agreed to that, but only if `from` is 0, so that all
    /// peers get the same bytes.
    pub(crate) fn bytes_for(&self, deflate: Option<&Agreement>, from: usize) -> &[u8] {
        match deflate {
            Some(deflate) if from == 0 && deflate.threshold < usize::MAX => {
                self.compressed.get_or_init(|| deflate.compress_frames(&self.bytes))
            }
            _ => &self.bytes[from..],
        }
    }

    /// The bytes as they go over the wire, without compression.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it has no frames.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Removes the frames, and keeps at most `keep` bytes of memory for the next ones.
    pub fn clear(&mut self, keep: usize) {
        let bytes = self.bytes_mut();
        bytes.clear();
        bytes.shrink_to(keep);
    }

    fn data(&mut self, kind: Data, payload: &[u8]) {
        let header = FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() };
        let bytes = self.bytes_mut();
        // Writing to memory cannot fail.
        let _ = header.format(payload.len() as u64, bytes);
        bytes.extend_from_slice(payload);
    }

    fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.compressed = OnceLock::new();
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_that_of_the_payload() {
        for (message, length, shown) in [
            (Message::from(""), 0, "Text(0 bytes)"),
            (Message::from("é".to_owned()), 2, "Text(2 bytes)"),
            (Message::from(vec![]), 0, "Binary(0 bytes)"),
            (Message::from(vec![1, 2, 3]), 3, "Binary(3 bytes)"),
        ] {
            assert_eq!((message.len(), message.is_empty()), (length, length == 0), "{shown}");
            assert_eq!(format!("{message:?}"), shown);
            let mut frames = Frames::new();
            frames.message(&message);
            assert_eq!(frames.as_bytes()[..2], [if shown.starts_with('T') { 0x81 } else { 0x82 }, length as u8]);
        }
    }

    #[test]
    fn everything_with_text_or_bytes_becomes_a_message() {
        let text = Message::Text("hi".into());
        for same in [
            Message::from("hi"),
            (&"hi".to_owned()).into(),
            "hi".to_owned().into(),
            Utf8Bytes::from("hi").into(),
            (&text).into(),
        ] {
            assert_eq!(same, text);
        }
        for same in [Message::from(&b"hi"[..]), b"hi".to_vec().into(), Bytes::from_static(b"hi").into()] {
            assert_eq!(same, Message::Binary(Bytes::from_static(b"hi")));
            assert_eq!(Message::try_from(tungstenite::Message::binary(&b"hi"[..])).expect("data"), same);
        }
        for control in [tungstenite::Message::Ping(Bytes::new()), tungstenite::Message::Close(None)] {
            assert!(Message::try_from(control).is_err());
        }
    }

    #[test]
    fn frames_are_appended_and_cleared() {
        let (mut some, mut frames) = (Frames::new(), Frames::new());
        assert!(frames.is_empty());
        some.text("a");
        some.binary(&[7]);
        frames.append(&some, 3);
        assert_eq!((frames.as_bytes(), frames.len(), frames.is_empty()), (&b"\x82\x01\x07"[..], 3, false));
        assert_eq!(format!("{frames:?}"), "Frames(3 bytes)");
        frames.text(&"x".repeat(1000));
        frames.clear(100);
        assert!(frames.is_empty() && (100..1000).contains(&frames.bytes.capacity()), "{}", frames.bytes.capacity());
    }
}
