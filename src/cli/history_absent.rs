//! In place of the history that survives, in a build without it.
//!
//! Owns the sentences that say which build has it.

use super::history_flags::{Command, Flags};
use chinwag::{Builder, chat::server::ChatServer};

const WHICH: &str = "this chinwag was built without it; build one with: cargo build --release --features history";

/// `--help-history`.
pub(crate) const HELP: &str =
    "There is no --history in this chinwag; docs/HISTORY.md says how to build one that has it.\n";

/// No history.
#[derive(Debug)]
pub(crate) struct Keeping;

impl Keeping {
    /// # Errors
    /// Any is wanted.
    pub(crate) fn open(flags: &Flags) -> Result<Self, String> {
        match flags == &Flags::default() {
            true => Ok(Self),
            false => Err(format!("--history: {WHICH}")),
        }
    }

    pub(crate) fn before(&self, builder: Builder) -> Builder {
        builder
    }

    pub(crate) fn attach(self, chat: ChatServer) -> ChatServer {
        chat
    }
}

/// # Errors
/// Always.
pub(crate) fn run(_: &Command) -> Result<(), String> {
    Err(format!("chinwag history: {WHICH}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_it_is_told_which_build_has_it() {
        assert!(Keeping::open(&Flags::default()).is_ok());
        let error = Keeping::open(&Flags { days: Some("3".into()), ..Flags::default() }).expect_err("not compiled in");
        assert!(error.contains("cargo build --release --features history") && !error.contains('\n'), "{error}");
    }
}
