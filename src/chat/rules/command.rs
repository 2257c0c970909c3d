//! Commands of operators: one line of text each, the same from `chinwag ctl`, in the page, and in the file of restrictions.

use super::{Rules, names::Name, room_name::RoomName};
use crate::{
    chat::protocol::{Millis, date_time, sanitize_name},
    ws::{http::date::seconds, network::Network},
};
use std::{fmt, mem};

/// Each command, and what follows it.
pub const COMMANDS: [(&str, &str); 15] = [
    ("who", ""),
    ("rooms", ""),
    ("stats", ""),
    ("bans", ""),
    ("kick", "NAME|ADDRESS|NETWORK"),
    ("ban", "NAME|ADDRESS|NETWORK [TIME, such as 30m, 2h or 7d]"),
    ("unban", "NAME|ADDRESS|NETWORK"),
    ("mute", "NAME|ADDRESS|NETWORK [TIME, such as 30m, 2h or 7d]"),
    ("unmute", "NAME|ADDRESS|NETWORK"),
    ("slow", "ROOM SECONDS [TIME], with / for the lobby, and 0 for no limit"),
    ("close", "ROOM [TIME], with / for the lobby"),
    ("open", "ROOM"),
    ("delete", "[ROOM] NUMBER…"),
    ("forget", "NAME"),
    ("notice", "TEXT"),
];

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Who,
    Rooms,
    Stats,
    Bans,
    Kick(Subject),
    Restrict(Restriction),
    Lift(Kind, Subject),
    Delete { room: Option<RoomName>, seqs: Vec<u64> },
    Forget(Name),
    Notice(String),
}

/// Whom a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject(pub(super) Who);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    Name(Name),
    Network(Network),
    Room(RoomName),
}

/// What a restriction forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// To connect, or to have the name.
    Ban,
    /// To write.
    Mute,
    /// To be in the room.
    Close,
    /// To write more than one message in so many seconds.
    Slow(u64),
}

/// What operators forbid, and for how long. As text it is a command: `ban 10.0.0.0/8 until 2026-12-01T10:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// What is forbidden.
    pub kind: Kind,
    pub(super) subject: Subject,
    /// When it ends, in milliseconds since 1970.
    pub until: Option<Millis>,
}

impl Restriction {
    /// Reads a line of text; a time such as `2h` begins `now`.
    ///
    /// # Errors
    /// One line: it is not a restriction.
    pub fn parse(line: &str, now: Millis) -> Result<Self, String> {
        match parse(line, now)? {
            Command::Restrict(restriction) => Ok(restriction),
            _ => Err("write ban, mute, close or slow".to_owned()),
        }
    }

    /// Whether it holds at this time.
    #[must_use]
    pub fn holds(&self, now: Millis) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The network that may not connect.
    #[must_use]
    pub fn banned_network(&self) -> Option<Network> {
        match (self.kind, &self.subject.0) {
            (Kind::Ban, Who::Network(network)) => Some(*network),
            _ => None,
        }
    }

    /// Whether it is of this kind and about this subject.
    pub(super) fn is(&self, kind: Kind, subject: &Subject) -> bool {
        mem::discriminant(&self.kind) == mem::discriminant(&kind) && self.subject.is(subject)
    }
}

impl Subject {
    /// Whether both are the same, however they are spelled.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Who::Name(one), Who::Name(other)) => one.key == other.key,
            (Who::Room(one), Who::Room(other)) => one.key() == other.key(),
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Who::Name(name) if name.shown.parse::<Network>().is_ok() => write!(f, "\"{}\"", name.shown),
            Who::Name(name) => f.write_str(&sanitize_name(&name.shown)),
            Who::Network(network) => network.fmt(f),
            Who::Room(room) if room.key().is_empty() => f.write_str("/"),
            Who::Room(room) => f.write_str(&sanitize_name(room.shown())),
        }
    }
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = &self.subject;
        match self.kind {
            Kind::Ban => write!(f, "ban {subject}"),
            Kind::Mute => write!(f, "mute {subject}"),
            Kind::Close => write!(f, "close {subject}"),
            Kind::Slow(seconds) => write!(f, "slow {subject} {seconds}"),
        }?;
        self.until.map_or(Ok(()), |until| write!(f, " until {}Z", date_time(until / 1000, 'T')))
    }
}

/// A word of a line. One in quotation marks is always a name.
struct Word {
    text: String,
    is_quoted: bool,
}

/// Reads a command. A time such as `2h` begins `now`.
pub(super) fn parse(line: &str, now: Millis) -> Result<Command, String> {
    let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let Some((_, usage)) = COMMANDS.iter().find(|(known, _)| *known == word) else {
        let known = COMMANDS.map(|(known, _)| known).join(", ");
        return Err(format!("There is no command {}. The commands are {known}.", sanitize_name(word)));
    };
    command(word, rest.trim(), &words(rest), now).ok_or_else(|| format!("Write: {word} {usage}").trim_end().to_owned())
}

