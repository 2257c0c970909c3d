//! The program: flags, logging, signals, the terminal client.

mod amount;
mod arguments;
mod flags;
#[cfg(feature = "history")]
mod history;
mod limits;
mod listen;
mod logging;
mod serve;
#[cfg(feature = "terminal")]
mod terminal;
#[cfg(feature = "tls")]
mod tls;

use arguments::Command;
use std::io::{self, Write};
use std::process::ExitCode;

/// Runs the program. It exits with 0 after a shutdown, with 2 if it could not start, and `chinwag chat` also with 1.
pub(crate) fn run() -> ExitCode {
    match arguments::read().and_then(execute) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("chinwag: {error}");
            ExitCode::from(2)
        }
    }
}

fn execute(command: Command) -> Result<ExitCode, String> {
    match command {
        Command::Print(text) => print(&text)?,
        #[cfg(feature = "terminal")]
        Command::Run(flags::Subcommand::Chat, flags) => return terminal::run(&flags),
        #[cfg(feature = "history")]
        Command::Run(flags::Subcommand::History, flags) => history::run(&flags)?,
        Command::Run(_, flags) => serve::run(&flags)?,
    }
    Ok(ExitCode::SUCCESS)
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
