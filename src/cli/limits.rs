//! The limits that `--limit NAME=VALUE` changes. `--help-limits` is their table, with their ranges.

use super::suggest::{did_you_mean, nearest};
use super::{amount::Unit, arguments::Flags, flags::LIMITS};
use chinwag::Config;
use chinwag::chat::rules::{Rate, Rules};
use log::warn;
use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

/// The JSON around a text may need this many bytes: `{"type":"message","text":"","nonce":"…"}`.
const AROUND_TEXT: usize = 128;

/// The limits that were given, by their names.
type Limits<'a> = BTreeMap<&'a str, usize>;

/// The longest time that the server waits for anything, in seconds.
const YEAR: usize = 365 * 24 * 60 * 60;

fn set(name: &str, n: usize, config: &mut Config, rules: &mut Rules) {
    match name {
        "connections" => config.max_connections = n,
        "per-address" => config.max_connections_per_address = n,
        "handshakes" => config.max_handshakes = n,
        "handshake-seconds" => config.handshake_timeout = seconds(n),
        "controls" => config.control_frames_per_second = n,
        "wrong-token-seconds" => config.wrong_token_interval = seconds(n),
        "fields" => config.max_header_fields = n,
        "head" => config.max_head_size = n,
        "ping-seconds" => config.ping_interval = seconds(n),
        "pong-seconds" => config.pong_timeout = seconds(n),
        "close-seconds" => config.close_timeout = seconds(n),
        "message" => config.max_message_size = n,
        "outbox" => config.max_send_buffer = n,
        "events" => config.event_capacity = n,
        "text" => rules.text_chars = n,
        "strikes" => rules.strikes = (n > 0).then(|| count(n)),
        "rooms" => rules.rooms = n,
        "room-users" => rules.room_users = (n > 0).then_some(n),
        "room-messages" => rules.room_messages = n,
        "room-bytes" => rules.room_bytes = n,
        "history" => rules.history_bytes = n,
        "replay" => rules.replay_bytes = n,
        "replay-messages" => rules.replay_messages = n,
        "stall-seconds" => rules.stall_timeout = (n > 0).then(|| n as u64 * 1000),
        "lists" => rules.list_bytes = (n > 0).then(|| count(n)),
        _ => {}
    }
}

/// A rate with the limits that were given, whose names may have a prefix. A new rate has the default burst.
fn rate(prefix: &str, given: &Limits<'_>, old: Option<Rate>, default: Option<Rate>) -> Result<Option<Rate>, String> {
    let limit = |name: &str| given.get(format!("{prefix}{name}").as_str()).map(|n| count(*n));
    let rate = match limit("rate") {
        Some(0) => None,
        Some(per_second) => default.map(|rate| Rate { per_second, ..rate }),
        None => old,
    };
    match (rate, limit("burst")) {
        (None, Some(_)) => Err(format!("--limit {prefix}burst works only with a rate: add --limit {prefix}rate")),
        (rate, burst) => Ok(rate.map(|rate| Rate { burst: burst.unwrap_or(rate.burst), ..rate })),
    }
}

/// The rate that several connections share, if none was given: one of them alone may use its own rate.
fn shared_rate(shared: Option<Rate>, one: Option<Rate>) -> Option<Rate> {
    let (shared, one) = (shared?, one?);
    Some(Rate { per_second: shared.per_second.max(one.per_second), burst: shared.burst.max(one.burst) })
}

/// The configuration that `--no-limits` and `--limit` ask for, in any order. If a limit is repeated, the last one counts.
///
/// # Errors
/// One line that names the limit that is wrong.
pub(crate) fn configure(flags: &Flags) -> Result<(Config, Rules), String> {
    let (mut config, mut rules) = match flags.has("no-limits") {
        true => (Config::unlimited(), Rules::unlimited()),
        false => (Config::default(), Rules::default()),
    };
    let limits = flags.list("limit")?;
    apply(&limits, &mut config, &mut rules)?;
    if let Some(lines) = flags.amount("history-lines", Unit::Things, 0)? {
        rules.history_lines = lines;
    }
    if let Some(most) = fitting_text(&config, &rules) {
        warn!("a text has at most {most} characters: more may not fit into --limit message and outbox");
        rules.text_chars = most;
    }
    // History must fit into the send buffer, together with new messages.
    rules.replay_bytes = rules.replay_bytes.min(config.max_send_buffer / 2);
    Ok((config, rules))
}

