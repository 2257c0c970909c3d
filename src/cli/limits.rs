//! The bounds that `--limit NAME=VALUE` changes: one table of names, what they are, and where they go.
//!
//! Owns the names. The numbers' meaning and defaults are [`Config`]'s and [`Rules`]'.

use chinwag::{
    Config,
    chat::{Rate, Rules},
};
use std::time::Duration;

/// A bound's name, what it is, and how it is set.
type Row = (&'static str, &'static str, fn(&mut Bounds, usize));

/// All bounds, while they are being set.
struct Bounds {
    config: Config,
    rules: Rules,
    /// As it was said: a rate may come after it, or not at all.
    burst: Option<u32>,
}

const TABLE: &[Row] = &[
    ("connections", "connections in all; 0: any number [4096]", |bounds, n| bounds.config.connections = n),
    ("per-address", "connections from one address, but this machine's; 0: any [64]", |bounds, n| {
        bounds.config.connections_per_address = n;
    }),
    ("handshakes", "handshakes in progress; 0: any number [256]", |bounds, n| bounds.config.handshakes = n),
    ("handshake-seconds", "for a whole request head [10]", |bounds, n| {
        bounds.config.handshake_timeout = seconds(n.max(1))
    }),
    ("controls", "Pings and Pongs a second from one connection; 0: any number [50]", |bounds, n| {
        bounds.config.controls = n
    }),
    ("wrong-token-seconds", "between answers to wrong tokens of one address; 0: none [1]", |bounds, n| {
        bounds.config.wrong_token_pause = seconds(n);
    }),
    ("fields", "header fields of a request [100]", |bounds, n| bounds.config.fields = n),
    ("head", "bytes of a request head [8192]", |bounds, n| bounds.config.head = n),
    ("ping-seconds", "of silence before a Ping; 0: never [20]", |bounds, n| bounds.config.ping_after = seconds(n)),
    ("pong-seconds", "for the answer to a Ping; 0: any time [20]", |bounds, n| bounds.config.pong_within = seconds(n)),
    ("close-seconds", "for the answer to a Close [5]", |bounds, n| bounds.config.close_timeout = seconds(n)),
    ("message", "bytes of a message [65536]", |bounds, n| bounds.config.message = n),
    ("outbox", "bytes that wait for a client that does not read [262144]", |bounds, n| bounds.config.outbox = n),
    ("events", "messages that wait for the chat [1024]", |bounds, n| bounds.config.events = n.max(1)),
    ("name", "characters of a name, from 16 to 128 [32]", |bounds, n| {
        bounds.rules.name_chars = n.clamp(Rules::LEAST_NAME_CHARS, Rules::MOST_NAME_CHARS);
    }),
    ("text", "characters of a chat message [8000]", |bounds, n| bounds.rules.text_chars = n),
    ("rate", "messages, or KiB of them, a second from one connection; 0: any [10]", set_rate),
    ("burst", "messages at once from one connection [100]", |bounds, n| bounds.burst = Some(count(n.max(1)))),
    ("strikes", "refused messages in a row until the end; 0: never [100]", |bounds, n| {
        bounds.rules.strikes = (n > 0).then(|| count(n));
    }),
    ("rooms", "rooms at a time, empty ones with a history included [1000]", |bounds, n| {
        bounds.rules.rooms = n.max(1);
    }),
    ("room-users", "connections in one room; 0: any number [4096]", |bounds, n| {
        bounds.rules.room_users = (n > 0).then_some(n);
    }),
    ("room-messages", "messages of a room that are kept in memory [500]", |bounds, n| bounds.rules.room_messages = n),
    ("room-bytes", "bytes of a room's messages in memory [262144]", |bounds, n| bounds.rules.room_bytes = n),
    ("history", "bytes of all rooms' messages in memory [16777216]", |bounds, n| bounds.rules.history_bytes = n),
    ("replay", "bytes of history that one client is told at once [65536]", |bounds, n| bounds.rules.replay_bytes = n),
    ("replay-messages", "messages that are looked up for one client [100000]", |bounds, n| {
        bounds.rules.replay_messages = n;
    }),
    ("lists", "bytes of user lists a second for each client; 0: any number [4096]", |bounds, n| {
        bounds.rules.list_bytes = (n > 0).then(|| count(n));
    }),
];

