//! How a user proves that an earlier connection was the same user's.

use super::UserId;
use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};

/// The number of a connection, and a secret that only its user knows. As text it is opaque to clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ResumeToken {
    /// The number of the connection.
    pub id: UserId,
    /// 128 random bits.
    pub secret: u128,
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:032x}", self.id, self.secret)
    }
}

/// Without the secret, because logs may show it.
impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-***", self.id)
    }
}

impl FromStr for ResumeToken {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, secret) = text.split_once('-').unwrap_or_default();
        Ok(Self { id: UserId::from_str_radix(id, 16)?, secret: u128::from_str_radix(secret, 16)? })
    }
}

impl Serialize for ResumeToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_parsed_back_and_the_secret_is_not_in_debug_output() {
        for (id, secret) in [(0, 0), (5, 1), (1 << 52, u128::MAX)] {
            let token = ResumeToken { id, secret };
            assert_eq!(token.to_string().parse(), Ok(token));
            assert_eq!(token.to_string().len(), format!("{id:x}").len() + 33, "all bits are written");
        }
        assert_eq!(format!("{:?}", ResumeToken { id: 26, secret: 7 }), "1a-***");
        for wrong in ["", "-", "5", "5-", "-5", "x-1", "5-1-1", "5-100000000000000000000000000000000"] {
            assert!(wrong.parse::<ResumeToken>().is_err(), "{wrong}");
        }
    }
}
