//! The program: flags, logging, signals, the terminal client.

mod admin;
mod amount;
mod arguments;
#[cfg(feature = "check")]
mod check;
#[cfg(feature = "cluster")]
mod cluster;
mod ctl;
mod environment;
mod flags;
mod health;
#[cfg(feature = "history")]
mod history;
mod limits;
mod listen;
mod logging;
mod serve;
mod signals;
mod suggest;
#[cfg_attr(windows, path = "cli/windows/systemd.rs")]
mod systemd;
#[cfg(feature = "terminal")]
mod terminal;
#[cfg(feature = "tls")]
mod tls;
mod token;
#[cfg_attr(windows, path = "cli/windows/unix_socket.rs")]
mod unix_socket;

use arguments::Command;
use chinwag::chat::protocol::sanitize_text;
use std::io::{self, Write};
use std::{process::ExitCode, thread};

/// Runs the program. It exits with 0 after a shutdown, with 2 if it could not start, and `chinwag chat` also with 1.
pub(crate) fn run() -> ExitCode {
    logging::catch_panics();
    let code = arguments::read().and_then(execute).unwrap_or_else(|error| {
        let priority = systemd::priority(log::Level::Error);
        logging::write_line(&format!("{priority}chinwag: {}", sanitize_text(&error)));
        ExitCode::from(2)
    });
    logging::flush();
    code
}

/// Starts a thread that is never joined: it may block until the process ends.
fn spawn(name: &str, run: Box<dyn FnOnce() + Send>) -> Result<(), String> {
    let thread = thread::Builder::new().name(name.into()).spawn(run);
    thread.map(drop).map_err(|error| format!("cannot start a thread: {error}"))
}

fn execute(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Print(text) => print(&text).map(|()| ExitCode::SUCCESS),
        #[cfg(feature = "terminal")]
        Command::Run("chat", flags) => terminal::run(&flags),
        #[cfg(feature = "check")]
        Command::Run("check", flags) => check::run(&flags),
        Command::Run("ctl", flags) => ctl::run(&flags),
        Command::Run("health", flags) => health::run(&flags),
        #[cfg(feature = "history")]
        Command::Run("history", flags) => history::run(&flags).map(|()| ExitCode::SUCCESS),
        Command::Run(_, flags) => serve::run(&flags).map(|()| ExitCode::SUCCESS),
    }
}

/// The name of this machine.
fn machine_name() -> String {
    #[cfg(unix)]
    return rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(windows)]
    return std::env::var("COMPUTERNAME").unwrap_or_default();
}

/// Prints to stdout.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// The result of writing to stdout. A closed pipe is not an error: its reader has seen enough.
fn written(result: io::Result<()>) -> Result<(), String> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write to stdout: {error}")),
        _ => Ok(()),
    }
}
