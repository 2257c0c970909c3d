//! A message of a room as it is stored: numbered and dated.

use super::{Millis, Name, UserId, to_html_safe_json};
use serde::Serialize;
use std::sync::Arc;

/// A message to a room.
///
/// An archive creates them from what it has stored:
///
/// ```
/// let mut message = chinwag::chat::protocol::StoredMessage::new("kitchen", 1, "ann", "hi");
/// (message.date, message.id, message.nonce) = (1_800_000_000_000, 7, Some("x7Gq2".into()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct StoredMessage {
    /// The room's key: its normalised name. The lobby's is empty.
    #[serde(skip)]
    pub room: Arc<str>,
    /// The sender's name at that time.
    pub name: Name,
    /// The text, as it was typed.
    pub text: Arc<str>,
    /// The number of the sender's connection.
    pub id: UserId,
    /// When it was sent.
    pub date: Millis,
    /// Its number: the first message of a room has 1, and each one has one more than the message before.
    pub seq: u64,
    /// The client's identifier for it, which prevents duplicates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Arc<str>>,
}

impl StoredMessage {
    /// A message without a nonce, and with 0 for the date and the connection.
    #[must_use]
    pub fn new(room: impl Into<Arc<str>>, seq: u64, name: impl Into<Name>, text: impl Into<Arc<str>>) -> Self {
        Self { room: room.into(), name: name.into(), text: text.into(), id: 0, date: 0, seq, nonce: None }
    }

    /// Whether an operator deleted it. Then its name and text are empty, which no other message has, and its number remains.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.text.is_empty()
    }

    /// Removes all but its room, number and date.
    pub(crate) fn delete(&mut self) {
        let date = self.date;
        *self = Self { date, ..Self::new(self.room.clone(), self.seq, "", "") };
    }

    /// Bytes of memory that it takes in a room's history.
    #[must_use]
    pub fn size(&self) -> usize {
        let nonce = self.nonce.as_ref().map_or(0, |nonce| nonce.len());
        OVERHEAD + self.name.len() + self.text.len() + nonce
    }

    /// Bytes of its frame in the dialect `json`, where it is largest.
    #[must_use]
    pub fn wire_size(&self) -> usize {
        FRAME + to_html_safe_json(self).map_or(0, |json| json.len())
    }
}

/// Twice the struct, because the capacity of a `VecDeque` may be twice its length, and the headers of its `Arc`s.
const OVERHEAD: usize = 2 * size_of::<StoredMessage>() + 64;

/// Bytes of a server's frame header, at most (RFC 6455 5.2), and of the field `type`.
const FRAME: usize = 10 + r#""type":"message","#.len();

/// Bounds a part of a history to a number of bytes, as [`StoredMessage::wire_size`] counts them. The first message
/// always fits: a bound below its size would block it forever.
#[derive(Debug, Clone, Copy)]
pub struct ByteBudget {
    left: usize,
    is_unspent: bool,
}

impl ByteBudget {
    /// A budget of that many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { left: bytes, is_unspent: true }
    }

    /// Whether the next message fits. If so, its bytes are spent; if not, all of the budget is.
    pub fn spend(&mut self, message: &StoredMessage) -> bool {
        let left = self.left.checked_sub(message.wire_size()).or(self.is_unspent.then_some(0));
        *self = Self { left: left.unwrap_or(0), is_unspent: false };
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_always_admits_the_first_message() {
        let message = StoredMessage::new("", 1, "ann", "hi");
        for (bytes, count) in [(0, 1), (1, 1), (2, 2), (5, 5)] {
            let mut budget = ByteBudget::new(bytes * message.wire_size());
            assert_eq!((0..9).take_while(|_| budget.spend(&message)).count(), count, "{bytes}");
        }
        let mut budget = ByteBudget::new(2 * message.wire_size() - 1);
        assert!(budget.spend(&message) && !budget.spend(&message) && !budget.spend(&message));
    }

    fn sized(name: &str, text: &str, nonce: Option<&str>) -> StoredMessage {
        StoredMessage { nonce: nonce.map(Into::into), ..StoredMessage::new("room", 1, name, text) }
    }

    #[test]
    fn size_counts_name_text_and_nonce() {
        let empty = 2 * size_of::<StoredMessage>() + 64;
        for (name, text, nonce, more) in [
            ("", "", None, 0),
            ("ann", "", None, 3),
            ("ann", "hello", None, 8),
            ("", "hello", Some(""), 5),
            ("ann", "hello", Some("x7"), 8 + 2),
        ] {
            assert_eq!(sized(name, text, nonce).size(), empty + more, "{name} {text} {nonce:?}");
        }
    }

    #[test]
    fn wire_size_counts_escapes() {
        for (text, bytes) in [
            ("", 0),
            ("ab c", 4),
            ("é", 2),
            ("<", 4),
            (">", 4),
            ("&", 5),
            ("\"", 2),
            ("\\", 2),
            ("\n\r\t", 6),
            ("\0\u{1f}", 12),
            ("\u{20}\u{7f}", 2),
        ] {
            let [empty, with_nonce] = [None, Some("")].map(|nonce| sized("", "", nonce).wire_size());
            assert_eq!(sized(text, "", None).wire_size(), empty + bytes, "{text:?}");
            assert_eq!(sized("", text, Some(text)).wire_size(), with_nonce + 2 * bytes, "{text:?}");
            assert_eq!(sized(text, text, Some(text)).wire_size(), with_nonce + 3 * bytes, "{text:?}");
        }
    }
}
