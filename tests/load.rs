//! The load generator, examples/load, against the binary: what it counts, what it says, how it ends.

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use support::script::{printed, run_to_end};
use support::{DEADLINE, start_binary};

/// Its own unit tests run here: `cargo test` builds examples, but does not test them.
#[path = "../examples/load/tally.rs"]
#[allow(dead_code)]
mod tally;

/// Far more than a second of load takes, on a machine that has other things to do.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn load_reports_that_all_messages_arrived() {
    let chinwag = start_binary(&["--no-limits", "-q"]);
    let output = load(&[&url(&chinwag), "--clients", "20", "--rate", "100", "--secs", "2", "--senders", "7"], LONG);
    let said = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in [
        "20 clients are connected",
        "   1 s  sent",
        "sent     200 messages of 200",
        "heard    4000 times",
        "p99",
        "lost 0, doubled 0, out of order 0, at 0 clients",
    ] {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
}

#[test]
fn limit_of_the_server_is_reported() {
    let cases: &[(&[&str], &[&str], &str)] = &[
        (&["--limit", "burst=3", "--limit", "rate=1"], &["--senders", "1", "--rate", "100"], "--limit rate=0"),
        (&["--limit", "connections=4"], &[], "--limit connections=N"),
        (&["--limit", "text=40"], &[], "--limit text=N"),
        (&["--limit", "message=256"], &["--text", "300"], "--limit message=N"),
    ];
    for (limits, flags, hint) in cases {
        let chinwag = start_binary(&[limits, &["-q"][..]].concat());
        let output = load(&[&[&*url(&chinwag), "--clients", "6", "--secs", "2"], *flags].concat(), LONG);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{limits:?}: {}", printed(&output));
        assert!(said.contains(hint) && said.contains("--no-limits") | said.contains("--text"), "{limits:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        // What was refused is not lost.
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
fn wrong_flag_prints_one_line_and_exits_with_2() {
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
        let said = printed(&output);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {said}");
        assert!(said.contains(part) && said.lines().count() == 1, "{flags:?}: {said}");
    }
}

fn url(chinwag: &support::Chinwag) -> String {
    format!("ws://{}/", chinwag.addr())
}

#[track_caller]
fn load(args: &[&str], deadline: Duration) -> Output {
    let mut command = Command::new(example());
    command.args(args);
    run_to_end(command, deadline)
}

/// Cargo says where binaries are, not where examples are: `target/debug/examples`, beside `deps`, where this test is.
fn example() -> PathBuf {
    let test = std::env::current_exe().expect("this program is a file");
    let folder = test.ancestors().nth(2).expect("it lies in target/debug/deps");
    let example = folder.join("examples/load");
    assert!(example.exists(), "{} is not there: cargo build --example load", example.display());
    example
}
