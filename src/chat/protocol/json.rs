//! The dialects `json` and `chinwag.v1`: one JSON object in each text message.

use super::{ClientMessage, ErrorReason, MAX_NONCE_CHARS, ProtocolError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};

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
    match kind.ok_or_else(|| ProtocolError::missing_field("The object has no \"type\"."))?.as_str() {
        "username" => {
            const NEEDED: &str = "A \"username\" needs a \"name\", which is a string.";
            let name = string(&fields, Field::Name, NEEDED)?;
            Ok(ClientMessage::SetName(name.ok_or_else(|| ProtocolError::missing_field(NEEDED))?))
        }
        "message" => {
            let nonce = nonce(&fields)?;
            message(&fields, nonce.clone()).map_err(|error| error.with_nonce(nonce))
        }
        "inspect" => Ok(ClientMessage::Inspect),
        "drop" => Ok(ClientMessage::Drop),
        "ping" => Ok(ClientMessage::Ping),
        _ => Err(ErrorReason::UnknownType.into()),
    }
}

fn nonce(fields: &Fields<'_>) -> Result<Option<Arc<str>>, ProtocolError> {
    const NEEDED: &str = "\"nonce\" must be a string of 1 to 64 characters.";
    let Some(nonce) = string(fields, Field::Nonce, NEEDED)? else { return Ok(None) };
    let is_valid = !nonce.is_empty() && nonce.chars().nth(MAX_NONCE_CHARS).is_none();
    is_valid.then(|| Some(nonce.into())).ok_or_else(|| ProtocolError::missing_field(NEEDED))
}

fn message(fields: &Fields<'_>, nonce: Option<Arc<str>>) -> Result<ClientMessage, ProtocolError> {
    const NEEDED: &str = "A \"message\" needs a \"text\", which is a string.";
    let text = string(fields, Field::Text, NEEDED)?.ok_or_else(|| ProtocolError::missing_field(NEEDED))?.into();
    // A wrong target is an error: the message was meant for one user, so it must not go to the room.
    let target = string(fields, Field::Target, "\"target\" must be a string.")?;
    Ok(ClientMessage::Message { text, target, nonce })
}

/// The value of a field; `None` if it is missing or `null`; an error with this sentence if it is not a string.
fn string(fields: &Fields<'_>, field: Field, sentence: &'static str) -> Result<Option<String>, ProtocolError> {
    match fields.get(&field).map(|value| value.get()) {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('"') => Ok(Some(serde_json::from_str(text).map_err(|_| ErrorReason::BadJson)?)),
        Some(_) => Err(ProtocolError::missing_field(sentence)),
    }
}

/// JSON with HTML entities for `<`, `>` and `&`, which JSON has within strings only. `None` if the value cannot be JSON.
pub(crate) fn to_html_safe_json(value: &impl Serialize) -> Option<String> {
    let json = serde_json::to_string(value).ok()?;
    if !json.contains(['<', '>', '&']) {
        return Some(json);
    }
    Some(json.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}
