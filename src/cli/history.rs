//! The flags of `--history`, and `chinwag history FILE`, which prints, exports and imports stored messages.

use super::{amount::Unit, arguments::Flags, logging::write_line, written};
use chinwag::chat::history::{self, History, HistoryError, Record, Settings};
use chinwag::chat::protocol::{StoredMessage, date_time, sanitize_text};
use chinwag::{Builder, chat::rules::RoomName};
use std::io::{self, BufRead, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

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

/// Runs `chinwag history FILE`.
///
/// # Errors
/// One line.
pub(crate) fn run(flags: &Flags) -> Result<(), String> {
    let file = flags.words.first().ok_or("which file? Write: chinwag history FILE")?;
    let path = Path::new(file);
    let named = |error: HistoryError| format!("{}: {error}", path.display());
    let is_export = flags.has("export");
    if flags.has("import") {
        if is_export || flags.has("room") {
            return Err("--import imports all rooms: leave out --export and --room".to_owned());
        }
        let mut progress = progress("lines read");
        // What ends this process, such as Ctrl-C, leaves the file as it was.
        let lines = io::stdin().lock().lines().inspect(|_| progress());
        let added = history::import(path, lines).map_err(named)?;
        return super::print(&format!("new messages: {added}\n"));
    }
    let (mut out, mut printed) = (BufWriter::new(io::stdout().lock()), Ok(()));
    let mut progress = progress("records");
    let print = |record| {
        progress();
        printed = match &record {
            record if is_export => writeln!(out, "{}", record.to_json()),
            Record::Message { message, .. } => writeln!(out, "{}", line(message)),
            _ => Ok(()),
        };
        printed.is_ok()
    };
    history::each_record(path, room_key(flags)?.as_deref(), print).map_err(named)?;
    written(printed.and_then(|()| out.flush()))
}

/// The key under which the room of `--room` is stored. The lobby's key is empty.
fn room_key(flags: &Flags) -> Result<Option<String>, String> {
    let Some(name) = flags.text("room")?.filter(|name| !name.is_empty()) else {
        return Ok(flags.has("room").then(String::new));
    };
    let room = RoomName::new(name).ok_or_else(|| format!("--room {name}: a room cannot have this name"))?;
    Ok(Some(room.key().to_string()))
}

/// Date, time, room, number, name and text. Nothing in it controls a terminal.
fn line(message: &StoredMessage) -> String {
    let StoredMessage { seq, room, name, text, .. } = message;
    let time = date_time(message.date / 1000, ' ');
    let room = if room.is_empty() { String::new() } else { format!("[{}] ", sanitize_text(room)) };
    match message.is_deleted() {
        true => format!("{time} {room}#{seq} (deleted by an operator)"),
        false => format!("{time} {room}#{seq} {}: {}", sanitize_text(name), sanitize_text(text)),
    }
}

/// The time between two updates. Shorter work shows nothing.
const INTERVAL: Duration = Duration::from_secs(2);

/// A function that counts long work, and shows lines such as `12000 records`. It does so only on a terminal, and not between the
/// lines that go to stdout.
fn progress(unit: &'static str) -> impl FnMut() {
    let is_seen = io::stderr().is_terminal() && !io::stdout().is_terminal();
    let (mut done, mut shown_at) = (0, Instant::now());
    move || {
        done += 1;
        if is_seen && shown_at.elapsed() >= INTERVAL {
            write_line(&format!("{done} {unit}"));
            shown_at = Instant::now();
        }
    }
}
