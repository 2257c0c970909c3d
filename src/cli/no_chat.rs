//! `chinwag chat` in a build without it.
//!
//! Owns one sentence.

use std::process::ExitCode;

/// Says which build has it.
pub(crate) fn main() -> ExitCode {
    eprintln!(
        "chinwag chat: this chinwag was built without it; build one with: cargo build --release --features terminal"
    );
    ExitCode::from(2)
}
