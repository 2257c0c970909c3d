//! The history that survives, for the server, and `chinwag history`, which prints, exports and imports one.
//!
//! Owns the checks on the flags, `--help-history`, and the lines that people read.

use super::{
    history_flags::{Command, Flags, How},
    logging::visible,
};
use chinwag::{
    Builder,
    chat::history::{self, Durability, History, HistoryError, Record, Settings},
    chat::protocol::{StoredMessage, civil},
    chat::rules::RoomName,
    chat::server::ChatServer,
};
use std::{
    io::{self, BufWriter, Write},
    path::Path,
    str::FromStr,
};

/// `--help-history`.
pub(crate) const HELP: &str = "\
A history that survives: messages are in FILE before anybody sees them.
docs/HISTORY.md says more.

  --history FILE         keep messages in FILE, an SQLite database
  --history-sync MODE    normal: kill -9 loses nothing, a power cut may lose the
                         last seconds; full: neither does, for more writes to
                         the disk                                 [normal]
  --history-days N       delete messages that are older than N days  [never]
  --history-rows N       keep the last N messages of all rooms        [all]
  --history-lines N      messages that newcomers are shown             [50]

chinwag history FILE     prints what is in FILE, also while a server uses it
  --room NAME            of this room only; '' is the lobby
  --json                 as JSON, a line for each message
  --export               all, as JSON lines, to save it
  --import               adds an export from stdin; no server may use FILE

Every flag is an environment variable, too: CHINWAG_HISTORY=FILE.
";

/// The history of a server, if it has one.
#[derive(Debug)]
pub(crate) struct Keeping(Option<History>);

impl Keeping {
    /// # Errors
    /// One line that says what to do. A disk that is full, or fails, is no error: the chat runs, and the log says so.
    pub(crate) fn open(flags: &Flags) -> Result<Self, String> {
        let Some(file) = &flags.file else {
            return match flags == &Flags::default() {
                true => Ok(Self(None)),
                false => Err("--history-sync, --history-days and --history-rows need --history FILE".to_owned()),
            };
        };
        if file.is_empty() {
            return Err("--history wants the name of a file, such as chat.db".to_owned());
        }
        let mut settings = Settings::new(file);
        settings.durability = durability(flags.sync.as_deref())?;
        settings.days = number("--history-days", flags.days.as_deref())?;
        settings.rows = number("--history-rows", flags.rows.as_deref())?;
        History::open(&settings).map(Some).map(Self).map_err(|error| format!("--history {error}"))
    }

    /// The ids of connections go on, too.
    pub(crate) fn before(&self, builder: Builder) -> Builder {
        match &self.0 {
            Some(history) => builder.first_id(history.first_id()),
            None => builder,
        }
    }

    pub(crate) fn attach(self, chat: ChatServer) -> ChatServer {
        match self.0 {
            Some(history) => chat.archive(Box::new(history)),
            None => chat,
        }
    }
}

fn durability(mode: Option<&str>) -> Result<Durability, String> {
    match mode {
        None | Some("normal") => Ok(Durability::Normal),
        Some("full") => Ok(Durability::Full),
        Some(other) => Err(format!("--history-sync {other}: write normal or full")),
    }
}

fn number<N: FromStr + PartialOrd + Default>(flag: &str, text: Option<&str>) -> Result<Option<N>, String> {
    let parse = |text: &str| text.parse().ok().filter(|number| *number > N::default());
    text.map(|text| parse(text).ok_or_else(|| format!("{flag} {text}: write a number from 1 on"))).transpose()
}

/// Runs `chinwag history`.
///
/// # Errors
/// One line.
pub(crate) fn run(command: &Command) -> Result<(), String> {
    let path = Path::new(&command.file);
    let named = |error: HistoryError| format!("{}: {error}", path.display());
    let written = match command.how {
        How::Import => {
            let added = history::import(path, io::stdin().lock()).map_err(named)?;
            writeln!(io::stdout(), "new messages: {added}")
        }
        how => {
            let room = command.room.as_deref().map(key).transpose()?;
            let (mut out, mut written) = (BufWriter::new(io::stdout().lock()), Ok(()));
            let print = |record| {
                written = print(&mut out, how, &record);
                written.is_ok()
            };
            history::each_record(path, room.as_deref(), print).map_err(named)?;
            written.and_then(|()| out.flush())
        }
    };
    match written {
        // The reader of a pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| format!("cannot write to stdout: {error}")),
    }
}

/// The folded name of a room, which is its key.
fn key(room: &str) -> Result<String, String> {
    match room {
        "" => Ok(String::new()),
        name => RoomName::new(name)
            .map(|name| name.key().to_string())
            .ok_or_else(|| format!("--room {name}: not a valid room name")),
    }
}

fn print(out: &mut impl Write, how: How, record: &Record) -> io::Result<()> {
    match (how, record) {
        (How::Print, Record::Message(message)) => writeln!(out, "{}", line(message)),
        (How::Export, _) | (How::Json, Record::Message(_)) => writeln!(out, "{}", record.to_json()),
        _ => Ok(()),
    }
}

/// Date, time, room, number, name and text, without characters that would control a terminal.
fn line(entry: &StoredMessage) -> String {
    let (seconds, room) = (entry.date / 1000, visible(&entry.room));
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let room = if room.is_empty() { String::new() } else { format!("[{room}] ") };
    format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {room}#{} {}: {}",
        entry.seq,
        visible(&entry.name),
        visible(&entry.text)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_fits_a_screen() {
        assert!(HELP.lines().count() <= 24 && HELP.lines().all(|line| line.chars().count() <= 80), "{HELP}");
    }
}
