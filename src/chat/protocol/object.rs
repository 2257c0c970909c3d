//! A JSON object, parsed without a tree: a value costs memory only when it is read.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The values of one object by their names, as JSON. As in JavaScript, the last one counts if a field is given twice.
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

    pub(crate) fn number(&self, field: &str) -> Option<u64> {
        self.get(field)
    }

    pub(crate) fn string(&self, field: &str) -> Option<String> {
        self.get(field)
    }
    /// The text that is shown; empty if it is missing.
    pub(crate) fn text(&self, field: &str) -> String {
        self.string(field).unwrap_or_default()
    }
}
