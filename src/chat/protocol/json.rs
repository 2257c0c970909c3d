//! The dialects `json` and `chinwag.v1`: one JSON object in each text message.

use super::object::{Field, Object};
use super::{ClientMessage, ErrorReason, MAX_NONCE_CHARS, Post, ProtocolError, Target};
use serde::Serialize;
use std::{borrow::Cow, sync::Arc};

/// Parses one object from a client.
pub(super) fn decode(text: &str) -> Result<ClientMessage, ProtocolError> {
    let text = without_lone_surrogates(text);
    let object = Object::parse(&text).ok_or(ErrorReason::BadJson)?;
    let kind = string(&object, Field::Type, "\"type\" must be a string.")?;
    match kind.ok_or_else(|| ProtocolError::missing_field("The object has no \"type\"."))?.as_str() {
        "username" => {
            const NEEDED: &str = "A \"username\" needs a \"name\", which is a string.";
            let name = string(&object, Field::Name, NEEDED)?;
            let name = name.ok_or_else(|| ProtocolError::missing_field(NEEDED))?;
            // A wrong token is ignored: the user gets a name without it.
            let resume = string(&object, Field::Resume, "").ok().flatten().and_then(|token| token.parse().ok());
            Ok(ClientMessage::SetName { name, resume })
        }
        "message" => {
            let Post { text, target, nonce, .. } = message(&object)?;
            Ok(ClientMessage::Message { text, target, nonce })
        }
        "inspect" => Ok(ClientMessage::Inspect { play: played(&object)? }),
        "drop" => Ok(ClientMessage::Drop),
        "ping" => Ok(ClientMessage::Ping),
        "admin" => {
            const NEEDED: &str = "An \"admin\" needs a \"command\", which is a string.";
            let command = string(&object, Field::Command, NEEDED)?;
            command.map(ClientMessage::Command).ok_or_else(|| ProtocolError::missing_field(NEEDED))
        }
        _ => Err(ErrorReason::UnknownType.into()),
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
        let name = string(&object, Field::Name, "\"name\" must be a string.")?;
        Ok(Self { name, ..message(&object)? })
    }
}

/// The nonce of a message, even if the rest is not valid JSON. Then it is searched for from the end, because the last
/// one counts.
pub(super) fn nonce(text: &str) -> Option<Arc<str>> {
    let text = without_lone_surrogates(text);
    match Object::parse(&text) {
        Some(object) => parse_nonce(object.raw(Field::Nonce)?),
        None => text.rmatch_indices(NONCE_KEY).find_map(|(at, key)| {
            let value = text[at + key.len()..].trim_start().strip_prefix(':')?.trim_start();
            parse_nonce(leading_string(value)?)
        }),
    }
}

const NONCE_KEY: &str = "\"nonce\"";

/// The nonce in a JSON value; `None` if it is not a string of the right length.
fn parse_nonce(json: &str) -> Option<Arc<str>> {
    let nonce: String = serde_json::from_str(json).ok()?;
    (1..=MAX_NONCE_CHARS).contains(&nonce.chars().take(MAX_NONCE_CHARS + 1).count()).then(|| nonce.into())
}

/// The JSON string that the text begins with. Longer ones than any nonce are not searched for their end.
fn leading_string(text: &str) -> Option<&str> {
    let mut is_escaped = false;
    let mut ends = text.strip_prefix('"')?.bytes().take(MAX_NONCE_CHARS * "\\ud83d\\ude00".len() + 1);
    let length = ends.position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })?;
    text.get(..length + 2)
}

fn message(object: &Object<'_>) -> Result<Post, ProtocolError> {
    const NEEDED: &str = "A \"message\" needs a \"text\", which is a string.";
    const NONCE: &str = "\"nonce\" must be a string of 1 to 64 characters.";
    let nonce = match object.raw(Field::Nonce) {
        None | Some("null") => None,
        Some(json) => Some(parse_nonce(json).ok_or_else(|| ProtocolError::missing_field(NONCE))?),
    };
    let text = string(object, Field::Text, NEEDED)?.ok_or_else(|| ProtocolError::missing_field(NEEDED))?.into();
    Ok(Post { name: None, text, target: target(object)?, nonce })
}

const MAX_PLAYED: usize = 4096;

/// The bytes of `"play"`: pairs of hexadecimal digits, with or without spaces.
fn played(object: &Object<'_>) -> Result<Vec<u8>, ProtocolError> {
    const NEEDED: &str = "\"play\" must be a string of at most 4096 bytes in hexadecimal.";
    let mut hex = string(object, Field::Play, NEEDED)?.unwrap_or_default();
    hex.retain(|letter| !letter.is_ascii_whitespace());
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let bytes = hex.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes.filter(|bytes| bytes.len() <= MAX_PLAYED).ok_or_else(|| ProtocolError::missing_field(NEEDED))
}

/// A wrong target is an error: the message was meant for one user, so it must not go to the room.
fn target(object: &Object<'_>) -> Result<Option<Target>, ProtocolError> {
    match object.raw(Field::Target).and_then(|value| value.parse().ok()) {
        Some(id) => Ok(Some(Target::Id(id))),
        None => {
            Ok(string(object, Field::Target, "\"target\" must be a name or the id of a connection.")?.map(Target::Name))
        }
    }
}

/// The value of a field; `None` if it is missing or `null`; an error with this sentence if it is not a string.
fn string(object: &Object<'_>, field: Field, sentence: &'static str) -> Result<Option<String>, ProtocolError> {
    match object.raw(field) {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('"') => Ok(Some(serde_json::from_str(text).map_err(|_| ErrorReason::BadJson)?)),
        Some(_) => Err(ProtocolError::missing_field(sentence)),
    }
}

/// The JSON with U+FFFD for each escaped surrogate without its other half. `JSON.stringify` writes such a half if a text was
/// cut within an emoji (RFC 8259 8.2), and serde refuses it. Backslashes are in strings only, so the text is not parsed.
fn without_lone_surrogates(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
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
    Cow::Owned(whole)
}

/// The UTF-16 unit of the escape `\uXXXX` that the text begins with.
fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// JSON with HTML entities for `<`, `>` and `&`, which JSON has within strings only. `None` if the value cannot be JSON.
pub(crate) fn to_html_safe_json(value: &impl Serialize) -> Option<String> {
    let json = serde_json::to_string(value).ok()?;
    if !json.contains(['<', '>', '&']) {
        return Some(json);
    }
    Some(json.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}
