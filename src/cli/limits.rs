//! The limits that `--limit NAME=VALUE` changes. `--help-limits` is their table, with their ranges.

mod warnings;

use super::{amount::Unit, arguments::Flags, flags::LIMITS, suggest::did_you_mean};
use chinwag::Config;
use chinwag::chat::rules::{Rate, Rules};
use log::warn;
use std::{ops::RangeInclusive, time::Duration};
use warnings::warnings;

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
        "rate" | "address-rate" | "room-rate" => {
            let default = rate_of(name, &mut Rules::default()).filter(|_| n > 0);
            *rate_of(name, rules) = default.map(|rate| Rate { per_second: count(n), ..rate });
        }
        "burst" | "address-burst" | "room-burst" => {
            rate_of(name, rules).iter_mut().for_each(|rate| rate.burst = count(n));
        }
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

/// The rate that a limit belongs to.
fn rate_of<'a>(name: &str, rules: &'a mut Rules) -> &'a mut Option<Rate> {
    match name.split_once('-') {
        Some(("address", _)) => &mut rules.address_rate,
        Some(("room", _)) => &mut rules.room_rate,
        _ => &mut rules.rate,
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
    for warning in warnings(&config, &rules) {
        warn!("{warning}");
    }
    // History must fit into the send buffer, together with new messages.
    rules.replay_bytes = rules.replay_bytes.min(config.max_send_buffer / 2);
    Ok((config, rules))
}

