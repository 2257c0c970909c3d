//! The dialect `text`: one line in each text message, to be typed and read by people.
//!
//! Nothing that a user chose may look like the server's own words, or control the terminal:
//!
//! - a line break within a text is shown as ` ⏎ `, so that one message is always one line;
//! - control characters (such as ESC), bidi overrides and invisible characters are shown as `\u{FFFD}`, a tab as a space;
//! - a name is quoted if it has characters other than letters, digits, `-`, `_` and `.`. So `* bob left`,
//!   `ann (to you)` or `you are admin` cannot pass as more than a name.

use super::{ClientMessage, Post, ProtocolError, ServerMessage, StoredMessage, Target};
use crate::ws::http::date::date_and_time;

const HELP: &str =
    "* commands: /name bob, /msg ann hi (/msg \"Ann B\" hi), /me waves, /users, /help, /quit; //x says /x";

/// Parses one line. Some clients send the line break at its end, which does not belong to the text.
pub(super) fn decode(text: &str) -> Result<ClientMessage, ProtocolError> {
    let post = Post::from_text(text);
    match post.text.strip_prefix('/') {
        None => Ok(ClientMessage::Message(post)),
        Some(rest) if rest.starts_with('/') => Ok(ClientMessage::Message(Post::from_text(rest))),
        Some(rest) => command(rest),
    }
}

fn command(line: &str) -> Result<ClientMessage, ProtocolError> {
    let (word, rest) = split_word(line);
    let usage = |hint| Err(ProtocolError::missing_field(hint));
    match word {
        "name" if rest.is_empty() => usage("Which name? Type /name and the name: /name bob"),
        "me" if rest.is_empty() => usage("What do you do? Type /me and the text: /me waves"),
        // The page shows it as an action.
        "me" => Ok(ClientMessage::Message(Post::from_text(&format!("/{line}")))),
        "name" => Ok(ClientMessage::SetName(rest.to_owned(), None)),
        "msg" => private_message(rest),
        "users" => Ok(ClientMessage::ListUsers),
        "help" => Ok(ClientMessage::Help),
        "quit" => Ok(ClientMessage::Quit),
        _ => Ok(ClientMessage::Command(line.to_owned())),
    }
}

/// A name, which may contain spaces if it is in quotation marks, and a text. The page writes an `@` before names.
fn private_message(rest: &str) -> Result<ClientMessage, ProtocolError> {
    let rest = rest.strip_prefix('@').unwrap_or(rest);
    let quoted = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
    let (target, text) = quoted.map_or_else(|| split_word(rest), |(name, text)| (name, text.trim_start()));
    if target.is_empty() || text.is_empty() {
        return Err(ProtocolError::missing_field("To whom, and what? Type /msg, a name and the text: /msg ann hi"));
    }
    Ok(ClientMessage::Message(Post { target: Some(Target::Name(target.to_owned())), ..Post::from_text(text) }))
}

/// The first word, and what follows the white space after it.
fn split_word(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word, rest.trim_start())
}

/// One line, without a line break; `None` for a message that exists in the JSON dialects only.
pub(super) fn encode(message: &ServerMessage) -> Option<String> {
    Some(match message {
        ServerMessage::Id { .. } | ServerMessage::UserList { .. } => return None,
        ServerMessage::Handshake { .. } | ServerMessage::Pong => return None,
        ServerMessage::RejectUsername { name, .. } => format!("* you are {}", sanitize_name(name)),
        ServerMessage::Username { name, .. } => format!("* {} signed in", sanitize_name(name)),
        ServerMessage::Left(name) => format!("* {} left", sanitize_name(name)),
        ServerMessage::Users(users) => {
            let names: Vec<String> = users.iter().map(|name| sanitize_name(name)).collect();
            format!("* users: {}", names.join(", "))
        }
        ServerMessage::Help => HELP.to_owned(),
        ServerMessage::Message(message) => line(message),
        // 16 characters: without the seconds.
        ServerMessage::History(message) => format!("[{:.16}] {}", date_time(message.date / 1000, ' '), line(message)),
        ServerMessage::Gap { missed: None } => "* some messages are gone".to_owned(),
        ServerMessage::Gap { missed: Some(1) } => "* 1 message is gone".to_owned(),
        ServerMessage::Gap { missed: Some(missed) } => format!("* {missed} messages are gone"),
        ServerMessage::Private { name, text, target, is_received, .. } => {
            let target = if *is_received { "you".to_owned() } else { sanitize_name(target) };
            format!("{} (to {target}): {}", sanitize_name(name), sanitize_text(text))
        }
        ServerMessage::Deleted { seq } if seq.len() == 1 => "* an operator deleted a message".to_owned(),
        ServerMessage::Deleted { seq } => format!("* an operator deleted {} messages", seq.len()),
        ServerMessage::Notice { text } => format!("* notice: {}", sanitize_text(text)),
        ServerMessage::Error(error) => format!("* refused: {}", sanitize_text(&error.message)),
    })
}

fn line(message: &StoredMessage) -> String {
    format!("{}: {}", sanitize_name(&message.name), sanitize_text(&message.text))
}

/// Date and time in UTC, from seconds since 1970: `2026-11-22 12:34:56` if the separator is a space. This needs no time
/// zone library.
#[must_use]
pub fn date_time(seconds: u64, separator: char) -> String {
    let ((year, month, day), (hour, minute, second)) = date_and_time(seconds);
    format!("{year:04}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}")
}

/// Whether a character could control a terminal or deceive its user: DEL and C1 (ECMA-48) and other control characters,
/// line separators, what changes the direction of text, and what is invisible. Joiners and variation selectors are not among
/// them: emoji and some scripts are written with them.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}'..='\u{17b5}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// A user's text as one line that is safe to print in a terminal.
#[must_use]
pub fn sanitize_text(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\t' => line.push(' '),
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => line.push_str(" ⏎ "),
            c if is_deceptive(c) => line.push('\u{fffd}'),
            c => line.push(c),
        }
    }
    line
}

/// A user's name, as safe as [`sanitize_text`] makes it, and quoted unless it is plain. Quotation marks in it are
/// doubled, so that none of them ends the name.
#[must_use]
pub fn sanitize_name(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("\"{}\"", sanitize_text(&name.replace('"', "\"\""))) }
}

/// Whether a name is one word of letters, digits and marks of any script, `-`, `_` and `.`. A list of dangerous
/// characters would never be complete: a full-width colon is one, or a star of another block.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.') || is_mark(c);
    !name.is_empty() && name.chars().all(|c| is_plain(c) && !is_deceptive(c))
}

/// Whether a character is a combining mark: it has a combining class, or is one of those without. (A table of all marks would
/// be 15 KiB.) Without Unicode's tables: a mark for any script, or for Cyrillic, Hebrew, Arabic, Thaana, Devanagari, Thai, Lao,
/// Tibetan, Miao or SignWriting.
pub(crate) fn is_mark(c: char) -> bool {
    #[cfg(feature = "precis")]
    if unicode_normalization::char::canonical_combining_class(c) != 0 {
        return true;
    }
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{483}'..='\u{489}' | '\u{a670}'..='\u{a672}' | '\u{2de0}'..='\u{2dff}'
        | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{7a6}'..='\u{7b0}'
        | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{eb1}' | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}' | '\u{f71}'..='\u{f84}' | '\u{f8d}'..='\u{fbc}'
        | '\u{302a}'..='\u{302f}' | '\u{16f4f}' | '\u{16f8f}'..='\u{16f92}' | '\u{1da00}'..='\u{1da6c}')
}

#[cfg(test)]
mod tests;
