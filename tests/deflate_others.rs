//! Compression with other clients: Python `websockets` and Node's `ws`, in `tests/peers`.

mod support;

use std::process::Command;

use chinwag::{Config, Deflate, Server};
use support::script::{node_modules, printed, run};
use support::serving::Echo;
use support::{DEADLINE, python, skip};

#[test]
fn python_websockets() {
    let Some(python) = python(&["websockets.sync.client"]) else {
        return skip("no Python with websockets; name one with CHINWAG_PYTHON");
    };
    check(|| Command::new(&python), "deflate_client.py");
}

#[test]
fn node_ws() {
    let Some(modules) = node_modules() else { return skip("no Node with npm") };
    let node = || {
        let mut node = Command::new("node");
        node.env("NODE_PATH", &modules);
        node
    };
    check(node, "deflate_client.js");
}

/// With and without the client's context takeover.
fn check(program: impl Fn() -> Command, script: &str) {
    for bits in [None, Some(10), Some(15)] {
        let mut deflate = Deflate::default();
        deflate.context_bits = bits;
        let builder = Server::builder().config(Config::default()).deflate(deflate).listen("127.0.0.1:0");
        let echo = Echo::of(builder.expect("a free port").start().expect("enough threads and descriptors"));
        let mut command = program();
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers"));
        command.arg(script).arg(format!("ws://{}/", echo.addr));
        let said = printed(&run(command, DEADLINE));
        assert!(said.starts_with("permessage-deflate; server_no_context_takeover"), "{said}");
        assert_eq!(said.contains("client_no_context_takeover"), bits.is_none(), "{said}");
    }
}
