//! The limits that `--limit NAME=VALUE` changes. `--help-limits` is their table, with their ranges.

use super::{arguments::Flags, flags::LIMITS};
use chinwag::Config;
use chinwag::chat::rules::{Rate, Rules};
use log::warn;
use std::{ops::RangeInclusive, time::Duration};

/// The longest time that the server waits for anything, in seconds.
const YEAR: usize = 365 * 24 * 60 * 60;

/// The JSON around a text may need this many bytes: `{"type":"message","text":"","nonce":"…"}`.
const AROUND_TEXT: usize = 128;

fn set(name: &str, n: usize, config: &mut Config, rules: &mut Rules) {
    match name {
        "connections" => config.max_connections = n,
        "per-address" => config.max_connections_per_address = n,
        "handshakes" => config.max_handshakes = n,
        "handshake-seconds" => config.handshake_timeout = seconds(n),
        "controls" => config.control_frames_per_second = n,
        "wrong-token-seconds" => config.wrong_token_delay = seconds(n),
        "fields" => config.max_header_fields = n,
        "head" => config.max_head_size = n,
        "ping-seconds" => config.ping_interval = seconds(n),
        "pong-seconds" => config.pong_timeout = seconds(n),
        "close-seconds" => config.close_timeout = seconds(n),
        "message" => config.max_message_size = n,
        "outbox" => config.max_send_buffer = n,
        "events" => config.event_capacity = n,
        "name" => rules.name_chars = n,
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
    let (config, rules) = match flags.has("no-limits") {
        true => (Config::unlimited(), Rules::unlimited()),
        false => (Config::default(), Rules::default()),
    };
    let (config, mut rules) = apply(&flags.list("limit")?, config, rules)?;
    if let Some(lines) = flags.number("history-lines", "a whole number, such as 50")? {
        rules.history_lines = lines;
    }
    Ok((config, rules))
}

fn apply(texts: &[&str], mut config: Config, mut rules: Rules) -> Result<(Config, Rules), String> {
    let mut limits = texts.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>()?;
    // The burst is a part of the rate, and a new rate has the default burst: the burst is set last.
    limits.sort_by_key(|(name, _)| name.ends_with("burst"));
    for &(name, number) in &limits {
        if name.ends_with("burst") && rate_of(name, &mut rules).is_none() {
            return Err(format!(
                "--limit {name} works only with a rate: add --limit {}",
                name.replace("burst", "rate")
            ));
        }
        set(name, number, &mut config, &mut rules);
    }
    let is_given = |kind| limits.iter().any(|(name, _)| name.starts_with(kind));
    if !is_given("address-") {
        rules.address_rate = shared_rate(rules.address_rate, rules.rate);
    }
    if !is_given("room-rate") && !is_given("room-burst") {
        rules.room_rate = shared_rate(rules.room_rate, rules.rate);
    }
    if let Some(warning) = text_exceeds_message(&config, &rules) {
        warn!("{warning}");
    }
    // History must fit into the send buffer, together with new messages.
    rules.replay_bytes = rules.replay_bytes.min(config.max_send_buffer / 2);
    Ok((config, rules))
}

fn parse(text: &str) -> Result<(&str, usize), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("--limit {text}: write NAME=VALUE"))?;
    let Some(range) = range(name) else {
        return Err(format!("--limit {name}: no such limit; chinwag --help-limits lists them"));
    };
    match value.parse() {
        Err(_) => Err(format!("--limit {name}: {value:?} is not a whole number")),
        Ok(number) if number < *range.start() => Err(format!("--limit {text}: give at least {}", range.start())),
        Ok(number) if number > *range.end() => Err(format!("--limit {text}: give at most {}", range.end())),
        Ok(number) => Ok((name, number)),
    }
}

/// The values that a limit can have: its line in the help ends with `, at least 20 [100]`, `, from 16 to 128 [32]`, or
/// only its default.
fn range(name: &str) -> Option<RangeInclusive<usize>> {
    let mut lines = LIMITS.lines().filter_map(|line| line.strip_prefix("  --limit ")?.split_once(' '));
    let (_, line) = lines.find(|(limit, _)| *limit == name)?;
    let (_, end) = line.rsplit_once(", ").unwrap_or_default();
    let most = if name.ends_with("-seconds") { YEAR } else { usize::MAX };
    Some(match end.split(' ').collect::<Vec<_>>()[..] {
        ["at", "least", least, _] => least.parse().ok()?..=most,
        ["from", least, "to", most, _] => least.parse().ok()?..=most.parse().ok()?,
        _ => 0..=most,
    })
}

