//! With each limit at the ends of its range, two clients can still chat, or the program says why not.

mod support;

use serde_json::json;
use support::binary::{command, start};
use support::{Client, DEADLINE, run};

/// The names and least and greatest values of the limits, from `--help-limits`.
fn limits() -> Vec<(String, [String; 2])> {
    let help = String::from_utf8(run(command(&["--help-limits"]), DEADLINE).stdout).expect("help is text");
    let lines = help.lines().filter_map(|line| line.trim().strip_prefix("--limit ")?.split_once(' '));
    lines
        .map(|(name, line)| {
            let most = if name.ends_with("-seconds") { "31536000" } else { "18446744073709551615" };
            let range = line.rsplit_once(", ").map_or("", |(_, range)| range);
            let ends = match range.split(' ').collect::<Vec<_>>()[..] {
                ["at", "least", least, _] => [least, most],
                ["from", least, "to", most, _] => [least, most],
                _ => ["0", most],
            };
            (name.to_owned(), ends.map(str::to_owned))
        })
        .collect()
}

#[test]
fn two_clients_chat_at_both_ends_of_each_limit() {
    for (name, ends) in limits() {
        for end in ends {
            let limit = format!("{name}={end}");
            println!("{limit}");
            let chinwag = start(command(&["--listen", "127.0.0.1:0", "--limit", &limit]));
            let mut ann = Client::enter(chinwag.addr(), "/");
            let mut bob = Client::enter(chinwag.addr(), "/");
            ann.sign_in("ann");
            bob.sign_in("bob");
            ann.say_json(&json!({"type": "message", "text": "x"}));
            assert_eq!(bob.wait_for("message")["text"], "x", "{limit}");
        }
    }
}
