//! A JSON object, parsed without a tree: its fields are only found, and a value costs memory only when it is read.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// The fields of clients and servers. Others are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
pub(crate) enum Field {
    Type,
    Id,
    Seq,
    Log,
    Resume,
    Name,
    Was,
    Text,
    Target,
    TargetId,
    Nonce,
    Date,
    Users,
    Ids,
    Missed,
    Reason,
    About,
    Play,
    Command,
    #[serde(other)]
    Unknown,
}

/// One object. As in JavaScript, the last one counts if a field is given twice.
#[derive(Default)]
pub(crate) struct Object<'a>([Option<&'a RawValue>; Field::Unknown as usize + 1]);

impl<'a> Object<'a> {
    /// `None` if the text is not a JSON object.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The JSON of a value.
    pub(crate) fn raw(&self, field: Field) -> Option<&'a str> {
        self.0[field as usize].map(RawValue::get)
    }

    /// A value; `None` if it is missing, or has another type.
    pub(crate) fn get<T: Deserialize<'a>>(&self, field: Field) -> Option<T> {
        serde_json::from_str(self.raw(field)?).ok()
    }

    pub(crate) fn number(&self, field: Field) -> Option<u64> {
        self.get(field)
    }

    pub(crate) fn string(&self, field: Field) -> Option<String> {
        self.get(field)
    }

    /// The text that is shown; empty if it is missing.
    pub(crate) fn text(&self, field: Field) -> String {
        self.string(field).unwrap_or_default()
    }
}

impl<'a> Deserialize<'a> for Object<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self::default())
    }
}

impl<'a> Visitor<'a> for Object<'a> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<Self, A::Error> {
        while let Some((field, value)) = map.next_entry::<Field, _>()? {
            self.0[field as usize] = Some(value);
        }
        Ok(self)
    }
}
