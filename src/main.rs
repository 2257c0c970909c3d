//! The program `chinwag`.

// They panic if the output is closed, and wait if its reader does.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
