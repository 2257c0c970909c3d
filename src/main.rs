//! The program `chinwag`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
