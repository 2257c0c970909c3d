//! The dialect `text`: one line in each text message.

use super::{Command, Notice, Problem, Refusal};

pub(super) fn decode(_text: &str) -> Result<Command, Problem> {
    Err(Refusal::BadJson.into())
}
pub(super) fn encode(_notice: &Notice, _out: &mut String) -> bool {
    false
}
