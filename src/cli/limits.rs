//! The bounds that `--limit NAME=VALUE` changes: one table of names, what they are, and where they go.
//!
//! Owns the names. The numbers' meaning and defaults are [`Config`]'s and [`Rules`]'.

use chinwag::{
    Config,
    chat::{Rate, Rules},
};
use std::time::Duration;

/// A bound's name, what it is, and how it is set.
type Row = (&'static str, &'static str, fn(&mut Config, &mut Rules, usize));

const TABLE: &[Row] = &[
    ("connections", "connections in all; 0: any number [4096]", |config, _, n| config.connections = n),
    ("per-address", "connections from one address, but this machine's; 0: any [64]", |config, _, n| {
        config.connections_per_address = n;
    }),
    ("handshakes", "handshakes in progress; 0: any number [256]", |config, _, n| config.handshakes = n),
    ("handshake-seconds", "for a whole request head [10]", |config, _, n| config.handshake_timeout = seconds(n.max(1))),
    ("controls", "Pings and Pongs a second from one connection; 0: any number [50]", |config, _, n| {
        config.controls = n
    }),
    ("wrong-token-seconds", "between answers to wrong tokens of one address; 0: none [1]", |config, _, n| {
        config.wrong_token_pause = seconds(n);
    }),
    ("fields", "header fields of a request [100]", |config, _, n| config.fields = n),
    ("head", "bytes of a request head [8192]", |config, _, n| config.head = n),
    ("ping-seconds", "of silence before a Ping; 0: never [20]", |config, _, n| config.ping_after = seconds(n)),
    ("pong-seconds", "for the answer to a Ping; 0: any time [20]", |config, _, n| config.pong_within = seconds(n)),
    ("close-seconds", "for the answer to a Close [5]", |config, _, n| config.close_timeout = seconds(n)),
    ("message", "bytes of a message [65536]", |config, _, n| config.message = n),
    ("outbox", "bytes that wait for a client that does not read [262144]", |config, _, n| config.outbox = n),
    ("events", "messages that wait for the chat [1024]", |config, _, n| config.events = n.max(1)),
    ("name", "characters of a name, from 16 to 128 [32]", |_, rules, n| {
        rules.name_chars = n.clamp(Rules::LEAST_NAME_CHARS, Rules::MOST_NAME_CHARS);
    }),
    ("text", "characters of a chat message [8000]", |_, rules, n| rules.text_chars = n),
    ("rate", "messages a second from one connection; 0: any number [10]", set_rate),
    ("burst", "messages at once from one connection [100]", set_burst),
    ("strikes", "refused messages in a row until the end; 0: never [100]", |_, rules, n| {
        rules.strikes = (n > 0).then(|| count(n));
    }),
    ("lists", "bytes of user lists a second for each client; 0: any number [4096]", |_, rules, n| {
        rules.list_bytes = (n > 0).then(|| count(n));
    }),
];

/// Applies one `NAME=VALUE`.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn apply(text: &str, config: &mut Config, rules: &mut Rules) -> Result<(), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("--limit {text}: write NAME=VALUE"))?;
    let (_, _, set) = TABLE
        .iter()
        .find(|(known, ..)| *known == name)
        .ok_or_else(|| format!("--limit {name}: no such bound; chinwag --help-limits lists them"))?;
    let number = value.parse().map_err(|_| format!("--limit {name}: {value:?} is no whole number"))?;
    set(config, rules, number);
    Ok(())
}

/// `--help-limits`.
pub(crate) fn help() -> String {
    let lines = TABLE.iter().map(|(name, what, _)| format!("  --limit {name:20} {what}\n"));
    format!("The bounds, with their defaults:\n{}", lines.collect::<String>())
}

fn set_rate(_: &mut Config, rules: &mut Rules, n: usize) {
    let burst = rules.rate.unwrap_or_default().burst;
    rules.rate = (n > 0).then(|| Rate { per_second: count(n), burst });
}

fn set_burst(_: &mut Config, rules: &mut Rules, n: usize) {
    if let Some(rate) = &mut rules.rate {
        rate.burst = count(n.max(1));
    }
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
            let (mut config, mut rules) = (Config::default(), Rules::default());
            apply(&format!("{name}={default}"), &mut config, &mut rules).expect("a bound");
            assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()), "{name}");
            assert_eq!(rules, Rules::default(), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in
            [("outbox", "NAME=VALUE"), ("outbux=1", "outbux"), ("outbox=big", "big"), ("outbox=-1", "-1")]
        {
            let error = apply(text, &mut Config::default(), &mut Rules::default()).expect_err(text);
            assert!(error.contains(word), "{error}");
        }
    }
}
