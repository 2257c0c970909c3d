//! Limits that are accepted, and with which long texts close connections: one warning each.

use chinwag::Config;
use chinwag::chat::rules::Rules;

/// The JSON around a text may need this many bytes: `{"type":"message","text":"","nonce":"…"}`.
const AROUND_TEXT: usize = 128;

/// JSON may need this many bytes for a character: `\u003c`.
const ESCAPED: usize = 6;

pub(super) fn warnings(config: &Config, rules: &Rules) -> impl Iterator<Item = String> {
    [text_exceeds_message(config, rules), text_exceeds_outbox(config, rules)].into_iter().flatten()
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
        apply(&limits, &mut config, &mut rules).expect("limits");
        warnings(&config, &rules).collect()
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
        ] {
            let found = found(limits, Config::default(), Rules::default());
            assert_eq!(found.len(), usize::from(part.is_some()), "{limits}: {found:?}");
            assert!(found.iter().all(|warning| warning.contains(part.unwrap_or_default())), "{limits}: {found:?}");
        }
        assert_eq!(found("", Config::unlimited(), Rules::unlimited()), Vec::<String>::new());
    }
}
