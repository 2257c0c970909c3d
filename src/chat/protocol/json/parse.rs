//! Reads what a client sent as JSON.
//!
//! Owns what is an object of the protocol and what is not. Strings are borrowed while parsing; only
//! the name or text that is handed on is allocated. Fields that are not ours may hold anything.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{ClientMessage, ProtocolError};
use crate::chat::protocol::{ErrorReason, MOST_NONCE_CHARS};

/// The command in one message.
pub(super) fn command(text: &str) -> Result<ClientMessage, ProtocolError> {
    let object: Object<'_> = serde_json::from_str(text).map_err(|_| ErrorReason::BadJson)?;
    match object.kind {
        Field::Text(kind) => match &*kind {
            "message" => message(object.text, object.target, object.nonce),
            "username" => set_name(object.name),
            "inspect" => Ok(ClientMessage::Inspect),
            "drop" => Ok(ClientMessage::Drop),
            _ => Err(ErrorReason::UnknownType.into()),
        },
        Field::Absent => Err(missing("The object has no \"type\".")),
        Field::Other => Err(missing("\"type\" must be a string.")),
    }
}

/// Whatever else is wrong with it, the client is told which message it was.
fn message(text: Field<'_>, target: Field<'_>, nonce: Field<'_>) -> Result<ClientMessage, ProtocolError> {
    let nonce = match nonce {
        Field::Absent => None,
        Field::Text(nonce) if is_nonce(&nonce) => Some(Arc::from(nonce)),
        _ => return Err(missing("\"nonce\" must be a string of 1 to 64 characters.")),
    };
    say(text, target, nonce.clone()).map_err(|problem| problem.of(nonce))
}

fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.chars().nth(MOST_NONCE_CHARS).is_none()
}

fn say(text: Field<'_>, target: Field<'_>, nonce: Option<Arc<str>>) -> Result<ClientMessage, ProtocolError> {
    let Field::Text(text) = text else {
        return Err(missing("A \"message\" needs a \"text\", which is a string."));
    };
    let target = match target {
        Field::Text(name) => Some(name.into_owned()),
        Field::Absent => None,
        // Must not fall through to the room: it was meant for one user only.
        Field::Other => return Err(missing("\"target\" must be a string.")),
    };
    Ok(ClientMessage::Say { text: text.into(), target, nonce })
}

fn set_name(name: Field<'_>) -> Result<ClientMessage, ProtocolError> {
    match name {
        Field::Text(name) => Ok(ClientMessage::SetName(name.into_owned())),
        _ => Err(missing("A \"username\" needs a \"name\", which is a string.")),
    }
}

fn missing(about: &'static str) -> ProtocolError {
    ProtocolError::new(ErrorReason::MissingField, about)
}

/// The fields that matter. Given twice, the last one counts, as in JavaScript.
#[derive(Default)]
struct Object<'a> {
    kind: Field<'a>,
    name: Field<'a>,
    text: Field<'a>,
    target: Field<'a>,
    nonce: Field<'a>,
}

#[derive(Default)]
enum Field<'a> {
    /// Not there, or `null`.
    #[default]
    Absent,
    Text(Cow<'a, str>),
    /// There, but not a string.
    Other,
}

enum Key {
    Kind,
    Name,
    Text,
    Target,
    Nonce,
    Foreign,
}

// By hand and not derived: a derived struct also takes arrays, refuses doubled fields, and cannot
// tell a field of the wrong type from text that is not JSON.
impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::Kind => object.kind = map.next_value()?,
                Key::Name => object.name = map.next_value()?,
                Key::Text => object.text = map.next_value()?,
                Key::Target => object.target = map.next_value()?,
                Key::Nonce => object.nonce = map.next_value()?,
                Key::Foreign => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(object)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "type" => Key::Kind,
            "name" => Key::Name,
            "text" => Key::Text,
            "target" => Key::Target,
            "nonce" => Key::Nonce,
            _ => Key::Foreign,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}
