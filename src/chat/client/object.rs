//! The objects of the server. They are parsed without a tree: a field costs memory only when it is read.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
pub(super) enum Field {
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
    #[serde(other)]
    Unknown,
}

/// One object. As in JavaScript, the last one counts if a field is given twice.
pub(super) struct Object<'a>(BTreeMap<Field, &'a RawValue>);

impl<'a> Object<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).map(Self).ok()
    }

    /// The value of a field; `None` if it is missing, or has another type.
    pub(super) fn get<T: Deserialize<'a>>(&self, field: Field) -> Option<T> {
        serde_json::from_str(self.0.get(&field)?.get()).ok()
    }

    pub(super) fn number(&self, field: Field) -> Option<u64> {
        self.get(field)
    }

    pub(super) fn string(&self, field: Field) -> Option<String> {
        self.get(field)
    }

    /// The text that is shown; empty if it is missing.
    pub(super) fn text(&self, field: Field) -> String {
        self.string(field).unwrap_or_default()
    }
}