/// Applies every `NAME=VALUE`, in whatever order; of those with one name, the last one counts.
///
/// # Errors
/// A sentence that says what is wrong with one.
pub(crate) fn apply(limits: &[String], config: Config, rules: Rules) -> Result<(Config, Rules), String> {
    let mut bounds = Bounds { config, rules, burst: None };
    for limit in limits {
        set(limit, &mut bounds)?;
    }
    match (bounds.burst, &mut bounds.rules.rate) {
        (Some(burst), Some(rate)) => rate.burst = burst,
        (Some(_), None) => return Err("--limit burst: without a rate there is none; give --limit rate, too".to_owned()),
        (None, _) => {}
    }
    // What is told at once must fit into what may wait, and leave room for what is said meanwhile.
    bounds.rules.replay_bytes = bounds.rules.replay_bytes.min(bounds.config.outbox / 2);
    Ok((bounds.config, bounds.rules))
}

fn set(text: &str, bounds: &mut Bounds) -> Result<(), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("--limit {text}: write NAME=VALUE"))?;
    let (_, _, set) = TABLE
        .iter()
        .find(|(known, ..)| *known == name)
        .ok_or_else(|| format!("--limit {name}: no such bound; chinwag --help-limits lists them"))?;
    let number = value.parse().map_err(|_| format!("--limit {name}: {value:?} is no whole number"))?;
    set(bounds, number);
    Ok(())
}

/// `--help-limits`.
pub(crate) fn help() -> String {
    let lines = TABLE.iter().map(|(name, what, _)| format!("  --limit {name:20} {what}\n"));
    format!("The bounds, with their defaults:\n{}", lines.collect::<String>())
}

fn set_rate(bounds: &mut Bounds, n: usize) {
    bounds.rules.rate = (n > 0).then(|| Rate::new(count(n), Rate::default().burst));
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn seconds(n: usize) -> Duration {
    Duration::from_secs(u64::from(count(n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_in_the_help_are_the_defaults() {
        for (name, what, _) in TABLE {
            let default = what.split(['[', ']']).nth(1).expect("a default in brackets");
            let limit = format!("{name}={default}");
            let (config, rules) = apply(&[limit], Config::default(), Rules::default()).expect("a bound");
            assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()), "{name}");
            assert_eq!(rules, Rules::default(), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in
            [("outbox", "NAME=VALUE"), ("outbux=1", "outbux"), ("outbox=big", "big"), ("outbox=-1", "-1")]
        {
            let error = apply(&[text.to_owned()], Config::default(), Rules::default()).expect_err(text);
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn history_fits_into_the_outbox() {
        for (limit, bytes) in [("outbox=1000", 500), ("replay=1000", 1000), ("replay=1000000", 131_072)] {
            let (_, rules) = apply(&[limit.to_owned()], Config::default(), Rules::default()).expect("a bound");
            assert_eq!(rules.replay_bytes, bytes, "{limit}");
        }
    }

    /// The rate and burst that these bounds make, or why they do not.
    fn rate(limits: &str, rules: Rules) -> Result<Option<(u32, u32)>, String> {
        let limits: Vec<String> = limits.split_whitespace().map(str::to_owned).collect();
        let rate = apply(&limits, Config::default(), rules)?.1.rate;
        Ok(rate.map(|rate| (rate.per_second, rate.burst)))
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
            let error = rate(limits, rules).expect_err("a burst of no rate");
            assert!(error.contains("burst"), "{error}");
        }
    }
}
