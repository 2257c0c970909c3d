//! What there is of systemd on Windows: nothing.

use std::{os::windows::io::OwnedSocket, time::Duration};

pub(crate) fn sockets() -> Result<Vec<OwnedSocket>, String> {
    Ok(Vec::new())
}

pub(crate) fn notify(_state: &str) {}

pub(crate) fn watchdog() -> Option<Duration> {
    None
}

pub(crate) fn priority(_level: log::Level) -> &'static str {
    ""
}
