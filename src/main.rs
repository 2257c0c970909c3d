//! The program `chinwag`.

// `print!` and `eprint!` panic if the output is closed, and block while it is not read.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
