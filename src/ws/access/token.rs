//! The access token: kept out of sight, compared in constant time.
//!
//! Owns the secret. Knows nothing of where one is read from.

use std::fmt;
use std::hint::black_box;

use super::refusal::Invalid;

/// A secret that clients must know. Its `Debug` does not show it.
#[derive(Clone)]
pub(super) struct Token(Box<[u8]>);

impl Token {
    /// White space around it is dropped, such as the line end of the file that it is kept in.
    pub(super) fn new(text: &str) -> Result<Self, Invalid> {
        let token = text.trim();
        let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.is_empty() || !visible {
            return Err(Invalid::token());
        }
        Ok(Self(token.as_bytes().into()))
    }

    /// Looks at every byte that was offered, however early one differs: the time depends on the
    /// length of the offer only.
    pub(super) fn is(&self, offered: &[u8]) -> bool {
        let pairs = offered.iter().zip(self.0.iter().cycle());
        let differ = pairs.fold(0, |differ, (one, two)| black_box(differ | (one ^ two)));
        differ == 0 && offered.len() == self.0.len()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
