//! Log lines on stderr: time, level, where, what.
//!
//! Owns their format: UTC times without a time zone library.

use chinwag::chat::protocol::civil;
use env_logger::{Builder, Target};
use log::LevelFilter;
use std::{
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

/// Starts logging at that level, unless `RUST_LOG` says otherwise.
pub(crate) fn start(level: LevelFilter) {
    let mut builder = Builder::new();
    // tungstenite's own lines hold the text of messages, and are written while a connection is locked.
    builder
        .filter_level(level)
        .filter_module("tungstenite", level.min(LevelFilter::Info))
        .parse_default_env()
        .target(Target::Stderr);
    builder.format(|line, record| {
        let said = visible(&record.args().to_string());
        writeln!(line, "{} {:5} {}: {said}", utc_now(), record.level(), record.target())
    });
    builder.init();
}

/// One line stays one line, and a terminal is told nothing, whatever a peer has sent: control characters, and those that
/// change the direction of text, are written as escapes. It is the last line of defence, not the only one.
pub(crate) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match hidden(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

fn utc_now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    utc(since.as_secs(), since.subsec_millis())
}

/// RFC 3339.
fn utc(seconds: u64, millis: u32) -> String {
    let ((year, month, day), second) = (civil(seconds / 86_400), seconds % 86_400);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_is_escaped() {
        let table = [
            ("plain \u{fc} \u{1f44b}", "plain \u{fc} \u{1f44b}"),
            ("two\nlines", "two\\nlines"),
            ("\x1b[2J", "\\u{1b}[2J"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("\u{202e}txt.exe\u{2066}", "\\u{202e}txt.exe\\u{2066}"),
        ];
        for (text, shown) in table {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn times_are_written_as_date_does() {
        // From `date -u -d @SECONDS +%FT%TZ`.
        let table = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ];
        for (seconds, text) in table {
            assert_eq!(utc(seconds, 0), text);
        }
    }
}
