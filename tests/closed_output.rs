//! A closed or full stdout or stderr never makes a command panic: its status stays 0, 1 or 2.

#![cfg(unix)]

mod support;

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use support::binary::command;
use support::script::signal;
use support::{DEADLINE, wait_until};

/// The command with a stdout, a stderr or both that cannot be written to.
fn broken(args: &[&str]) -> Vec<(String, Command)> {
    let mut commands = Vec::new();
    for (stdout, stderr) in [(true, false), (false, true), (true, true)] {
        let name = |how: &str| format!("{args:?}, {how}: stdout {stdout}, stderr {stderr}");
        for (how, output) in [("disk full", full as fn() -> Stdio), ("no reader", without_reader)] {
            let mut command = command(args);
            command.stdout(if stdout { output() } else { Stdio::null() });
            command.stderr(if stderr { output() } else { Stdio::null() });
            commands.push((name(how), command));
        }
        let redirections = format!("{}{}", if stdout { " >&-" } else { "" }, if stderr { " 2>&-" } else { "" });
        commands.push((name("closed"), in_shell(&command(args), &redirections)));
    }
    for (_, command) in &mut commands {
        command.env("RUST_LOG", "a=b=c").stdin(Stdio::null());
    }
    commands
}

fn full() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux has it").into()
}

fn without_reader() -> Stdio {
    OwnedFd::from(UnixStream::pair().expect("two sockets").0).into()
}

fn in_shell(plain: &Command, redirections: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("exec \"$0\" \"$@\"{redirections}")).arg(plain.get_program()).args(plain.get_args());
    for (name, _) in plain.get_envs() {
        shell.env_remove(name);
    }
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    shell
}

#[track_caller]
fn status(name: &str, mut child: Child) -> Option<i32> {
    let mut status = None;
    wait_until(DEADLINE, name, || {
        status = child.try_wait().expect("a child that was not waited for");
        status.is_some()
    });
    status.and_then(|status| status.code())
}

#[test]
fn status_of_a_command_is_0_1_or_2() {
    let no_server = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let url = format!("ws://{no_server}/");
    for args in [
        &["--help"][..],
        &["--help-limits"],
        &["--version"],
        &["--no-such-flag"],
        &["--listen", "nonsense"],
        &["--limit", "text=100000", "--listen", "nonsense"],
        &["history", "/no/such/file", "--export"],
        &["history", "/no/such/file", "--import"],
        &["chat", "--help"],
        &["chat", &url, "--retry", "0"],
    ] {
        for (name, mut command) in broken(args) {
            let code = status(&name, command.spawn().expect("cargo has built the binary"));
            assert!(code.is_some_and(|code| (0..=2).contains(&code)), "{name}: {code:?}");
        }
    }
}

#[test]
fn server_runs_and_ends_with_0() {
    let addr = TcpListener::bind("127.0.0.44:0").expect("a free port").local_addr().expect("an address");
    for (name, mut command) in broken(&["--listen", &addr.to_string(), "-vv"]) {
        let child = command.spawn().expect("cargo has built the binary");
        wait_until(DEADLINE, &name, || TcpStream::connect(addr).is_ok());
        signal("TERM", &child.id().to_string());
        assert_eq!(status(&name, child), Some(0), "{name}");
    }
}
