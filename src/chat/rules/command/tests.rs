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
        ("ban \"42\"", "ban \"42\""),
        ("ban \"::x\"", "ban \"::x\""),
        ("ban 1.2.3.4x", "ban 1.2.3.4x"),
        ("ban dead.beef", "ban dead.beef"),
        ("ban ...", "ban ..."),
        ("ban 100%", "ban \"100%\""),
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
        ("ban \"Ann B", "A quotation mark is not closed."),
        ("close \"den", "A quotation mark is not closed."),
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

/// A mistake in an address must not ban a name, and nobody.
#[test]
fn mistaken_addresses_are_no_names() {
    for word in [
        "300.1.2.3",
        "10.0.0.0/33",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/",
        "127.0.0.1:5000",
        "1.2.3",
        "42",
        "*",
        "10.0.0.*",
        "10.0.0.1-9",
        "10.0.0.1,10.0.0.2",
        "::1/129",
        "2001:db8::1::2",
        "[::1]:80",
        "[::1",
        "fe80::1%eth0",
        "fe80::1%eth0/64",
        "[fe80::1%br-lan_1.2]:80",
    ] {
        for verb in ["ban", "mute"] {
            let error = Restriction::parse(&format!("{verb} {word} 5m"), NOW).expect_err(word);
            assert!(
                error.starts_with(&format!("Write: {verb} WHO [TIME]. WHO is a name, an address such as 10.0.0.1"))
            );
            assert!(error.contains("looks like an address is in quotation marks."), "{error}");
        }
        let name = Restriction::parse(&format!("ban \"{word}\""), NOW).expect(word);
        assert!(matches!(name.subject, Subject::Name(_)), "{word}");
        assert_eq!(Restriction::parse(&name.to_string(), NOW), Ok(name), "it is written as it is read");
    }
}

/// A name in a line of `who`, or of the file of restrictions, ends where it seems to end.
#[test]
fn shown_names_are_read_as_one_word() {
    for shown in [
        "1:%a\" / 6.6.6.6",
        "1:%a\"b",
        "1:%\"",
        "::1%\" \"",
        "\"1.2.3.4",
        "1.2.3.4\" 5",
        "1.2.3.4 5",
        "1:%a b",
        "%\"1:",
        "10.0.0.1",
        "fe80::1%eth0",
        "a\"\" b",
        "@1:",
        "ann",
    ] {
        let subject = Subject::Name(Name::new(shown, MAX_CHARS).expect(shown));
        let line = subject.to_string();
        let words = words(&line).expect(shown);
        assert!(words.len() == 1 && user(&words[0]) == Some(subject), "{line}: {words:?}");
        let inner = line.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(&line);
        assert_eq!(inner, shown.replace('"', "\"\""));
    }
}

/// Only the words that a command has are explained.
#[test]
fn explanations_are_about_the_command() {
    for (verb, expected) in [
        ("who", "Write: who."),
        ("notice", "Write: notice TEXT."),
        ("open", "Write: open ROOM. ROOM is a name, or / for the lobby."),
        ("close", "Write: close ROOM [TIME]. ROOM is a name, or / for the lobby. TIME is such as 30m, 2h or 7d."),
    ] {
        assert_eq!(explanation(verb), expected);
    }
    assert!(!explanation("kick").contains("TIME") && !explanation("kick").contains("ROOM"));
    assert!(explanation("slow").contains("SECONDS is at most 86400."));
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
