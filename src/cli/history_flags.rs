//! The flags for a history that survives, and the command `chinwag history`, as given: they are there in every build, so
//! that one without it can say so.
//!
//! Owns their names and their environment variables. What they mean, and `--help-history`, is [`super::history`]'s.

use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;

/// The flags of the server.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) file: Option<OsString>,
    pub(crate) sync: Option<String>,
    pub(crate) days: Option<String>,
    pub(crate) rows: Option<String>,
}

/// `chinwag history FILE …`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) file: OsString,
    pub(crate) room: Option<String>,
    pub(crate) how: How,
}

/// What is to be done with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Print,
    Json,
    Export,
    Import,
}

impl Flags {
    /// One of ours, or `false`.
    pub(crate) fn take(&mut self, name: &str, parser: &mut Parser) -> Result<bool, lexopt::Error> {
        match name {
            "history" => self.file = Some(parser.value()?),
            "history-sync" => self.sync = Some(parser.value()?.string()?),
            "history-days" => self.days = Some(parser.value()?.string()?),
            "history-rows" => self.rows = Some(parser.value()?.string()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What the flags left open, from the environment.
    pub(crate) fn fill(&mut self, get: impl Fn(&str) -> Option<OsString>) -> Result<(), String> {
        self.file = self.file.take().or_else(|| get("CHINWAG_HISTORY"));
        for (name, value) in [
            ("CHINWAG_HISTORY_SYNC", &mut self.sync),
            ("CHINWAG_HISTORY_DAYS", &mut self.days),
            ("CHINWAG_HISTORY_ROWS", &mut self.rows),
        ] {
            if let (None, Some(text)) = (&*value, get(name)) {
                *value = Some(text.into_string().map_err(|_| format!("{name} is not UTF-8"))?);
            }
        }
        Ok(())
    }
}

/// What comes behind the word `history`; `None`: its help is wanted.
///
/// # Errors
/// A sentence.
pub(crate) fn command(parser: &mut Parser) -> Result<Option<Command>, String> {
    let (mut file, mut room, mut how) = (None, None, How::Print);
    let said = |error: lexopt::Error| format!("{error}; chinwag --help-history says how");
    while let Some(arg) = parser.next().map_err(said)? {
        match arg {
            Arg::Short('h') | Arg::Long("help" | "help-history") => return Ok(None),
            Arg::Value(value) if file.is_none() => file = Some(value),
            Arg::Long("room") => room = Some(parser.value().and_then(ValueExt::string).map_err(said)?),
            Arg::Long("json") => how = one(how, How::Json)?,
            Arg::Long("export") => how = one(how, How::Export)?,
            Arg::Long("import") => how = one(how, How::Import)?,
            other => return Err(said(other.unexpected())),
        }
    }
    let file = file.ok_or("which file? Write: chinwag history FILE")?;
    match (how, &room) {
        (How::Import, Some(_)) => Err("--import takes all rooms; leave --room out".to_owned()),
        _ => Ok(Some(Command { file, room, how })),
    }
}

fn one(before: How, how: How) -> Result<How, String> {
    match before {
        How::Print => Ok(how),
        _ => Err("--json, --export, --import: choose one".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Command>, String> {
        command(&mut Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn the_command_says_what_it_wants() {
        let command = |how, room: Option<&str>| Command { file: "f".into(), room: room.map(str::to_owned), how };
        for (line, expected) in [
            ("f", command(How::Print, None)),
            ("--json f --room x", command(How::Json, Some("x"))),
            ("f --export", command(How::Export, None)),
            ("f --import", command(How::Import, None)),
        ] {
            assert_eq!(parsed(line), Ok(Some(expected)), "{line}");
        }
        for (line, part) in [
            ("", "FILE"),
            ("f g", "g"),
            ("f --json --export", "one"),
            ("f --import --room x", "--room"),
            ("f -x", "-x"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(part) && !error.contains('\n'), "{line}: {error}");
        }
        assert_eq!(parsed("--help"), Ok(None));
    }
}