/// A warning if an allowed text may not fit into a message: its sender would be disconnected, where a text that is too
/// long is only refused. A text without a limit is meant that way.
fn text_exceeds_message(config: &Config, rules: &Rules) -> Option<String> {
    let (text, message) = (rules.text_chars, config.max_message_size);
    let needed = text.saturating_mul(4).saturating_add(AROUND_TEXT);
    (needed > message && text < usize::MAX).then(|| {
        let fitting = message.saturating_sub(AROUND_TEXT) / 4;
        format!(
            "a text of {text} characters may have {needed} bytes unescaped, but a message of more than {message} bytes \
             closes its connection (1009): give --limit message={needed} or text={fitting}"
        )
    })
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

    /// The names and defaults in the help.
    fn limits() -> impl Iterator<Item = (&'static str, usize)> {
        let lines = LIMITS.lines().filter_map(|line| line.strip_prefix("  --limit ")?.split_once(' '));
        lines.map(|(name, line)| {
            let default = line.rsplit_once(" [").and_then(|(_, default)| default.strip_suffix(']')?.parse().ok());
            (name, default.expect("a default"))
        })
    }

    fn defaults(texts: &[&str]) -> Result<(Config, Rules), String> {
        apply(texts, Config::default(), Rules::default())
    }

    #[test]
    fn defaults_in_the_help_are_the_defaults() {
        assert_eq!(limits().count(), 32);
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
        for (text, part) in
            [("outbox", "NAME=VALUE"), ("outbux=1", "outbux"), ("outbox=big", "big"), ("outbox=-1", "-1")]
        {
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
            ("name=5", "at least 16"),
            ("name=129", "at most 128"),
            ("outbox=0", "at least 1024"),
            ("close-seconds=0", "at least 1"),
            ("close-seconds=31536001", "at most 31536000"),
            ("events=1000001", "at most 1000000"),
        ] {
            for (config, rules) in [(Config::default(), Rules::default()), (Config::unlimited(), Rules::unlimited())] {
                let error = apply(&[limit], config, rules).expect_err(limit);
                assert_eq!(error, format!("--limit {limit}: give {advice}"));
            }
        }
    }

    #[test]
    fn both_ends_of_a_range_are_accepted() {
        assert_eq!(range("name"), Some(Rules::MIN_NAME_CHARS..=Rules::MAX_NAME_CHARS));
        for (name, _) in limits() {
            let (least, most) = range(name).expect("a limit").into_inner();
            let accepts = |n: usize| parse(&format!("{name}={n}")).is_ok();
            assert!(accepts(least) && accepts(most), "{name}");
            assert!(most.checked_add(1).is_none_or(|more| !accepts(more)), "{name}");
            assert!(least.checked_sub(1).is_none_or(|less| !accepts(less)), "{name}");
        }
    }

    #[test]
    fn a_text_that_may_not_fit_is_noticed() {
        for (message, text, expected) in
            [(32_128, 8000, false), (32_127, 8000, true), (256, 32, false), (256, 33, true), (256, usize::MAX, false)]
        {
            let (mut config, mut rules) = (Config::default(), Rules::default());
            (config.max_message_size, rules.text_chars) = (message, text);
            assert_eq!(text_exceeds_message(&config, &rules).is_some(), expected, "{message} {text}");
        }
        assert_eq!(text_exceeds_message(&Config::default(), &Rules::default()), None);
        assert_eq!(text_exceeds_message(&Config::unlimited(), &Rules::unlimited()), None);
    }

    #[test]
    fn history_fits_into_the_send_buffer() {
        for (limit, bytes) in [("outbox=2000", 1000), ("replay=1000", 1000), ("replay=1000000", 131_072)] {
            let (_, rules) = defaults(&[limit]).expect("a limit");
            assert_eq!(rules.replay_bytes, bytes, "{limit}");
        }
    }

    /// The rate and burst that these limits make.
    fn rate(limits: &str, rules: Rules) -> Result<Option<(u32, u32)>, String> {
        let limits: Vec<_> = limits.split_whitespace().collect();
        let rate = apply(&limits, Config::default(), rules)?.1.rate;
        Ok(rate.map(|rate| (rate.per_second, rate.burst)))
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
