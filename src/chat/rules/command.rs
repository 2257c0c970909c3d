//! Commands of operators: one line of text each, the same from `chinwag ctl`, in the page, and in the file of restrictions.

use super::{names::MAX_CHARS, names::Name, room_name::RoomName};
use crate::chat::protocol::{Millis, date_time, sanitize_name};
use crate::ws::{http::date::seconds, network::Network};
use core::net::IpAddr;
use std::fmt;

/// Each command, and what follows it.
const COMMANDS: &str = "who; rooms; stats; bans; kick WHO; ban WHO [TIME]; unban WHO; mute WHO [TIME]; unmute WHO; \
    slow ROOM SECONDS [TIME]; close ROOM [TIME]; open ROOM; delete [ROOM] NUMBER…; forget NAME; notice TEXT";

/// What the words in capitals stand for.
const EXPLANATIONS: &str = " WHO is a name, an address such as 10.0.0.1 or a network such as 10.0.0.0/8, and a name that has spaces or \
    looks like an address is in quotation marks.| ROOM is a name, or / for the lobby.| SECONDS is at most 86400.| TIME is such as 30m, 2h or 7d.";

/// The command with this name and what follows it, if there is one.
pub(super) fn usage(name: &str) -> Option<&'static str> {
    COMMANDS.split("; ").find(|usage| usage.split(' ').next() == Some(name))
}

/// What operators forbid, and for how long. As text it is a command: `ban 10.0.0.0/8 until 2026-12-01T10:00:00Z`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Restriction {
    /// `ban`, `mute`, `close` or `slow`.
    pub(super) verb: String,
    pub(super) subject: Subject,
    /// For `slow`: the time of one message.
    pub(super) seconds: u64,
    /// When it ends, by the system's clock.
    pub(super) until: Option<Millis>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
    pub(super) fn of(verb: &str, words: &[String], now: Millis) -> Option<Self> {
        let (first, mut time) = words.split_first()?;
        let mut seconds = 0;
        let subject = match verb {
            "ban" | "mute" => user(first)?,
            "close" => Subject::Room(room(first)?),
            "slow" => {
                seconds = time.first()?.parse().ok().filter(|seconds| *seconds <= 86_400)?;
                time = &time[1..];
                Subject::Room(room(first)?)
            }
            _ => return None,
        };
        Some(Self { verb: verb.to_owned(), subject, seconds, until: end_of(time, now)? })
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
        (&self.verb, &self.subject) == (&other.verb, &other.subject)
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
            // Every other name that is not plain gets its quotation marks below.
            Self::Name(name) if is_like_address(&sanitize_name(&name.shown)) => write!(f, "\"{}\"", name.shown),
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

/// The command that a line begins with, the words that follow it, and these as one text.
pub(super) fn parse(line: &str) -> Result<(&'static str, Vec<String>, &str), String> {
    let (name, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let unknown = || format!("There is no command {}. The commands are: {COMMANDS}.", sanitize_name(name));
    let verb = usage(name).ok_or_else(unknown)?.split(' ').next().unwrap_or_default();
    // A notice is sent as it is.
    let words = words(rest).or_else(|| (verb == "notice").then(|| vec![rest.trim().to_owned()]));
    Ok((verb, words.ok_or("A quotation mark is not closed.")?, rest.trim()))
}

/// What to write instead, if the words do not fit the command.
pub(super) fn explanation(verb: &str) -> String {
    let usage = usage(verb).unwrap_or_default();
    let has_word = |about: &&str| about.split(' ').nth(1).is_some_and(|word| usage.contains(word));
    format!("Write: {usage}.{}", EXPLANATIONS.split('|').filter(has_word).collect::<String>())
}

/// `None`: it is neither. What looks like an address, such as `300.1.2.3`, is a name in quotation marks only: a mistake must not ban
/// nobody.
pub(super) fn user(word: &str) -> Option<Subject> {
    word.parse().ok().map(Subject::Network).or_else(|| name(word).filter(|_| !is_like_address(word)).map(Subject::Name))
}

/// Whether a word has only what addresses, ports, networks and patterns of them consist of.
fn is_like_address(word: &str) -> bool {
    // An IPv6 address may have a zone: `fe80::1%eth0`.
    let (address, zone) = word.split_once('%').filter(|_| word.contains(':')).unwrap_or((word, ""));
    let is_of_zone = |c: char| c.is_alphanumeric() || "-_.]:/".contains(c);
    let is_part = |c: char| ".:/*[],+-0123456789".contains(c) || word.contains(':') && c.is_ascii_hexdigit();
    let has_some = address.contains(|c: char| c.is_ascii_digit() || "*:".contains(c));
    has_some && address.chars().all(is_part) && zone.chars().all(is_of_zone)
}

/// A name. The page writes an `@` before it.
pub(super) fn name(word: &str) -> Option<Name> {
    Name::new(word.strip_prefix(['"', '@']).unwrap_or(word), MAX_CHARS)
}

/// A name, or a path such as `/room/NAME` and `/`.
pub(super) fn room(word: &str) -> Option<RoomName> {
    let name = word.strip_prefix('"').unwrap_or(word);
    if word.starts_with('/') { RoomName::from_path(word) } else { RoomName::new(name) }
}

pub(super) fn number(word: &str) -> Option<u64> {
    word.parse().ok().filter(|number| *number > 0)
}

/// Splits a line. Words with spaces are in quotation marks, and such a mark in them is doubled. A word in quotation marks, which
/// is always a name, keeps the first one. `None`: a mark is not closed.
fn words(line: &str) -> Option<Vec<String>> {
    let (mut words, mut chars) = (Vec::new(), line.chars().peekable());
    while let Some(first) = chars.find(|c| !c.is_whitespace()) {
        let mut word = String::from(first);
        loop {
            match chars.next() {
                None if first == '"' => return None,
                Some('"') if first == '"' && chars.next_if_eq(&'"').is_none() => break,
                Some(c) if first == '"' || !c.is_whitespace() => word.push(c),
                _ => break,
            }
        }
        words.push(word);
    }
    Some(words)
}

/// The end of a restriction: never, after a time such as `2h`, or `until` a date. `None`: it is none of these.
#[expect(clippy::option_option, reason = "no end is not the same as no time")]
fn end_of(words: &[String], now: Millis) -> Option<Option<Millis>> {
    let end = match words {
        [] => return Some(None),
        [time] => {
            let (number, unit) = time.split_at_checked(time.len().checked_sub(1)?)?;
            let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
            let (_, seconds) = units.into_iter().find(|(name, _)| *name == unit)?;
            // A file has whole seconds.
            number.parse::<u64>().ok()?.checked_mul(seconds)?.checked_add(now.div_ceil(1000))?
        }
        [until, date] if until == "until" => {
            let numbers = date.strip_suffix('Z')?.split(['-', 'T', ':']).map(|number| number.parse::<u16>().ok());
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
