//! The chat with an independent client: Python `websockets`, in the scripts of `tests/python`.
//!
//! Each script starts its own servers with `CHINWAG_BIN`.

mod support;

use std::process::Command;
use std::time::Duration;

use support::{python, run, skip};

#[test]
fn conversation() {
    pytest("test_conversation.py");
}

#[test]
fn text_dialect() {
    pytest("test_text.py");
}

#[test]
fn refusals() {
    pytest("test_refusals.py");
}

#[test]
fn closing() {
    pytest("test_closing.py");
}

#[test]
fn rooms() {
    pytest("test_rooms.py");
}

fn pytest(script: &str) {
    let Some(python) = python(&["pytest", "websockets.sync.client"]) else {
        return skip("no Python with pytest and websockets; set CHINWAG_PYTHON to one");
    };
    let mut command = Command::new(python);
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider", script]);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python"));
    command.env("CHINWAG_BIN", env!("CARGO_BIN_EXE_chinwag"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    run(command, Duration::from_secs(60));
}
