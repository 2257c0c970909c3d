//! The flags of `--history`, and `chinwag history FILE`, which prints, exports and imports stored messages.

use super::progress::{Counted, Progress};
use super::{amount::Unit, arguments::Flags, log_line::visible, written};
use chinwag::chat::history::{self, History, HistoryError, Record, Settings};
use chinwag::chat::protocol::{StoredMessage, date_time};
use chinwag::{Builder, chat::rules::RoomName};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::Path;

/// Opens the history that the flags name, if any. Connection ids continue where it ended.
///
/// # Errors
/// One line that says what to do. A full or failing disk is not an error: the chat runs, and the log reports it.
pub(crate) fn open(flags: &Flags, builder: Builder) -> Result<(Option<History>, Builder), String> {
    let Some(file) = flags.value("history") else {
        let needing = ["history-sync", "history-days", "history-rows", "history-bytes"];
        return match needing.iter().find(|flag| flags.has(flag)) {
            Some(flag) => Err(format!("--{flag} needs --history FILE")),
            None => Ok((None, builder)),
        };
    };
    if file.is_empty() {
        return Err("--history needs the name of a file, such as chat.db".to_owned());
    }
    let mut settings = Settings::new(file);
    settings.sync = flags.choice("history-sync", &["normal", "full"])? == Some("full");
    settings.days = flags.amount("history-days", Unit::Things, 1)?;
    settings.rows = flags.amount("history-rows", Unit::Things, 1)?;
    settings.bytes = flags.amount("history-bytes", Unit::Bytes, Settings::MIN_BYTES)?;
    let history = History::open(&settings).map_err(|error| format!("--history {error}"))?;
    let builder = builder.first_id(history.first_id());
    Ok((Some(history), builder))
}

/// What `chinwag history FILE` does with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Print,
    Json,
    Export,
    Import,
}

/// Runs `chinwag history FILE`.
///
/// # Errors
/// One line.
pub(crate) fn run(flags: &Flags) -> Result<(), String> {
    let file = flags.operand.as_ref().ok_or("which file? Write: chinwag history FILE")?;
    let path = Path::new(file);
    let named = |error: HistoryError| format!("{}: {error}", path.display());
    let action = action(flags)?;
    if action == Action::Import {
        // The input is read in pieces of 64 KiB. What ends this process, such as Ctrl-C, leaves the file as it was.
        let input = Counted(io::stdin().lock(), Progress::start("bytes read"));
        let added = history::import(path, BufReader::with_capacity(64 * 1024, input)).map_err(named)?;
        return super::print(&format!("new messages: {added}\n"));
    }
    let (mut out, mut printed) = (BufWriter::new(io::stdout().lock()), Ok(()));
    let mut progress = Progress::start("records");
    let print = |record| {
        progress.add(1);
        printed = print(&mut out, action, &record);
        printed.is_ok()
    };
    history::each_record(path, room_key(flags)?.as_deref(), print).map_err(named)?;
    drop(progress);
    written(printed.and_then(|()| out.flush()))
}

fn action(flags: &Flags) -> Result<Action, String> {
    match (flags.has("json"), flags.has("export"), flags.has("import")) {
        (false, false, false) => Ok(Action::Print),
        (true, false, false) => Ok(Action::Json),
        (false, true, false) => Ok(Action::Export),
        (false, false, true) if flags.has("room") => Err("--import imports all rooms; leave out --room".to_owned()),
        (false, false, true) => Ok(Action::Import),
        _ => Err("--json, --export, --import: choose one".to_owned()),
    }
}

/// The key under which the room of `--room` is stored. The lobby's key is empty.
fn room_key(flags: &Flags) -> Result<Option<String>, String> {
    let Some(name) = flags.text("room")?.filter(|name| !name.is_empty()) else {
        return Ok(flags.has("room").then(String::new));
    };
    let room = RoomName::new(name).ok_or_else(|| format!("--room {name}: a room cannot have this name"))?;
    Ok(Some(room.key().to_string()))
}

fn print(out: &mut impl Write, action: Action, record: &Record) -> io::Result<()> {
    match (action, record) {
        (Action::Print, Record::Message { message, .. }) => writeln!(out, "{}", line(message)),
        (Action::Export, _) | (Action::Json, Record::Message { .. }) => writeln!(out, "{}", record.to_json()),
        _ => Ok(()),
    }
}

/// Date, time, room, number, name and text. Nothing in it controls a terminal.
fn line(message: &StoredMessage) -> String {
    let StoredMessage { seq, room, name, text, .. } = message;
    let time = date_time(message.date / 1000, ' ');
    let room = if room.is_empty() { String::new() } else { format!("[{}] ", visible(room)) };
    match message.is_deleted() {
        true => format!("{time} {room}#{seq} (deleted by an operator)"),
        false => format!("{time} {room}#{seq} {}: {}", visible(name), visible(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::Subcommand;

    #[test]
    fn only_one_action_is_accepted() {
        for (words, expected) in [
            (&["f"][..], Ok(Action::Print)),
            (&["--json", "f", "--room", "x"], Ok(Action::Json)),
            (&["f", "--export"], Ok(Action::Export)),
            (&["f", "--import"], Ok(Action::Import)),
            (&["f", "--json", "--export"], Err("choose one")),
            (&["f", "--import", "--room", "x"], Err("--room")),
        ] {
            match (action(&Flags::of(Subcommand::History, words)), expected) {
                (Err(error), Err(part)) => assert!(error.contains(part), "{words:?}: {error}"),
                (found, expected) => assert_eq!(found.ok(), expected.ok(), "{words:?}"),
            }
        }
    }
}
