//! Limits that are accepted, and do not work well together: one warning each.

use chinwag::Config;
use chinwag::chat::rules::Rules;

/// The JSON around a text may need this many bytes: `{"type":"message","text":"","nonce":"…"}`.
const AROUND_TEXT: usize = 128;

/// JSON may need this many bytes for a character: `\u003c`.
const ESCAPED: usize = 6;

/// The warnings about these limits, of which some were given.
pub(super) fn warnings(config: &Config, rules: &Rules, is_given: impl Fn(&str) -> bool) -> Vec<String> {
    let (outbox, history, lines) = (config.max_send_buffer, rules.history_bytes, rules.history_lines);
    let (messages, bytes, replay) = (rules.room_messages, rules.room_bytes, rules.replay_bytes);
    let mut found = Vec::new();
    found.extend(text_exceeds_message(config, rules));
    found.extend(text_exceeds_outbox(config, rules));
    if is_given("replay") && replay > outbox / 2 {
        found.push(format!("--limit replay={replay}: only {} is used, half of outbox", outbox / 2));
    }
    if (is_given("room-bytes") || is_given("history")) && bytes > history {
        let most = format!("no room can have {bytes} bytes in memory, because all rooms have {history}");
        found.push(most + ": give --limit history");
    }
    if is_given("history-lines") && lines > messages {
        let most = format!("--history-lines {lines}: a room has at most {messages} messages in memory");
        found.push(format!("{most}: give --limit room-messages={lines}"));
    }
    if is_given("pong-seconds") && config.ping_interval.is_zero() {
        found.push("--limit pong-seconds has no effect, because ping-seconds=0 sends no Pings".to_owned());
    }
    found
}

/// The sender of a text that does not fit into a message would be disconnected, while a text that is too long is only
/// refused. A text without a limit is meant that way.
fn text_exceeds_message(config: &Config, rules: &Rules) -> Option<String> {
    let (text, message) = (rules.text_chars, config.max_message_size);
    let needed = text.saturating_mul(4).saturating_add(AROUND_TEXT);
    if needed <= message || text == usize::MAX {
        return None;
    }
    let fitting = message.saturating_sub(AROUND_TEXT) / 4;
    Some(format!(
        "a text of {text} characters may have {needed} bytes unescaped, but a message of more than {message} bytes \
         closes its connection (1009): give --limit message={needed} or text={fitting}"
    ))
}

/// As a private message, such a text would disconnect a receiver that is behind.
fn text_exceeds_outbox(config: &Config, rules: &Rules) -> Option<String> {
    let (text, outbox) = (rules.text_chars.min(config.max_message_size), config.max_send_buffer);
    let needed = text.saturating_mul(ESCAPED).saturating_add(AROUND_TEXT);
    if needed <= outbox {
        return None;
    }
    let fitting = outbox.saturating_sub(AROUND_TEXT) / ESCAPED;
    Some(format!(
        "a message of {text} characters may need {needed} bytes to be sent, but only {outbox} are buffered for a \
         client: give --limit outbox={needed} or text={fitting}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::limits::apply;

    /// The warnings for `--limit` with each of these.
    fn found(limits: &str, mut config: Config, mut rules: Rules) -> Vec<String> {
        let limits: Vec<_> = limits.split_whitespace().collect();
        let names = apply(&limits, &mut config, &mut rules).expect("limits");
        warnings(&config, &rules, |name| names.contains(&name))
    }

    #[test]
    fn limits_that_do_not_work_well_get_a_warning() {
        for (limits, part) in [
            ("", None),
            ("message=32128", None),
            ("message=32127", Some("--limit message=32128 or text=7999")),
            ("message=256 text=33", Some("text=32")),
            ("message=256 text=32", None),
            ("outbox=20000", Some("--limit outbox=48128 or text=3312")),
            ("outbox=48128", None),
            ("replay=1M", Some("--limit replay=1048576: only 131072 is used")),
            ("replay=128k", None),
            ("room-bytes=17M", Some("give --limit history")),
            ("history=100k", Some("give --limit history")),
            ("history=256k", None),
            ("ping-seconds=0", None),
            ("ping-seconds=0 pong-seconds=9", Some("no effect")),
        ] {
            let found = found(limits, Config::default(), Rules::default());
            assert_eq!(found.len(), usize::from(part.is_some()), "{limits}: {found:?}");
            assert!(found.iter().all(|warning| warning.contains(part.unwrap_or_default())), "{limits}: {found:?}");
        }
        assert_eq!(found("", Config::unlimited(), Rules::unlimited()), Vec::<String>::new());
    }

    #[test]
    fn more_lines_than_a_room_has_get_a_warning() {
        for (lines, messages, count) in [(50, 50, 0), (51, 50, 1), (0, 0, 0)] {
            let mut rules = Rules::default();
            (rules.history_lines, rules.room_messages) = (lines, messages);
            let found = warnings(&Config::default(), &rules, |name| name == "history-lines");
            assert_eq!(found.len(), count, "{lines} {messages}: {found:?}");
        }
    }
}
