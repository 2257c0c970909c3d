//! An environment variable that is not one of a flag is refused, as an unknown flag is.

mod support;

use support::DEADLINE;
use support::binary::{command, start};
use support::script::{printed, run_to_end};

#[test]
fn misspelt_variable_is_one_line_and_status_2() {
    for (name, value, part) in [
        ("CHINWAG_TOKENFILE", "/etc/token", "CHINWAG_TOKEN_FILE"),
        ("chinwag_listen", "127.0.0.1:0", "CHINWAG_LISTEN"),
        ("CHINWAG_PORT", "8080", "CHINWAG_LISTEN=ADDR:PORT"),
        ("CHINWAG_LIMIT", "outbox=big", "--limit outbox"),
        ("CHINWAG_HISTORY_LINES", "lots", "--history-lines"),
    ] {
        let mut command = command(&["--listen", "127.0.0.1:0"]);
        command.env(name, value);
        let output = run_to_end(command, DEADLINE);
        let line = printed(&output);
        assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{name}: {line}");
        assert!(line.contains(part), "{name}: {line}");
    }
}

#[test]
fn variables_of_others_are_ignored() {
    let mut command = command(&["--listen", "127.0.0.1:0"]);
    command.env("CHINWAG_NAME", "of the terminal client").env("CHINWAG_PYTHON", "/usr/bin/python3");
    command.env("CHINWAG_PORT", "tcp://10.0.0.1:6502").env("CHINWAG_SERVICE_HOST", "10.0.0.1");
    command.env("CHINWAG_UNSET", "");
    start(command);
}
