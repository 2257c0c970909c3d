//! The dialect `text`: one line in each text message, made to be typed and read by people.
//!
//! Owns the slash commands and the server's lines. What other users chose must not look like the
//! server's own words, nor reach the terminal as anything but characters:
//!
//! - a line break within a text is shown as ` ⏎ `: one message is always one line;
//! - control characters (ESC among them) and bidi overrides are shown as `\u{FFFD}`, a tab as a space;
//! - a name that could be read as more than a name (`* bob left`, `ann (to you)`, `you are admin`, `a, b`)
//!   is written in quotation marks: every one that is more than letters, digits, `-`, `_` and `.`.

use super::{
    Audience, ClientMessage, ErrorReason, Millis, Name, ProtocolError, ServerMessage, StoredMessage, civil, is_mark,
};

const HELP: &str = "* commands: /name bob, /msg ann hi (/msg \"Ann B\" hi), /users, /help, /quit; //x says /x";

/// Reads one line. The line break at its end, which some clients send, is not part of it.
pub(super) fn decode(text: &str) -> Result<ClientMessage, ProtocolError> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line.strip_prefix('/') {
        None => Ok(say(line)),
        Some(rest) if rest.starts_with('/') => Ok(say(rest)),
        Some(rest) => command(rest),
    }
}

fn say(text: &str) -> ClientMessage {
    ClientMessage::Say { text: text.into(), target: None, nonce: None }
}

fn command(line: &str) -> Result<ClientMessage, ProtocolError> {
    let (word, rest) = split_word(line);
    match word {
        "name" if rest.is_empty() => Err(usage("Which name? Type /name and the name: /name bob")),
        "name" => Ok(ClientMessage::SetName(rest.to_owned())),
        "msg" => private_message(rest),
        "users" => Ok(ClientMessage::ListUsers),
        "help" => Ok(ClientMessage::Help),
        "quit" => Ok(ClientMessage::Quit),
        _ => Ok(ClientMessage::UnknownCommand(word.to_owned())),
    }
}

fn private_message(rest: &str) -> Result<ClientMessage, ProtocolError> {
    let (name, text) = quoted(rest).unwrap_or_else(|| split_word(rest));
    if name.is_empty() || text.is_empty() {
        return Err(usage("To whom, and what? Type /msg, a name and the text: /msg ann hi"));
    }
    Ok(ClientMessage::Say { text: text.into(), target: Some(name.to_owned()), nonce: None })
}

fn usage(about: &'static str) -> ProtocolError {
    ProtocolError::new(ErrorReason::MissingField, about)
}

/// The first word, and what follows the white space behind it.
fn split_word(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word, rest.trim_start())
}

/// A name in quotation marks, for names with spaces in them, and what follows.
fn quoted(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix('"')?.split_once('"')?;
    Some((name, rest.trim_start()))
}

/// Writes one line, without a line break; false for what is said to programs only.
pub(super) fn encode(notice: &ServerMessage, out: &mut String) -> bool {
    match notice {
        ServerMessage::Id { .. } | ServerMessage::UserList(_) | ServerMessage::Handshake { .. } => return false,
        ServerMessage::You { name } | ServerMessage::RejectUsername { name, .. } => {
            status(&["you are "], name, "", out)
        }
        ServerMessage::Username { name, .. } => status(&[], name, " signed in", out),
        ServerMessage::Left { name } => status(&[], name, " left", out),
        ServerMessage::Users(users) => push_users(users, out),
        ServerMessage::Help => out.push_str(HELP),
        ServerMessage::Message(entry) => push_message(entry, out),
        ServerMessage::Past(entry) => {
            push_time(entry.date, out);
            push_message(entry, out);
        }
        ServerMessage::Gap { missed: None } => out.push_str("* some messages are gone"),
        ServerMessage::Gap { missed: Some(1) } => out.push_str("* 1 message is gone"),
        ServerMessage::Gap { missed: Some(missed) } => out.push_str(&format!("* {missed} messages are gone")),
        ServerMessage::Private { name, text, audience, .. } => push_private(name, text, audience, out),
        ServerMessage::Error(problem) => {
            out.push_str("* refused: ");
            push_text(&problem.about, out);
        }
    }
    true
}

fn status(before: &[&str], name: &str, after: &str, out: &mut String) {
    out.push_str("* ");
    before.iter().for_each(|words| out.push_str(words));
    push_name(name, out);
    out.push_str(after);
}

fn push_users(users: &[Name], out: &mut String) {
    out.push_str("* users: ");
    for (nth, name) in users.iter().enumerate() {
        out.push_str(if nth == 0 { "" } else { ", " });
        push_name(name, out);
    }
}

/// When it was said, in UTC: `[2026-11-22 12:34] `.
fn push_time(date: Millis, out: &mut String) {
    let minutes = date / 60_000;
    let (year, month, day) = civil(minutes / 1440);
    let (hour, minute) = (minutes / 60 % 24, minutes % 60);
    out.push_str(&format!("[{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}] "));
}

fn push_message(entry: &StoredMessage, out: &mut String) {
    push_name(&entry.name, out);
    out.push_str(": ");
    push_text(&entry.text, out);
}

fn push_private(name: &str, text: &str, audience: &Audience, out: &mut String) {
    push_name(name, out);
    match audience {
        Audience::You(_) => out.push_str(" (to you)"),
        Audience::Other(target) => {
            out.push_str(" (to ");
            push_name(target, out);
            out.push(')');
        }
    }
    out.push_str(": ");
    push_text(text, out);
}

/// What others wrote, as one line that is harmless for a terminal.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut line = String::new();
    push_text(text, &mut line);
    line
}

/// A name, as harmless as [`harmless`] makes it; in quotation marks if it could be taken for more than a name.
#[must_use]
pub fn harmless_name(name: &str) -> String {
    let mut line = String::new();
    push_name(name, &mut line);
    line
}

/// A name, in quotation marks if it could be taken for anything but a name.
fn push_name(name: &str, out: &mut String) {
    if is_plain(name) {
        return out.push_str(name);
    }
    out.push('"');
    for part in name.split_inclusive('"') {
        // Quotation marks within are doubled, so that none of them ends the name.
        push_text(part, out);
        out.push_str(if part.ends_with('"') { "\"" } else { "" });
    }
    out.push('"');
}

/// One word of letters and digits of any script, with the marks that sit on them, or `-`, `_`, `.`. A list of what is
/// dangerous would never end: a full-width colon, a star of another block, or just `you are admin`.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.') || is_mark(c);
    !name.is_empty() && name.chars().all(plain)
}

/// What others wrote, made harmless for a terminal.
fn push_text(text: &str, out: &mut String) {
    let mut copied = 0;
    for (at, c) in text.char_indices() {
        let Some(shown) = replacement(c, &text[at..]) else {
            continue;
        };
        out.push_str(&text[copied..at]);
        out.push_str(shown);
        copied = at + c.len_utf8();
    }
    out.push_str(&text[copied..]);
}

/// What is shown instead of the character that `rest` begins with.
fn replacement(c: char, rest: &str) -> Option<&'static str> {
    match c {
        ' '..='~' => None,
        '\t' => Some(" "),
        '\r' if rest.starts_with("\r\n") => Some(""),
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(" ⏎ "),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some("\u{fffd}"),
        c if c.is_control() => Some("\u{fffd}"),
        _ => None,
    }
}
