use super::*;

const NOW: Millis = 1_000_500;

#[test]
fn lines_are_restrictions() {
    for (line, expected) in [
        ("ban ann", "ban ann"),
        ("ban @ann", "ban ann"),
        (" ban  \"Ann B\" ", "ban \"Ann B\""),
        ("ban \"say \"\"hi\"\"\"", "ban \"say \"\"hi\"\"\""),
        ("ban 10.1.2.3", "ban 10.1.2.3"),
        ("ban \"10.1.2.3\"", "ban \"10.1.2.3\""),
        ("ban 10.1.2.3/8", "ban 10.0.0.0/8"),
        ("ban [fd00::1]/8 2h", "ban fd00::/8 until 1970-01-01T02:16:41Z"),
        ("ban ::ffff:10.1.2.3", "ban 10.1.2.3"),
        ("ban \u{bbfc}\u{c218} 90s", "ban \u{bbfc}\u{c218} until 1970-01-01T00:18:11Z"),
        ("mute ann 7d", "mute ann until 1970-01-08T00:16:41Z"),
        ("mute ann until 2026-12-01T10:00:00Z", "mute ann until 2026-12-01T10:00:00Z"),
        ("slow / 30", "slow / 30"),
        ("slow kitchen 30 1h", "slow kitchen 30 until 1970-01-01T01:16:41Z"),
        ("close /room/The%20Kitchen", "close \"The Kitchen\""),
        ("close \"/\"", "close \"/\""),
        ("close /", "close /"),
    ] {
        let shown = Restriction::parse(line, NOW).map(|restriction| restriction.to_string());
        assert_eq!(shown.as_deref(), Ok(expected), "{line}");
    }
}

#[test]
fn wrong_lines_get_a_sentence() {
    for (line, part) in [
        ("", "There is no command \"\""),
        ("bna ann", "There is no command bna. The commands are: who; rooms;"),
        ("ban", "Write: ban WHO [TIME]. WHO is"),
        ("ban Ann B", "Write: ban WHO"),
        ("ban \u{202e}", "Write: ban WHO"),
        ("ban ann 5", "such as 30m"),
        ("ban ann 5y", "such as 30m"),
        ("ban ann 5\u{e9}", "such as 30m"),
        ("ban ann m", "such as 30m"),
        ("ban ann -5m", "such as 30m"),
        ("ban ann 99999999999999999999m", "such as 30m"),
        ("ban ann 999999999999m", "such as 30m"),
        ("ban ann until 2026-13-01T10:00:00Z", "such as 30m"),
        ("ban ann until 2026-12-01", "such as 30m"),
        ("ban ann until 18446744073709551615-12-01T10:00:00Z", "such as 30m"),
        ("ban ann until 60000-12-01T10:00:00Z", "such as 30m"),
        ("ban ann 5m 5m", "such as 30m"),
        ("slow kitchen", "Write: slow ROOM SECONDS"),
        ("slow kitchen x", "Write: slow ROOM SECONDS"),
        ("slow / 86401", "Write: slow ROOM SECONDS"),
        ("close /den", "Write: close ROOM"),
        ("kick ann", "Write: kick WHO"),
        ("\u{1b}[2J x", "There is no command"),
    ] {
        let error = Restriction::parse(line, NOW).expect_err(line);
        assert!(error.contains(part) && !error.contains(char::is_control), "{line}: {error}");
    }
}

/// The file of restrictions has what `Display` writes.
#[test]
fn restrictions_are_read_as_they_are_written() {
    for line in [
        "ban 10.0.0.0/8",
        "ban ::1 until 2026-12-01T10:00:00Z",
        "ban \"10.0.0.1\"",
        "ban \"a \"\"b\"\" c\"",
        "mute \"@ann\"",
        "mute \u{bbfc}\u{c218}",
        "close /",
        "close \"/x\" until 9999-12-31T23:59:59Z",
        "slow \"until\" 5",
    ] {
        let restriction = Restriction::parse(line, NOW).expect(line);
        let written = restriction.to_string();
        assert_eq!(Restriction::parse(&written, NOW + 1), Ok(restriction), "{line}: {written}");
    }
    for line in ["who", "unban ann", "ban", "x"] {
        assert!(Restriction::parse(line, NOW).is_err(), "{line}");
    }
}

#[test]
fn subjects_are_compared_as_names_are() {
    for (one, other, expected) in [
        ("ban ann", "ban Ann", true),
        ("ban ann", "mute ann", false),
        ("ban ann", "ban ann1", false),
        ("ban ann 5m", "ban ann", true),
        ("ban 10.0.0.0/8", "ban 10.9.9.9/8", true),
        ("ban 10.0.0.0/8", "ban 10.0.0.0", false),
        ("slow den 5", "slow Den 9", true),
        ("close den", "slow den 9", false),
    ] {
        let [one, other] = [one, other].map(|line| Restriction::parse(line, NOW).expect(line));
        assert_eq!(one.is_like(&other), expected, "{one} {other}");
    }
}
