//! Commands of operators: one line of text each, the same from `chinwag ctl`, in the page, and in the file of restrictions.

use super::{Rules, names::Name, room_name::RoomName};
use crate::{
    chat::protocol::{Millis, date_time, sanitize_name},
    ws::{http::date::seconds, network::Network},
};
use core::net::IpAddr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;

/// Each command, and what follows it.
const COMMANDS: &str = "who; rooms; stats; bans; kick WHO; ban WHO [TIME]; unban WHO; mute WHO [TIME]; unmute WHO; \
    slow ROOM SECONDS [TIME]; close ROOM [TIME]; open ROOM; delete [ROOM] NUMBER…; forget NAME; notice TEXT";

const EXPLANATION: &str = "WHO is a name, an address or a network; names with spaces are in \"\"; TIME is such as 30m, 2h or 7d; / is the lobby.";

/// The command with this name and what follows it, if there is one.
pub(super) fn usage(name: &str) -> Option<&'static str> {
    COMMANDS.split("; ").find(|usage| usage.split(' ').next() == Some(name))
}

/// What operators forbid, and for how long. As text it is a command: `ban 10.0.0.0/8 until 2026-12-01T10:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// `ban`, `mute`, `close` or `slow`.
    pub(super) verb: &'static str,
    pub(super) subject: Subject,
    /// For `slow`: the time of one message.
    pub(super) seconds: u64,
    /// When it ends, by the system's clock.
    pub(super) until: Option<Millis>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Name(Name),
    Network(Network),
    Room(RoomName),
}

impl Restriction {
    /// Reads a line of text; a time such as `2h` begins `now`.
    ///
    /// # Errors
    /// One line: it is not a restriction.
    pub fn parse(line: &str, now: Millis) -> Result<Self, String> {
        let (verb, words, _) = parse(line)?;
        Self::of(verb, &words, now).ok_or_else(|| explanation(verb))
    }

    /// The restriction that a command makes.
    pub(super) fn of(verb: &'static str, words: &[Word], now: Millis) -> Option<Self> {
        let (first, mut time) = words.split_first()?;
        let mut seconds = 0;
        let subject = match verb {
            "ban" | "mute" => first.user()?,
            "close" => Subject::Room(first.room()?),
            "slow" => {
                seconds = time.first()?.text.parse().ok().filter(|seconds| *seconds <= 86_400)?;
                time = &time[1..];
                Subject::Room(first.room()?)
            }
            _ => return None,
        };
        Some(Self { verb, subject, seconds, until: end_of(time, now)? })
    }

    /// Whether it holds at this time.
    #[must_use]
    pub fn holds(&self, now: Millis) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The network that may not connect, and until when.
    #[must_use]
    pub fn banned_network(&self) -> Option<(Network, Option<Millis>)> {
        match &self.subject {
            Subject::Network(network) if self.verb == "ban" => Some((*network, self.until)),
            _ => None,
        }
    }

    /// Whether one replaces the other.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.verb, &self.subject) == (other.verb, &other.subject)
    }
}

impl Subject {
    /// Whether a user of this name, or with this address, is meant.
    pub(super) fn is(&self, name: Option<&Name>, address: Option<IpAddr>) -> bool {
        match self {
            Self::Name(own) => name == Some(own),
            Self::Network(network) => address.is_some_and(|address| network.contains(address)),
            Self::Room(_) => false,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) if name.shown.parse::<Network>().is_ok() => write!(f, "\"{}\"", name.shown),
            Self::Name(name) => f.write_str(&sanitize_name(&name.shown)),
            Self::Network(network) => network.fmt(f),
            Self::Room(room) if room.key().is_empty() => f.write_str("/"),
            Self::Room(room) => f.write_str(&sanitize_name(room.shown())),
        }
    }
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = if self.verb == "slow" { format!(" {}", self.seconds) } else { String::new() };
        let until = self.until.map(|until| format!(" until {}Z", date_time(until / 1000, 'T'))).unwrap_or_default();
        write!(f, "{} {}{seconds}{until}", self.verb, self.subject)
    }
}

impl Serialize for Restriction {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Restriction {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?, 0).map_err(D::Error::custom)
    }
}

/// The command that a line begins with, the words that follow it, and these as one text.
pub(super) fn parse(line: &str) -> Result<(&'static str, Vec<Word>, &str), String> {
    let (name, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let unknown = || format!("There is no command {}. The commands are: {COMMANDS}.", sanitize_name(name));
    let usage = usage(name).ok_or_else(unknown)?;
    Ok((usage.split(' ').next().unwrap_or_default(), words(rest), rest.trim()))
}

/// What to write instead, if the words do not fit the command.
pub(super) fn explanation(verb: &str) -> String {
    format!("Write: {}. {EXPLANATION}", usage(verb).unwrap_or_default())
}

/// A word of a line. One in quotation marks is always a name.
pub(super) struct Word {
    pub(super) text: String,
    pub(super) is_quoted: bool,
}

impl Word {
    pub(super) fn user(&self) -> Option<Subject> {
        match self.text.parse() {
            Ok(network) if !self.is_quoted => Some(Subject::Network(network)),
            _ => self.name().map(Subject::Name),
        }
    }

    /// The page writes an `@` before names.
    pub(super) fn name(&self) -> Option<Name> {
        let plain = self.text.strip_prefix('@').filter(|_| !self.is_quoted);
        Name::new(plain.unwrap_or(&self.text), Rules::MAX_NAME_CHARS)
    }

    /// A name, or a path such as `/room/NAME` and `/`.
    pub(super) fn room(&self) -> Option<RoomName> {
        let is_path = self.text.starts_with('/') && !self.is_quoted;
        if is_path { RoomName::from_path(&self.text) } else { RoomName::new(&self.text) }
    }

    pub(super) fn number(&self) -> Option<u64> {
        self.text.parse().ok().filter(|number| *number > 0 && !self.is_quoted)
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

/// The end of a restriction: never, after a time such as `2h`, or `until` a date. `None`: it is none of these.
#[expect(clippy::option_option, reason = "no end is not the same as no time")]
fn end_of(words: &[Word], now: Millis) -> Option<Option<Millis>> {
    let end = match words {
        [] => return Some(None),
        [time] => {
            let (number, unit) = time.text.split_at_checked(time.text.len().checked_sub(1)?)?;
            let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
            let (_, seconds) = units.into_iter().find(|(name, _)| *name == unit)?;
            // A file has whole seconds.
            number.parse::<u64>().ok()?.checked_mul(seconds)?.checked_add(now.div_ceil(1000))?
        }
        [until, date] if until.text == "until" => {
            let numbers = date.text.strip_suffix('Z')?.split(['-', 'T', ':']).map(|number| number.parse::<u16>().ok());
            let numbers: Vec<u64> = numbers.map(|number| number.map(u64::from)).collect::<Option<_>>()?;
            let [year, month, day, hour, minute, second] = numbers[..] else { return None };
            seconds((year, month, day), (hour, minute, second))?
        }
        _ => return None,
    };
    // Four digits are enough for the year.
    (end < 253_402_300_800).then_some(Some(end * 1000))
}

#[cfg(test)]
mod tests;