fn command(word: &str, rest: &str, words: &[Word], now: Millis) -> Option<Command> {
    let restrict =
        |kind, subject, time| Some(Command::Restrict(Restriction { kind, subject, until: end_of(time, now)? }));
    match (word, words) {
        ("who", []) => Some(Command::Who),
        ("rooms", []) => Some(Command::Rooms),
        ("stats", []) => Some(Command::Stats),
        ("bans", []) => Some(Command::Bans),
        ("kick", [who]) => Some(Command::Kick(user(who)?)),
        ("ban", [who, time @ ..]) => restrict(Kind::Ban, user(who)?, time),
        ("mute", [who, time @ ..]) => restrict(Kind::Mute, user(who)?, time),
        ("unban", [who]) => Some(Command::Lift(Kind::Ban, user(who)?)),
        ("unmute", [who]) => Some(Command::Lift(Kind::Mute, user(who)?)),
        ("close", [name, time @ ..]) => restrict(Kind::Close, Subject(Who::Room(room(name)?)), time),
        ("open", [name]) => Some(Command::Lift(Kind::Close, Subject(Who::Room(room(name)?)))),
        ("slow", [name, seconds, time @ ..]) => {
            let subject = Subject(Who::Room(room(name)?));
            match seconds.text.parse().ok().filter(|seconds| *seconds <= 86_400)? {
                0 => Some(Command::Lift(Kind::Slow(0), subject)),
                seconds => restrict(Kind::Slow(seconds), subject, time),
            }
        }
        ("delete", [first, others @ ..]) => {
            let number = |word: &Word| word.text.parse().ok().filter(|seq| *seq > 0 && !word.is_quoted);
            let (place, numbers) = match number(first) {
                Some(_) => (None, words),
                None => (Some(room(first)?), others),
            };
            let seqs: Vec<u64> = numbers.iter().map(number).collect::<Option<_>>()?;
            (!seqs.is_empty()).then_some(Command::Delete { room: place, seqs })
        }
        ("forget", [who]) => Some(Command::Forget(name(who)?)),
        ("notice", [only]) if only.is_quoted => Some(Command::Notice(only.text.clone())),
        ("notice", [_, ..]) => Some(Command::Notice(rest.to_owned())),
        _ => None,
    }
}

/// Splits a line. Words with spaces are in quotation marks, and such a mark in them is doubled.
fn words(line: &str) -> Vec<Word> {
    let (mut words, mut chars) = (Vec::new(), line.chars().peekable());
    while let Some(first) = chars.find(|c| !c.is_whitespace()) {
        let is_quoted = first == '"';
        let mut text: String = Some(first).filter(|_| !is_quoted).into_iter().collect();
        while let Some(c) = chars.next() {
            match c {
                '"' if is_quoted && chars.next_if_eq(&'"').is_none() => break,
                c if !is_quoted && c.is_whitespace() => break,
                c => text.push(c),
            }
        }
        words.push(Word { text, is_quoted });
    }
    words
}

fn user(word: &Word) -> Option<Subject> {
    match word.text.parse() {
        Ok(network) if !word.is_quoted => Some(Subject(Who::Network(network))),
        _ => name(word).map(|name| Subject(Who::Name(name))),
    }
}

/// The page writes an `@` before names.
fn name(word: &Word) -> Option<Name> {
    let plain = word.text.strip_prefix('@').filter(|_| !word.is_quoted);
    Name::new(plain.unwrap_or(&word.text), Rules::MAX_NAME_CHARS)
}

/// A name, or a path such as `/room/NAME` and `/`.
fn room(word: &Word) -> Option<RoomName> {
    match word.text.starts_with('/') && !word.is_quoted {
        true => RoomName::from_path(&word.text),
        false if word.text.is_empty() => Some(RoomName::lobby()),
        false => RoomName::new(&word.text),
    }
}

/// The end of a restriction: never, after a time such as `2h`, or `until` a date. `None`: it is none of these.
#[expect(clippy::option_option, reason = "no end is not the same as no time")]
fn end_of(words: &[Word], now: Millis) -> Option<Option<Millis>> {
    match words {
        [] => Some(None),
        [time] => {
            let unit = time.text.chars().next_back()?;
            let number: u64 = time.text.strip_suffix(unit)?.parse().ok()?;
            let seconds = match unit {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                'w' => 7 * 86_400,
                _ => return None,
            };
            // A file has whole seconds. Four digits are enough for the year.
            let end = number.checked_mul(seconds)?.checked_add(now.div_ceil(1000))?;
            Some(Some(end * 1000)).filter(|_| end < 253_402_300_800)
        }
        [until, date] if until.text == "until" => {
            let numbers = date.text.strip_suffix('Z')?.split(['-', 'T', ':']).map(|number| number.parse().ok());
            match numbers.collect::<Option<Vec<u64>>>()?[..] {
                [year @ ..=9999, month @ ..=12, day @ ..=31, hour @ ..=23, minute @ ..=59, second @ ..=59] => {
                    Some(Some(seconds((year, month, day), (hour, minute, second))? * 1000))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