fn apply(texts: &[&str], config: &mut Config, rules: &mut Rules) -> Result<(), String> {
    let mut limits = texts.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>()?;
    // The burst is a part of the rate, and a new rate has the default burst: the burst is set last.
    limits.sort_by_key(|(name, _)| name.ends_with("burst"));
    for (name, number) in &limits {
        if name.ends_with("burst") && rate_of(name, rules).is_none() {
            let rate = name.replace("burst", "rate");
            return Err(format!("--limit {name} works only with a rate: add --limit {rate}"));
        }
        set(name, *number, config, rules);
    }
    let is_given = |names: [&str; 2]| limits.iter().any(|(name, _)| names.contains(name));
    if !is_given(["address-rate", "address-burst"]) {
        rules.address_rate = shared_rate(rules.address_rate, rules.rate);
    }
    if !is_given(["room-rate", "room-burst"]) {
        rules.room_rate = shared_rate(rules.room_rate, rules.rate);
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
        let advice = did_you_mean(name, &lines().iter().map(|(name, _)| *name).collect::<Vec<_>>());
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

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn seconds(n: usize) -> Duration {
    Duration::from_secs(n as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags::Subcommand;

    /// The names and defaults in the help.
    fn limits() -> impl Iterator<Item = (&'static str, usize)> {
        lines().into_iter().map(|(name, line)| {
            let default = line.rsplit_once(" [").and_then(|(_, default)| default.strip_suffix(']')?.parse().ok());
            (name, default.expect("a default"))
        })
    }

    fn defaults(texts: &[&str]) -> Result<(Config, Rules), String> {
        let (mut config, mut rules) = (Config::default(), Rules::default());
        apply(texts, &mut config, &mut rules)?;
        Ok((config, rules))
    }

    #[test]
    fn defaults_in_the_help_are_the_defaults() {
        assert_eq!(limits().count(), 31);
        for (name, default) in limits() {
            let (config, rules) = defaults(&[&format!("{name}={default}")]).expect("a limit");
            assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()), "{name}");
            assert_eq!(rules, Rules::default(), "{name}");
        }
    }

    #[test]
    fn every_limit_changes_something() {
        for (name, default) in limits() {
            let (config, rules) = defaults(&[&format!("{name}={}", default - 1)]).expect("a limit");
            let defaults = (format!("{:?}", Config::default()), Rules::default());
            assert_ne!((format!("{config:?}"), rules), defaults, "{name}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("outbox", "NAME=VALUE"),
            ("outbux=1", "(did you mean outbox?)"),
            ("outbox=big", "big"),
            ("outbox=-1", "-1"),
        ] {
            let error = defaults(&[text]).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn impossible_values_are_refused_with_a_possible_one() {
        for (limit, advice) in [
            ("message=0", "at least 256"),
            ("message=255", "at least 256"),
            ("head=1", "at least 1024"),
            ("fields=0", "at least 20"),
            ("outbox=0", "at least 1024"),
            ("close-seconds=0", "at least 1"),
            ("close-seconds=61", "at most 60"),
            ("ping-seconds=31536001", "at most 31536000"),
            ("events=1000001", "at most 1000000"),
        ] {
            for (mut config, mut rules) in
                [(Config::default(), Rules::default()), (Config::unlimited(), Rules::unlimited())]
            {
                let error = apply(&[limit], &mut config, &mut rules).expect_err(limit);
                assert_eq!(error, format!("--limit {limit}: give {advice}"));
            }
        }
    }

    fn range(name: &str) -> RangeInclusive<usize> {
        unit_and_range(name).expect("a limit").1
    }

    #[test]
    fn suffixes_fit_the_limit() {
        for (limit, number) in [("outbox=64k", 65_536), ("message=1MiB", 1 << 20), ("ping-seconds=2m", 120)] {
            assert_eq!(parse(limit).map(|(_, found)| found), Ok(number), "{limit}");
        }
        for (limit, example) in [("connections=1k", "100"), ("outbox=1h", "64k"), ("ping-seconds=1k", "5m")] {
            assert!(parse(limit).is_err_and(|error| error.contains(example)), "{limit}");
        }
    }

    #[test]
    fn both_ends_of_a_range_are_accepted() {
        assert_eq!(range("close-seconds"), 1..=60);
        for (name, _) in limits() {
            let (least, most) = range(name).into_inner();
            let accepts = |n: usize| parse(&format!("{name}={n}")).is_ok();
            assert!(accepts(least) && accepts(most), "{name}");
            assert!(most.checked_add(1).is_none_or(|more| !accepts(more)), "{name}");
            assert!(least.checked_sub(1).is_none_or(|less| !accepts(less)), "{name}");
        }
    }

    #[test]
    fn history_fits_into_the_send_buffer() {
        for (limit, bytes) in [("outbox=2000", 1000), ("replay=1000", 1000), ("replay=1000000", 131_072)] {
            let flags = Flags::of(Subcommand::Serve, &["--limit", limit]);
            assert_eq!(configure(&flags).map(|(_, rules)| rules.replay_bytes), Ok(bytes), "{limit}");
        }
    }

    /// The rate and burst that these limits make.
    fn rate(limits: &str, mut rules: Rules) -> Result<Option<(u32, u32)>, String> {
        let limits: Vec<_> = limits.split_whitespace().collect();
        apply(&limits, &mut Config::default(), &mut rules)?;
        Ok(rules.rate.map(|rate| (rate.per_second, rate.burst)))
    }

    /// A connection alone may use its own rate, unless the rate of its address or its room is given.
    #[test]
    fn rates_of_addresses_and_rooms_are_at_least_the_rate_of_a_connection() {
        let rates = |limits: &str| {
            let limits: Vec<_> = limits.split_whitespace().collect();
            let rules = defaults(&limits).expect("limits").1;
            [rules.address_rate, rules.room_rate].map(|rate| rate.map(|rate| (rate.per_second, rate.burst)))
        };
        for (limits, expected) in [
            ("rate=99 burst=999", [Some((100, 1000)), Some((500, 2000))]),
            ("rate=200", [Some((200, 1000)), Some((500, 2000))]),
            ("burst=3000 rate=600", [Some((600, 3000)), Some((600, 3000))]),
            ("rate=0", [None, None]),
            ("rate=0 address-rate=7", [Some((7, 1000)), None]),
            ("room-burst=7 rate=0", [None, Some((500, 7))]),
            ("rate=900 room-rate=8 address-burst=9", [Some((100, 9)), Some((8, 2000))]),
            ("address-rate=0 room-rate=0", [None, None]),
        ] {
            assert_eq!(rates(limits), expected, "{limits}");
        }
        let error = defaults(&["address-rate=0", "address-burst=5"]).expect_err("a burst without a rate");
        assert_eq!(error, "--limit address-burst works only with a rate: add --limit address-rate");
    }

    #[test]
    fn rate_and_burst_come_in_any_order() {
        for (limits, expected) in [
            ("rate=3", Some((3, 100))),
            ("burst=5", Some((10, 5))),
            ("rate=3 burst=5", Some((3, 5))),
            ("burst=5 rate=3", Some((3, 5))),
            ("rate=0 burst=5 rate=3", Some((3, 5))),
            ("burst=5 rate=0 rate=3 burst=6", Some((3, 6))),
            ("rate=0", None),
        ] {
            assert_eq!(rate(limits, Rules::default()), Ok(expected), "{limits}");
        }
        assert_eq!(rate("burst=5 rate=3", Rules::unlimited()), Ok(Some((3, 5))));
        for (limits, rules) in [("burst=5", Rules::unlimited()), ("rate=0 burst=5", Rules::default())] {
            let error = rate(limits, rules).expect_err("a burst without a rate");
            assert!(error.contains("burst"), "{error}");
        }
    }
}
