//! A program of `examples/` as a child process.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

use super::DEADLINE;
use super::script::{lines, printed, run_to_end};

/// A running example, killed when this is dropped.
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

    /// Starts a server on a port of its own, and waits for the address in its first line.
    #[track_caller]
    pub fn serve(name: &str) -> (Example, SocketAddr) {
        Example::serve_with(name, &[])
    }

    /// As [`Example::serve`], with more arguments behind the address.
    #[track_caller]
    pub fn serve_with(name: &str, args: &[&str]) -> (Example, SocketAddr) {
        let example = Example::start(name, &[&["127.0.0.1:0"], args].concat());
        let greeting = example.next_line();
        let addr = greeting.split("://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
        (example, addr.unwrap_or_else(|| panic!("{name} says no address: {greeting:?}")))
    }

    /// The one line that it says when it cannot do what it was asked for.
    #[track_caller]
    pub fn refused(name: &str, args: &[&str]) -> String {
        let mut command = Command::new(path(name));
        command.args(args);
        let output = run_to_end(command, DEADLINE);
        let said = printed(&output);
        assert!(!output.status.success() && said.lines().count() == 1, "{name}: {}: {said}", output.status);
        said
    }

    /// Its next line on standard output.
    #[track_caller]
    pub fn next_line(&self) -> String {
        self.stdout.recv_timeout(DEADLINE).expect("the example prints a line before the deadline")
    }

    /// Writes to its standard input, ends that, and waits for all it prints from then on.
    #[track_caller]
    pub fn ask(mut self, input: &str) -> Vec<String> {
        let mut stdin = self.child.stdin.take().expect("stdin is a pipe, asked once");
        stdin.write_all(input.as_bytes()).expect("the example reads");
        drop(stdin);
        std::iter::from_fn(|| self.stdout.recv_timeout(DEADLINE).ok()).collect()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // Already gone is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo says where binaries are, not where examples are: `target/debug/examples`, beside `deps`, where this test is.
#[track_caller]
pub fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program is a file");
    let folder = test.ancestors().nth(2).expect("it lies in target/debug/deps");
    let example = folder.join("examples").join(name);
    assert!(example.exists(), "{} is not there: cargo build --example {name}", example.display());
    example
}
