//! One line of the log: time, level, module, message.

use super::systemd::priority;
use chinwag::chat::protocol::{date_time, is_deceptive};
use log::Level;
use std::time::{SystemTime, UNIX_EPOCH};

/// A line without its end. The message cannot control a terminal.
pub(crate) fn line(level: Level, target: &str, message: &str) -> String {
    format!("{}{} {level:5} {target}: {}", priority(level), now(), visible(message))
}

/// Escapes control characters and those that change the direction of text, so that text from a peer stays one line and
/// cannot control the terminal.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_deceptive(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

/// RFC 3339, in UTC.
fn now() -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:03}Z", date_time(since_1970.as_secs(), 'T'), since_1970.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_escaped() {
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
    fn times_agree_with_date() {
        // From `date -u -d @SECONDS +%FT%T`.
        let table = [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"),
            (1_735_689_599, "2024-12-31T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ];
        for (seconds, text) in table {
            assert_eq!(date_time(seconds, 'T'), text);
        }
    }
}
