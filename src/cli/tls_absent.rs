//! The same as `tls` for a build without TLS: it knows the flags' names, and says so when one is given.
//!
//! Owns the sentence.

use super::args::Args;
use chinwag::Builder;
use lexopt::Parser;
use std::ffi::OsString;

const WITHOUT: &str = "this chinwag was built without TLS; build one that can: cargo build --release --features tls";

/// `--help-tls`.
pub(crate) const HELP: &str = "There is no TLS in this chinwag; docs/TLS.md says how to build one that has it.\n";

const NAMES: [&str; 6] = ["tls-cert", "tls-key", "tls-self-signed", "listen-tls", "redirect-http", "hsts"];

const VARIABLES: [&str; 6] = [
    "CHINWAG_TLS_CERT",
    "CHINWAG_TLS_KEY",
    "CHINWAG_TLS_SELF_SIGNED",
    "CHINWAG_LISTEN_TLS",
    "CHINWAG_REDIRECT_HTTP",
    "CHINWAG_HSTS",
];

/// Whether one of them was given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    asked: bool,
}

impl Flags {
    /// One of them, or `false`.
    pub(crate) fn take(&mut self, name: &str, parser: &mut Parser) -> Result<bool, lexopt::Error> {
        let ours = NAMES.contains(&name);
        self.asked |= ours;
        if ours && name != "tls-self-signed" {
            parser.value()?;
        } else if ours {
            parser.optional_value();
        }
        Ok(ours)
    }

    /// # Errors
    /// None, as no variable is wrong here.
    pub(crate) fn fill(&mut self, get: impl Fn(&str) -> Option<OsString>) -> Result<(), String> {
        self.asked |= VARIABLES.iter().any(|name| get(name).is_some());
        Ok(())
    }

    /// The addresses that were given.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &String> {
        std::iter::empty()
    }

    /// How many addresses speak TLS.
    pub(crate) fn secure(&self) -> usize {
        0
    }
}

/// There is none.
pub(crate) struct Tls;

impl Tls {
    /// # Errors
    /// A flag asks for TLS.
    pub(crate) fn prepare(args: &Args) -> Result<Self, String> {
        match args.tls.asked {
            true => Err(WITHOUT.into()),
            false => Ok(Self),
        }
    }

    /// # Errors
    /// None, as there is nothing to listen on.
    pub(crate) fn listen(&self, _args: &Args, builder: Builder) -> Result<Builder, String> {
        Ok(builder)
    }

    pub(crate) fn greeting(&self) -> Option<String> {
        None
    }

    pub(crate) fn on_hangup(&self) -> Option<fn()> {
        None
    }
}
