//! `chinwag chat` in a build without it.
//!
//! Owns one sentence.

use std::process::ExitCode;

/// Says which build has it.
pub(crate) fn main() -> ExitCode {
    eprintln!("chinwag: this build has no chat client; build with --features terminal");
    ExitCode::from(2)
}
