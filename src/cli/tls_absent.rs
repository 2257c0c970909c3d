//! The same as `tls` for a build without TLS: it says so, when TLS is asked for.
//!
//! Owns the sentence.

use super::args::Args;
use chinwag::Builder;

/// There is none.
pub(crate) struct Tls;

impl Tls {
    /// # Errors
    /// A flag asks for TLS.
    pub(crate) fn prepare(args: &Args) -> Result<Self, String> {
        if args.tls.wanted() {
            let how = "build one that can: cargo build --release --features tls";
            return Err(format!("this chinwag was built without TLS; {how}"));
        }
        Ok(Self)
    }

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