fn apply(texts: &[&str], config: &mut Config, rules: &mut Rules) -> Result<(), String> {
    let given = texts.iter().map(|text| parse(text)).collect::<Result<Limits, _>>()?;
    for (name, number) in &given {
        set(name, *number, config, rules);
    }
    let default = Rules::default();
    rules.rate = rate("", &given, rules.rate, default.rate)?;
    for (prefix, shared, default) in [
        ("address-", &mut rules.address_rate, default.address_rate),
        ("room-", &mut rules.room_rate, default.room_rate),
    ] {
        let is_given = ["rate", "burst"].iter().any(|name| given.contains_key(format!("{prefix}{name}").as_str()));
        *shared = match is_given {
            true => rate(prefix, &given, *shared, default)?,
            false => shared_rate(*shared, rules.rate),
        };
    }
    Ok(())
}

/// The names of the limits, and the rest of their lines in the help.
fn lines() -> Vec<(&'static str, &'static str)> {
    LIMITS.lines().filter_map(|line| line.strip_prefix("  --limit ")?.split_once(' ')).collect()
}

fn parse(text: &str) -> Result<(&str, usize), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("--limit {text}: write NAME=VALUE"))?;
    let Some((unit, range)) = unit_and_range(name) else {
        let names: Vec<_> = lines().iter().map(|(name, _)| *name).collect();
        let advice = did_you_mean(nearest(name, &names));
        return Err(format!("--limit {name}: no such limit{advice}; chinwag --help-limits lists them"));
    };
    match unit.parse(value).and_then(|number| number.try_into().ok()) {
        None => Err(format!("--limit {name}: {value:?} is wrong; write {}", unit.example())),
        Some(number) if number < *range.start() => Err(format!("--limit {text}: give at least {}", range.start())),
        Some(number) if number > *range.end() => Err(format!("--limit {text}: give at most {}", range.end())),
        Some(number) => Ok((name, number)),
    }
}

/// The values that a limit can have. Its line in the help begins with its unit, and ends with `, at least 20 [100]`, with
/// `, from 1 to 60 [5]`, or only with its default.
fn unit_and_range(name: &str) -> Option<(Unit, RangeInclusive<usize>)> {
    let (_, line) = lines().into_iter().find(|(limit, _)| *limit == name)?;
    let words: Vec<_> = line.split_whitespace().collect();
    let (unit, most) = match words[..] {
        ["bytes", ..] => (Unit::Bytes, usize::MAX),
        ["seconds", ..] => (Unit::Seconds, YEAR),
        _ => (Unit::Things, usize::MAX),
    };
    let (least, most) = match words[..] {
        [.., "at", "least", least, _] => (least, most),
        [.., "from", least, "to", most, _] => (least, most.parse().ok()?),
        _ => ("0", most),
    };
    Some((unit, least.parse().ok()?..=most))
}

/// A text that is too long is refused, but a message that is too long closes its connection, and an outbox that is too small
/// that of a receiver. Returns how many characters fit into both, if the limit is larger. No limit is meant that way.
fn fitting_text(config: &Config, rules: &Rules) -> Option<usize> {
    let fits = |bound: usize, bytes| bound.saturating_sub(AROUND_TEXT) / bytes;
    // A character has up to 4 bytes, or 6 in JSON that escapes it, such as `\u003c`.
    let most = fits(config.max_message_size, 4).min(fits(config.max_send_buffer, 6));
    (most < rules.text_chars && rules.text_chars < usize::MAX).then_some(most)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn seconds(n: usize) -> Duration {
    Duration::from_secs(n as u64)
}

#[cfg(test)]
mod tests;
