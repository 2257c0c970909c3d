//! The binary `chinwag` as a child process.

use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::script::{lines, signal};
use super::{DEADLINE, wait_until};

/// A running `chinwag`. Dropping this kills it.
#[derive(Debug)]
pub struct Chinwag {
    child: Child,
    addr: SocketAddr,
    greeting: String,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

/// Starts `chinwag` with `--listen 127.0.0.1:0` and `args`, and waits for its first line, which has the address.
#[track_caller]
pub fn start_binary(args: &[&str]) -> Chinwag {
    let mut command = command(&["--listen", "127.0.0.1:0"]);
    command.args(args);
    start(command)
}

/// A command that runs `chinwag` with `args`, without the caller's `CHINWAG_…` and `RUST_LOG` variables.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chinwag"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHINWAG_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG").args(args).stdin(Stdio::null());
    command
}

/// Starts a command and waits for its first line, which has the address.
#[track_caller]
pub fn start(command: Command) -> Chinwag {
    start_with_stderr(command, Stdio::piped())
}

/// Like [`start`], with another stderr, of which this reads nothing.
#[track_caller]
pub fn start_with_stderr(mut command: Command, stderr: Stdio) -> Chinwag {
    let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("cargo has built the binary");
    let stdout = lines(child.stdout.take().expect("stdout is a pipe"));
    let stderr = child.stderr.take().map_or_else(|| channel().1, lines);
    let greeting = match stdout.recv_timeout(DEADLINE) {
        Ok(line) => line,
        Err(error) => {
            child.kill().expect("a child that was not waited for can be killed");
            let log: Vec<String> = stderr.iter().collect();
            panic!("chinwag printed no address ({error}), and on stderr: {log:#?}");
        }
    };
    let Some(addr) = address(&greeting) else {
        panic!("no ://ADDRESS:PORT/ in the first line: {greeting:?}");
    };
    Chinwag { child, addr, greeting, stdout, stderr }
}

impl Chinwag {
    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The address of its page, for a browser.
    pub fn url(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// The first line on its standard output.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// The address in the next line on its standard output. There is one line for each address it listens on.
    #[track_caller]
    pub fn next_address(&self) -> SocketAddr {
        let line = self.next_line();
        address(&line).unwrap_or_else(|| panic!("no address in {line:?}"))
    }

    /// The next line on its standard output.
    #[track_caller]
    pub fn next_line(&self) -> String {
        self.stdout.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("chinwag printed no further line: {error}"))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(name, &self.pid().to_string());
    }

    /// Waits for its next line on stderr that contains `part`.
    #[track_caller]
    pub fn wait_for_log(&self, part: &str) -> String {
        let until = Instant::now() + DEADLINE;
        let mut seen = Vec::new();
        loop {
            match self.stderr.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => seen.push(line),
                Err(error) => panic!("no {part:?} in the log ({error}): {seen:#?}"),
            }
        }
    }

    /// Waits until it exits. Returns its status and the unread lines of its stderr.
    #[track_caller]
    pub fn wait_for_exit(mut self, deadline: Duration) -> (ExitStatus, Vec<String>) {
        let until = Instant::now() + deadline;
        let mut log = Vec::new();
        loop {
            match self.stderr.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => log.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("chinwag still runs after {deadline:?}: {log:#?}")
                }
            }
        }
        // The pipe is closed, so the process is exiting, unless there was no pipe.
        let mut status = None;
        wait_until(until.saturating_duration_since(Instant::now()).max(Duration::from_secs(1)), "its exit", || {
            status = self.child.try_wait().expect("a child that was not waited for");
            status.is_some()
        });
        (status.expect("it has exited"), log)
    }
}

impl Drop for Chinwag {
    fn drop(&mut self) {
        // An error means that it has exited.
        let _ = self.child.kill();
        let status = self.child.wait();
        if std::thread::panicking() {
            let log: Vec<String> = self.stderr.iter().collect();
            eprintln!("chinwag ended with {status:?}; unread lines of its log: {log:#?}");
        }
    }
}

/// The address in a line such as `http://127.0.0.1:6502/`.
pub fn address(line: &str) -> Option<SocketAddr> {
    let rest = line.split("://").nth(1)?;
    rest.split('/').next()?.trim().parse().ok()
}
