//! The load generator (examples/load) against the binary: its counts, output and exit status.

mod support;

use std::process::{Command, Output};
use std::time::Duration;

use support::example::path;
use support::script::{printed, run_to_end};
use support::{DEADLINE, start_binary};

/// Its unit tests run here, because `cargo test` does not run tests of examples.
#[path = "../examples/load/counts.rs"]
#[allow(dead_code)]
mod counts;

/// Long enough for a second of load on a busy machine.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn complete_run_reports_no_faults() {
    let chinwag = start_binary(&["--no-limits", "-q"]);
    let output = load(&[&url(&chinwag), "--clients", "20", "--rate", "100", "--secs", "2", "--senders", "7"], LONG);
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "20 clients are connected",
        "   1 s  sent",
        "sent     200 messages of 200",
        "received 4000 times",
        "p99",
        "lost 0, doubled 0, out of order 0, at 0 clients",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn bound_of_the_server_stops_the_run_and_is_named() {
    let cases: &[(&[&str], &[&str], &str)] = &[
        (&["--limit", "burst=3", "--limit", "rate=1"], &["--senders", "1", "--rate", "100"], "--limit rate=0"),
        (&["--limit", "connections=4"], &[], "--limit connections=N"),
        (&["--limit", "text=40"], &[], "--limit text=N"),
        (&["--limit", "message=256"], &["--text", "300"], "--limit message=N"),
    ];
    for (limits, flags, hint) in cases {
        let chinwag = start_binary(&[limits, &["-q"][..]].concat());
        let output = load(&[&[&*url(&chinwag), "--clients", "6", "--secs", "2"], *flags].concat(), LONG);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{limits:?}: {}", printed(&output));
        assert!(text.contains(hint) && text.contains("--no-limits") | text.contains("--text"), "{limits:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        // A refused message is not lost.
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(!report.contains("lost "), "{limits:?}: {report}");
    }
}

#[test]
fn missing_server_is_reported() {
    let output = load(&["ws://127.0.0.42:9/", "--clients", "1"], DEADLINE);
    assert_eq!(output.status.code(), Some(1));
    assert!(printed(&output).contains("is a chinwag listening at 127.0.0.42:9?"), "{}", printed(&output));
}

#[test]
fn wrong_flag_is_reported_in_one_line_with_status_2() {
    let cases: &[(&[&str], &str)] = &[
        (&["--no-such-flag"], "--no-such-flag"),
        (&["--clients"], "--clients"),
        (&["--clients", "0"], "--clients 0"),
        (&["--rate", "fast"], "--rate fast"),
        (&["--rate=-1"], "--rate -1"),
        (&["--secs", "2000000"], "--secs 2000000"),
        (&["--clients", "2", "--senders", "3"], "--senders 3"),
        (&["--text", "31"], "--text 31"),
        (&["nonsense"], "nonsense"),
        (&["wss://127.0.0.1:6502/"], "no TLS"),
    ];
    for (flags, part) in cases {
        let output = load(flags, DEADLINE);
        let text = printed(&output);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {text}");
        assert!(text.contains(part) && text.lines().count() == 1, "{flags:?}: {text}");
    }
}

fn url(chinwag: &support::Chinwag) -> String {
    format!("ws://{}/", chinwag.addr())
}

#[track_caller]
fn load(args: &[&str], deadline: Duration) -> Output {
    let mut command = Command::new(path("load"));
    command.args(args);
    run_to_end(command, deadline)
}
