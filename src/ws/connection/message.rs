//! Messages, and the frames that a server sends (RFC 6455 5.2): one unmasked frame for each message, with the same bytes for
//! every peer.

use std::fmt;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

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

    /// Whether it has no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As tungstenite's context sends it: in one frame.
    pub(super) fn into_frame(self) -> tungstenite::Message {
        match self {
            Self::Text(text) => tungstenite::Message::Text(text),
            Self::Binary(bytes) => tungstenite::Message::Binary(bytes),
        }
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

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// Bytes of the longest header that a server sends: two, and eight for the length (RFC 6455 5.2).
const MAX_HEADER_SIZE: usize = 10;

/// Messages encoded once, to be sent to any number of peers with [`Peer::send_frames`](crate::Peer::send_frames).
///
/// ```
/// let mut frames = chinwag::Frames::new();
/// frames.text("hello");
/// assert_eq!(frames.as_bytes(), b"\x81\x05hello");
/// ```
#[derive(Default, Clone)]
pub struct Frames {
    bytes: Vec<u8>,
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
        Self { bytes: Vec::new() }
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
        self.bytes.extend_from_slice(bytes);
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
        self.bytes.extend_from_slice(&other.bytes[from..]);
    }

    /// The bytes as they go over the wire.
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
        self.bytes.clear();
        self.bytes.shrink_to(keep);
    }

    fn data(&mut self, kind: Data, payload: &[u8]) {
        let header = FrameHeader { opcode: OpCode::Data(kind), ..FrameHeader::default() };
        self.bytes.reserve(MAX_HEADER_SIZE + payload.len());
        // Writing to memory cannot fail.
        let _ = header.format(payload.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(payload);
    }
}
