//! A message of a room as it is kept: numbered, dated, never changed.
//!
//! Owns what history consists of. Knows nothing of where it is kept.

use super::{Millis, Name, UserId};
use std::sync::Arc;

/// What was said to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
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
    pub nonce: Option<Arc<str>>,
}
