//! The dialects `json` and `chinwag.v1`: one JSON object in each text message.

use super::{ClientMessage, ErrorReason, MAX_NONCE_CHARS, ProtocolError, ServerMessage};
use serde::{Deserialize, Serialize};
use serde_json::{Serializer, ser::Formatter, value::RawValue};
use std::{collections::BTreeMap, io, sync::Arc};

/// The fields that matter. As in JavaScript, the last one counts if a field is given twice. Their values are parsed only
/// when they are needed: an object of any size or depth takes no memory beyond its text.
type Fields<'a> = BTreeMap<Field, &'a RawValue>;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Field {
    Type,
    Name,
    Text,
    Target,
    Nonce,
    #[serde(other)]
    Unknown,
}

/// Parses one object from a client.
pub(super) fn decode(text: &str) -> Result<ClientMessage, ProtocolError> {
    let fields: Fields<'_> = serde_json::from_str(text).map_err(|_| ErrorReason::BadJson)?;
    let kind = string(&fields, Field::Type, "\"type\" must be a string.")?;
    match kind.ok_or_else(|| missing("The object has no \"type\"."))?.as_str() {
        "username" => {
            const NEEDED: &str = "A \"username\" needs a \"name\", which is a string.";
            let name = string(&fields, Field::Name, NEEDED)?;
            Ok(ClientMessage::SetName(name.ok_or_else(|| missing(NEEDED))?))
        }
        "message" => {
            let nonce = nonce(&fields)?;
            message(&fields, nonce.clone()).map_err(|error| error.with_nonce(nonce))
        }
        "inspect" => Ok(ClientMessage::Inspect),
        "drop" => Ok(ClientMessage::Drop),
        _ => Err(ErrorReason::UnknownType.into()),
    }
}

fn nonce(fields: &Fields<'_>) -> Result<Option<Arc<str>>, ProtocolError> {
    const NEEDED: &str = "\"nonce\" must be a string of 1 to 64 characters.";
    let Some(nonce) = string(fields, Field::Nonce, NEEDED)? else { return Ok(None) };
    let is_valid = !nonce.is_empty() && nonce.chars().nth(MAX_NONCE_CHARS).is_none();
    is_valid.then(|| Some(nonce.into())).ok_or_else(|| missing(NEEDED))
}

fn message(fields: &Fields<'_>, nonce: Option<Arc<str>>) -> Result<ClientMessage, ProtocolError> {
    const NEEDED: &str = "A \"message\" needs a \"text\", which is a string.";
    let text = string(fields, Field::Text, NEEDED)?.ok_or_else(|| missing(NEEDED))?.into();
    // A wrong target is an error: the message was meant for one user, so it must not go to the room.
    let target = string(fields, Field::Target, "\"target\" must be a string.")?;
    Ok(ClientMessage::Message { text, target, nonce })
}

/// The value of a field; `None` if it is missing or `null`; an error with this sentence if it is not a string.
fn string(fields: &Fields<'_>, field: Field, sentence: &'static str) -> Result<Option<String>, ProtocolError> {
    match fields.get(&field).map(|value| value.get()) {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('"') => Ok(Some(serde_json::from_str(text).map_err(|_| ErrorReason::BadJson)?)),
        Some(_) => Err(missing(sentence)),
    }
}

fn missing(sentence: &'static str) -> ProtocolError {
    ProtocolError::new(ErrorReason::MissingField, sentence)
}

/// Text as it was typed. `None` for a message that exists in the dialect `text` only.
pub(super) fn encode(message: &ServerMessage) -> Option<String> {
    serde_json::to_string(message).ok()
}

/// JSON in which strings have HTML entities for `<`, `>` and `&`. `None` if the value cannot be JSON.
pub(crate) fn to_html_safe_json(value: &impl Serialize) -> Option<String> {
    let mut json = Vec::with_capacity(128);
    value.serialize(&mut Serializer::with_formatter(&mut json, HtmlSafe)).ok()?;
    String::from_utf8(json).ok()
}

/// Compact JSON, but for the three characters.
struct HtmlSafe;

impl Formatter for HtmlSafe {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&']) {
            let (text, special) = rest.split_at(at);
            let entity = match special.as_bytes()[0] {
                b'<' => "&lt;",
                b'>' => "&gt;",
                _ => "&amp;",
            };
            writer.write_all(text.as_bytes())?;
            writer.write_all(entity.as_bytes())?;
            rest = &special[1..];
        }
        writer.write_all(rest.as_bytes())
    }
}
