//! The bounds that `--limit NAME=VALUE` changes: one table of names, what they are, and where they go.
//!
//! Owns the names, and from where to where each bound works: what cannot work is refused, what hardly can is warned of.
//! What the numbers mean, and their defaults, are [`Config`]'s and [`Rules`]'.

use chinwag::{
    Config,
    chat::rules::{Rate, Rules},
};
use log::warn;
use std::time::Duration;

/// A bound's name, the least and the most that it may be (no `RangeInclusive`, which makes 300 bytes more of it), what it is,
/// and how it is set.
type Row = (&'static str, (usize, usize), &'static str, fn(&mut Bounds, usize));

/// All bounds, while they are being set.
#[derive(Default)]
struct Bounds {
    config: Config,
    rules: Rules,
    /// As it was said: a rate may come after it, or not at all.
    burst: Option<u32>,
}

/// From the least that works on.
const fn at_least(least: usize) -> (usize, usize) {
    (least, usize::MAX)
}

/// A year is the longest that the server waits for anything.
const YEAR: usize = 365 * 24 * 60 * 60;

const NAME_CHARS: (usize, usize) = (Rules::LEAST_NAME_CHARS, Rules::MOST_NAME_CHARS);

/// What a text comes in may need so many bytes more: `{"type":"message","text":"","nonce":"…"}`.
const AROUND_TEXT: usize = 128;

/// Least `head` and `fields`: browsers send half of that head, and most of those fields. Least `message`: one that signs in.
const TABLE: &[Row] = &[
    ("connections", at_least(0), "connections in all; 0: any number [4096]", |bounds, n| {
        bounds.config.max_connections = n
    }),
    ("per-address", at_least(0), "connections from one address, but this machine's; 0: any [64]", |bounds, n| {
        bounds.config.max_connections_per_address = n;
    }),
    ("handshakes", at_least(0), "handshakes in progress; 0: any number [256]", |bounds, n| {
        bounds.config.max_handshakes = n
    }),
    ("handshake-seconds", (1, YEAR), "for a whole request head, at least 1 [10]", |bounds, n| {
        bounds.config.handshake_timeout = seconds(n);
    }),
    ("controls", at_least(0), "Pings and Pongs a second from one connection; 0: any number [50]", |bounds, n| {
        bounds.config.control_frames_per_second = n
    }),
    ("wrong-token-seconds", (0, YEAR), "between answers to wrong tokens of one address; 0: none [1]", |bounds, n| {
        bounds.config.wrong_token_delay = seconds(n);
    }),
    ("fields", at_least(20), "header fields of a request, at least 20 [100]", |bounds, n| {
        bounds.config.max_header_fields = n
    }),
    ("head", at_least(1024), "bytes of a request head, at least 1024 [8192]", |bounds, n| {
        bounds.config.max_head_size = n
    }),
    ("ping-seconds", (0, YEAR), "of silence before a Ping; 0: never [20]", |bounds, n| {
        bounds.config.ping_interval = seconds(n)
    }),
    ("pong-seconds", (0, YEAR), "for the answer to a Ping; 0: any time [20]", |bounds, n| {
        bounds.config.pong_timeout = seconds(n);
    }),
    ("close-seconds", (1, YEAR), "for the answer to a Close, at least 1 [5]", |bounds, n| {
        bounds.config.close_timeout = seconds(n);
    }),
    ("message", at_least(256), "bytes of a message, at least 256 [65536]", |bounds, n| {
        bounds.config.max_message_size = n
    }),
    ("outbox", at_least(1024), "bytes waiting for a client that does not read, at least 1024 [262144]", |bounds, n| {
        bounds.config.max_send_buffer = n;
    }),
    // There is room for all of them from the start.
    ("events", (1, 1_000_000), "messages that wait for the chat, from 1 to 1000000 [1024]", |bounds, n| {
        bounds.config.event_capacity = n
    }),
    ("name", NAME_CHARS, "characters of a name, from 16 to 128 [32]", |bounds, n| bounds.rules.name_chars = n),
    ("text", at_least(1), "characters of a chat message, at least 1 [8000]", |bounds, n| bounds.rules.text_chars = n),
    ("rate", at_least(0), "messages, or KiB of them, a second from one connection; 0: any [10]", set_rate),
    ("burst", at_least(2), "messages at once from one connection, at least 2 [100]", |bounds, n| {
        bounds.burst = Some(count(n))
    }),
    ("strikes", at_least(0), "refused messages in a row until the end; 0: never [100]", |bounds, n| {
        bounds.rules.strikes = (n > 0).then(|| count(n));
    }),
    ("rooms", at_least(1), "rooms at a time, empty ones with a history included, at least 1 [1000]", |bounds, n| {
        bounds.rules.rooms = n;
    }),
    ("room-users", at_least(0), "connections in one room; 0: any number [4096]", |bounds, n| {
        bounds.rules.room_users = (n > 0).then_some(n);
    }),
    ("room-messages", at_least(0), "messages of a room that are kept in memory [500]", |bounds, n| {
        bounds.rules.room_messages = n;
    }),
    ("room-bytes", at_least(0), "bytes of a room's messages in memory [262144]", |bounds, n| {
        bounds.rules.room_bytes = n
    }),
    ("history", at_least(0), "bytes of all rooms' messages in memory [16777216]", |bounds, n| {
        bounds.rules.history_bytes = n
    }),
    (
        "replay",
        at_least(0),
        "bytes of history told to one client at once, at most half of outbox [65536]",
        |bounds, n| {
            bounds.rules.replay_bytes = n;
        },
    ),
    ("replay-messages", at_least(0), "messages that are looked up for one client [100000]", |bounds, n| {
        bounds.rules.replay_messages = n;
    }),
    ("lists", at_least(0), "bytes of user lists a second for each client; 0: any number [4096]", |bounds, n| {
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
    if let Some(sentence) = too_tight(&bounds.config, &bounds.rules) {
        warn!("{sentence}");
    }
    // What is told at once must fit into what may wait, and leave room for what is said meanwhile.
    bounds.rules.replay_bytes = bounds.rules.replay_bytes.min(bounds.config.max_send_buffer / 2);
    Ok((bounds.config, bounds.rules))
}

fn set(text: &str, bounds: &mut Bounds) -> Result<(), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("--limit {text}: write NAME=VALUE"))?;
    let (_, (least, most), _, set) = TABLE
        .iter()
        .find(|(known, ..)| *known == name)
        .ok_or_else(|| format!("--limit {name}: no such bound; chinwag --help-limits lists them"))?;
    let number = value.parse().map_err(|_| format!("--limit {name}: {value:?} is no whole number"))?;
    if number < *least || number > *most {
        let (end, value) = if number < *least { ("least", least) } else { ("most", most) };
        return Err(format!("--limit {name}={number}: give at {end} {value}"));
    }
    set(bounds, number);
    Ok(())
}

