//! A message of a room as it is kept: numbered, dated, never changed.
//!
//! Owns what history consists of. Knows nothing of where it is kept.

use super::{Millis, Name, UserId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What was said to a room.
///
/// An archive makes them of what it has kept:
///
/// ```
/// let mut entry = chinwag::chat::protocol::StoredMessage::new("kitchen", 1, "ann", "hi");
/// (entry.date, entry.id, entry.nonce) = (1_800_000_000_000, 7, Some("x7Gq2".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredMessage {
    /// The room's key: its name as it is compared. The lobby's is empty.
    pub room: Arc<str>,
    /// Its number: the first one is 1, and each is one more than the one before in its room.
    pub seq: u64,
    /// When it was said.
    pub date: Millis,
    /// The connection of the one who said it.
    pub id: UserId,
    /// The name of the one who said it, at that time.
    pub name: Name,
    /// What was said, as it was typed.
    pub text: Arc<str>,
    /// What the client called it, so that it is not said twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Arc<str>>,
}

impl StoredMessage {
    /// A message to the room with that key, of that number, by a user of that name; without a nonce, and with 0 for the date
    /// and the connection.
    #[must_use]
    pub fn new(room: impl Into<Arc<str>>, seq: u64, name: impl Into<Name>, text: impl Into<Arc<str>>) -> Self {
        Self { room: room.into(), seq, date: 0, id: 0, name: name.into(), text: text.into(), nonce: None }
    }

    /// Bytes of memory that it takes in a room's history.
    #[must_use]
    pub fn size(&self) -> usize {
        let nonce = self.nonce.as_ref().map_or(0, |nonce| NONCE + nonce.len());
        OVERHEAD + self.name.len() + self.text.len() + nonce
    }

    /// Bytes of its object in the dialect `json`, in which it is largest; or a few more.
    #[must_use]
    pub fn wire_size(&self) -> usize {
        let nonce = self.nonce.as_ref().map_or(0, |nonce| written(nonce));
        WORDS + written(&self.name) + written(&self.text) + nonce
    }
}

/// Itself, twice for there may be room for another one, and the heads of what it points to.
const OVERHEAD: usize = 2 * size_of::<StoredMessage>() + 64;

/// A place in the index of nonces, or two, and the head of what it points to.
const NONCE: usize = 96;

/// The names of the object's fields, three numbers, and the frame's header.
const WORDS: usize = 140;

/// Bytes in JSON, HTML's entities included.
fn written(text: &str) -> usize {
    text.len() + text.bytes().map(extra).sum::<usize>()
}

fn extra(byte: u8) -> usize {
    match byte {
        b'<' | b'>' => 3,
        b'&' => 4,
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    }
}
