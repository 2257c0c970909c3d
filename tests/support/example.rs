//! An example as a child process.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use super::DEADLINE;
use super::script::{lines, printed, run_to_end};

/// A running example. Dropping this kills it.
#[derive(Debug)]
pub struct Example {
    child: Child,
    stdout: Receiver<String>,
}

impl Example {
    /// Starts `examples/NAME.rs`.
    #[track_caller]
    pub fn start(name: &str, args: &[&str]) -> Example {
        let mut command = Command::new(path(name));
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("cargo has built the example");
        let stdout = lines(child.stdout.take().expect("stdout is a pipe"));
        Example { child, stdout }
    }

    /// Starts a server on a free port, and waits for the address in its first line.
    #[track_caller]
    pub fn serve(name: &str) -> (Example, SocketAddr) {
        Example::serve_with(name, &[])
    }

    /// Like [`Example::serve`], with more arguments after the address.
    #[track_caller]
    pub fn serve_with(name: &str, args: &[&str]) -> (Example, SocketAddr) {
        let example = Example::start(name, &[&["127.0.0.1:0"], args].concat());
        let greeting = example.next_line();
        let addr = greeting.split("://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
        (example, addr.unwrap_or_else(|| panic!("{name} prints no address: {greeting:?}")))
    }

    /// Runs an example that must fail. Returns its error, which must be one line.
    #[track_caller]
    pub fn fail(name: &str, args: &[&str]) -> String {
        let mut command = Command::new(path(name));
        command.args(args);
        let output = run_to_end(command, DEADLINE);
        let error = printed(&output);
        assert!(!output.status.success() && error.lines().count() == 1, "{name}: {}: {error}", output.status);
        error
    }

    /// Its next line on standard output.
    #[track_caller]
    pub fn next_line(&self) -> String {
        self.stdout.recv_timeout(DEADLINE).expect("the example prints a line before the deadline")
    }

    /// Sends it a signal, such as `INT`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("the shell's kill is a program").success());
    }

    /// Writes to its standard input.
    #[track_caller]
    pub fn write(&mut self, input: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is a pipe");
        stdin.write_all(input.as_bytes()).expect("the example reads");
    }

    /// Writes to its standard input, closes it, waits until it has ended, and returns all lines that it prints from then on.
    #[track_caller]
    pub fn finish(mut self, input: &str) -> Vec<String> {
        self.write(input);
        self.child.stdin = None;
        let mut lines = Vec::new();
        loop {
            match self.stdout.recv_timeout(DEADLINE) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return lines,
                Err(RecvTimeoutError::Timeout) => panic!("the example did not end; it printed {lines:?}"),
            }
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // An error means that it has exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo gives tests no path of examples. They are in `target/debug/examples`, beside `deps` with this test.
#[track_caller]
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program is a file");
    let folder = test.ancestors().nth(2).expect("it lies in target/debug/deps");
    let example = folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(example.exists(), "{} is not there: cargo build --example {name}", example.display());
    example
}
