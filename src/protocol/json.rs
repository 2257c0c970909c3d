//! The dialects `json` and `chinwag.v1`: one JSON object in each text message.

use super::{Command, Notice, Problem, Refusal};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markup {
    Escaped,
    AsTyped,
}

pub(super) fn decode(_text: &str) -> Result<Command, Problem> {
    Err(Refusal::BadJson.into())
}
pub(super) fn encode(_notice: &Notice, _markup: Markup, _out: &mut String) -> bool {
    false
}
