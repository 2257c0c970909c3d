//! The dialects `json` and `chinwag.v1`: one JSON object in each text message.

use super::{ClientMessage, ErrorReason, MAX_NONCE_CHARS, Post, ProtocolError, Target};
use serde::{Deserialize, Serialize};
use serde_json::{Deserializer, value::RawValue};
use std::{collections::BTreeMap, sync::Arc};

/// Parses one object from a client.
pub(super) fn decode(text: &str) -> Result<ClientMessage, ProtocolError> {
    let text = without_lone_surrogates(text);
    let object = Object::parse(&text).ok_or(ErrorReason::BadJson)?;
    match object.required("type", "The object needs a \"type\", which is a string.")?.as_str() {
        "username" => {
            let name = object.required("name", "A \"username\" needs a \"name\", which is a string.")?;
            // A wrong token is ignored: the user gets a name without it.
            let resume = object.get::<String>("resume").and_then(|token| token.parse().ok());
            Ok(ClientMessage::SetName(name, resume))
        }
        "message" => Ok(ClientMessage::Message(message(&object)?)),
        "inspect" => Ok(ClientMessage::Inspect(played(&object)?)),
        "drop" => Ok(ClientMessage::Drop),
        "ping" => Ok(ClientMessage::Ping),
        "admin" => {
            let command = object.required("command", "An \"admin\" needs a \"command\", which is a string.")?;
            Ok(ClientMessage::Command(command))
        }
        _ => Err(ErrorReason::UnknownType.into()),
    }
}

/// The values of one object by their names, as JSON: without a tree, a value costs memory only when it is read. As in
/// JavaScript, the last one counts if a field is given twice.
pub(crate) struct Object<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    /// `None` if the text is not a JSON object.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// The JSON of a value; `None` if it is missing or `null`.
    pub(crate) fn raw(&self, field: &str) -> Option<&'a str> {
        self.0.get(field).map(|value| value.get()).filter(|json| *json != "null")
    }

    /// A value; `None` if it is missing, or has another type.
    pub(crate) fn get<T: Deserialize<'a>>(&self, field: &str) -> Option<T> {
        serde_json::from_str(self.raw(field)?).ok()
    }

    /// The text that is shown; empty if it is missing.
    pub(crate) fn text(&self, field: &str) -> String {
        self.get(field).unwrap_or_default()
    }

    /// A string; `None` if it is missing or `null`; an error with this sentence if it is something else.
    fn optional(&self, field: &str, sentence: &'static str) -> Result<Option<String>, ProtocolError> {
        let parse = |json| serde_json::from_str(json).map_err(|_| ProtocolError::missing_field(sentence));
        self.raw(field).map(parse).transpose()
    }

    fn required(&self, field: &str, sentence: &'static str) -> Result<String, ProtocolError> {
        self.optional(field, sentence)?.ok_or_else(|| ProtocolError::missing_field(sentence))
    }
}

impl Post {
    /// Parses a JSON object. Its type may be left out.
    ///
    /// # Errors
    /// It is not an object with a `text`, or another field is wrong.
    pub fn from_json(text: &str) -> Result<Self, ProtocolError> {
        let text = without_lone_surrogates(text);
        let object = Object::parse(&text).ok_or(ErrorReason::BadJson)?;
        let name = object.optional("name", "\"name\" must be a string.")?;
        Ok(Self { name, ..message(&object)? })
    }
}

/// The nonce of a message, even if the rest is not valid JSON. Then it is searched for from the end, because the last
/// one counts.
pub(super) fn nonce(text: &str) -> Option<Arc<str>> {
    let text = without_lone_surrogates(text);
    match Object::parse(&text) {
        Some(object) => parse_nonce(object.raw("nonce")?),
        None => text
            .rmatch_indices(NONCE_KEY)
            .find_map(|(at, key)| parse_nonce(text[at + key.len()..].trim_start().strip_prefix(':')?)),
    }
}

const NONCE_KEY: &str = "\"nonce\"";

/// The nonce that the text begins with; `None` if that is not a JSON string of the right length.
fn parse_nonce(json: &str) -> Option<Arc<str>> {
    let nonce: String = Deserializer::from_str(json).into_iter().next()?.ok()?;
    (1..=MAX_NONCE_CHARS).contains(&nonce.chars().count()).then(|| nonce.into())
}

fn message(object: &Object<'_>) -> Result<Post, ProtocolError> {
    const NONCE: &str = "\"nonce\" must be a string of 1 to 64 characters.";
    let nonce = object.raw("nonce").map(|json| parse_nonce(json).ok_or_else(|| ProtocolError::missing_field(NONCE)));
    let text = object.required("text", "A \"message\" needs a \"text\", which is a string.")?.into();
    // A wrong target is an error: the message was meant for one user, so it must not go to the room.
    let target = match object.get("target") {
        Some(id) => Some(Target::Id(id)),
        None => object.optional("target", "\"target\" must be a name or the id of a connection.")?.map(Target::Name),
    };
    Ok(Post { name: None, text, target, nonce: nonce.transpose()? })
}

const MAX_PLAYED: usize = 4096;

/// The bytes of `"play"`: pairs of hexadecimal digits, with or without spaces.
fn played(object: &Object<'_>) -> Result<Vec<u8>, ProtocolError> {
    const NEEDED: &str = "\"play\" must be a string of at most 4096 bytes in hexadecimal.";
    let hex = object.optional("play", NEEDED)?.unwrap_or_default();
    let digits: Option<Vec<u32>> = hex.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0 && digits.len() <= 2 * MAX_PLAYED);
    let digits = digits.ok_or_else(|| ProtocolError::missing_field(NEEDED))?;
    Ok(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

/// The JSON with U+FFFD for each escaped surrogate without its other half. `JSON.stringify` writes such a half if a text was
/// cut within an emoji (RFC 8259 8.2), and serde refuses it. Backslashes are in strings only, so the text is not parsed.
fn without_lone_surrogates(json: &str) -> String {
    let (mut whole, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at..];
        let (is_whole, length) = match (escaped_unit(escape), escape.get(6..).and_then(escaped_unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (true, 12),
            (Some(0xd800..=0xdfff), _) => (false, 6),
            (Some(_), _) => (true, 6),
            (None, _) => (true, escape.chars().take(2).map(char::len_utf8).sum()),
        };
        whole.push_str(&rest[..at]);
        whole.push_str(if is_whole { &escape[..length] } else { "\\ufffd" });
        rest = &escape[length..];
    }
    whole.push_str(rest);
    whole
}

/// The UTF-16 unit of the escape `\uXXXX` that the text begins with.
fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// JSON with HTML entities for `<`, `>` and `&`, which JSON has within strings only. `None` if the value cannot be JSON.
pub(crate) fn to_html_safe_json(value: &impl Serialize) -> Option<String> {
    let json = serde_json::to_string(value).ok()?;
    Some(json.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}