/// What to say where a text that the rules allow may not fit into a message: whoever says one is put out, where a longer
/// one is refused politely. Without a bound on texts that is meant so.
fn too_tight(config: &Config, rules: &Rules) -> Option<String> {
    let (text, message) = (rules.text_chars, config.max_message_size);
    let needed = text.saturating_mul(4).saturating_add(AROUND_TEXT);
    (needed > message && text < usize::MAX).then(|| {
        let fitting = message.saturating_sub(AROUND_TEXT) / 4;
        format!(
            "a text of {text} characters may have {needed} bytes unescaped, and above {message} its connection is \
             closed (1009): give --limit message={needed} or text={fitting}"
        )
    })
}

/// `--help-limits`.
pub(crate) fn help() -> String {
    let lines = TABLE.iter().map(|(name, _, what, _)| format!("  --limit {name:20} {what}\n"));
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
        for (name, _, what, _) in TABLE {
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
    fn what_cannot_work_is_refused_with_what_can() {
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
                let error = apply(&[limit.to_owned()], config, rules).expect_err(limit);
                assert_eq!(error, format!("--limit {limit}: give {advice}"));
            }
        }
    }

    /// At both ends of its range, and nowhere else.
    #[test]
    fn each_bound_says_from_where_it_works() {
        for (name, (least, most), what, _) in TABLE {
            let accepts = |n: usize| set(&format!("{name}={n}"), &mut Bounds::default()).is_ok();
            assert!(accepts(*least) && accepts(*most), "{name}");
            assert!(most.checked_add(1).is_none_or(|more| !accepts(more)), "{name}");
            let Some(less) = least.checked_sub(1) else { continue };
            assert!(!accepts(less), "{name}");
            let said = [format!(" at least {least}"), format!(" from {least} to {most}")];
            assert!(said.iter().any(|words| what.contains(words)), "{name}: {what}");
        }
    }

    #[test]
    fn a_text_that_may_not_fit_is_noticed() {
        for (message, text, tight) in
            [(32_128, 8000, false), (32_127, 8000, true), (256, 32, false), (256, 33, true), (256, usize::MAX, false)]
        {
            let (mut config, mut rules) = (Config::default(), Rules::default());
            (config.max_message_size, rules.text_chars) = (message, text);
            assert_eq!(too_tight(&config, &rules).is_some(), tight, "{message} {text}");
        }
        assert_eq!(too_tight(&Config::default(), &Rules::default()), None);
        assert_eq!(too_tight(&Config::unlimited(), &Rules::unlimited()), None);
    }

    #[test]
    fn history_fits_into_the_outbox() {
        for (limit, bytes) in [("outbox=2000", 1000), ("replay=1000", 1000), ("replay=1000000", 131_072)] {
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
