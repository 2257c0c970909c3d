//! The command line: flags, logging, signals, the terminal client.

pub(crate) mod args;
#[cfg(feature = "terminal")]
pub(crate) mod chat;
#[cfg(not(feature = "terminal"))]
#[path = "cli/no_chat.rs"]
pub(crate) mod chat;
#[cfg(feature = "history")]
pub(crate) mod history;
#[cfg(not(feature = "history"))]
#[path = "cli/history_absent.rs"]
pub(crate) mod history;
pub(crate) mod history_flags;
pub(crate) mod limits;
pub(crate) mod logging;
pub(crate) mod setup;
pub(crate) mod signals;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(not(feature = "tls"))]
#[path = "cli/tls_absent.rs"]
pub(crate) mod tls;
#[cfg(feature = "tls")]
pub(crate) mod tls_flags;
