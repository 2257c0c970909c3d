//! Names of rooms, and their paths.

use super::names::Name;
use crate::ws::http::{percent_decoded, percent_encoded};
use std::sync::Arc;

/// What the paths of all rooms but the lobby begin with.
const PREFIX: &str = "/room/";

/// A room's name: any name that a user could have, of up to 64 characters. The lobby's is empty.
///
/// ```
/// use chinwag::chat::rules::RoomName;
///
/// let kitchen = RoomName::from_path("/room/The%20Kitchen").expect("a room");
/// assert_eq!((kitchen.shown().as_ref(), kitchen.key().as_ref()), ("The Kitchen", "the kitchen"));
/// assert_eq!(RoomName::from_path("/"), Some(RoomName::lobby()));
/// assert_eq!(RoomName::from_path("/room/"), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RoomName(Name);

impl RoomName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// The default room, whose name is empty.
    #[must_use]
    pub fn lobby() -> Self {
        Self::default()
    }

    /// The room of this name; `None` if names cannot be like this.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        Name::new(name, Self::MAX_CHARS).map(Self)
    }

    /// The room at this path: `/`, or `/room/NAME`, where NAME is UTF-8 and may be percent-encoded (RFC 3986 2.1).
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        if path == "/" {
            return Some(Self::lobby());
        }
        let segment = path.strip_prefix(PREFIX).filter(|segment| !segment.contains('/'))?;
        Self::new(&percent_decoded(segment)?)
    }

    /// Its path, percent-encoded.
    ///
    /// ```
    /// use chinwag::chat::rules::RoomName;
    ///
    /// assert_eq!(RoomName::new("a b/c?").map(|room| room.to_path()).as_deref(), Some("/room/a%20b%2Fc%3F"));
    /// ```
    #[must_use]
    pub fn to_path(&self) -> String {
        if self.key().is_empty() {
            return "/".to_owned();
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        format!("{PREFIX}{}", percent_encoded(self.shown().as_bytes(), is_plain))
    }

    /// The name as it is compared (RFC 8266): rooms with equal keys are one room.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        &self.0.key
    }

    /// The name as it was written.
    #[must_use]
    pub fn shown(&self) -> &Arc<str> {
        &self.0.shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_map_to_rooms_and_back() {
        let long = |chars: usize| format!("/room/{}", "%C3%A9".repeat(chars));
        let (most, more) = (long(64), long(65));
        let rows = [
            ("/", Some("")),
            ("/room/kitchen", Some("kitchen")),
            ("/room/Kitchen", Some("kitchen")),
            ("/room/%4bitchen", Some("kitchen")),
            ("/room/a%20%20B", Some("a b")),
            ("/room/a+b", Some("a+b")),
            ("/room/a%2Fb", Some("a/b")),
            ("/room/%d0%9a%d1%83%d1%85%d0%bd%d1%8f", Some("кухня")),
            ("/room/Кухня", Some("кухня")),
            ("/room/Rust%20чат", Some("rust чат")),
            ("/room/..", Some("..")),
            (&most, Some(&*"é".repeat(64))),
            (&more, None),
            ("", None),
            ("/x", None),
            ("/room", None),
            ("/room/", None),
            ("/room/%20", None),
            ("/room/a/", None),
            ("/room/a/b", None),
            ("/Room/a", None),
            ("/room/%", None),
            ("/room/%4", None),
            ("/room/%+4", None),
            ("/room/%zz", None),
            ("/room/%é", None),
            ("/room/%ff", None),
            ("/room/a%00b", None),
            ("/room/a%0Ab", None),
            ("/room/a%E2%80%8Bb", None),
            ("/room/%E2%80%AEb", None),
        ];
        for (path, expected) in rows {
            let room = RoomName::from_path(path);
            assert_eq!(room.as_ref().map(|room| &**room.key()), expected, "{path}");
            let again = room.as_ref().and_then(|room| RoomName::from_path(&room.to_path()));
            assert_eq!(again, room, "{path}");
        }
    }
}
