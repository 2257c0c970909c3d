//! SIGINT and SIGTERM: the first one ends the server with good manners, the second one at once.
//!
//! Owns the thread that waits for signals.

use chinwag::Shutdown;
use log::info;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{io, process, thread};

/// Starts the thread.
///
/// # Errors
/// The operating system refuses a handler or a thread.
pub(crate) fn watch(shutdown: Shutdown) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let wait = move || {
        let mut coming = signals.forever();
        if coming.next().is_some() {
            info!("shutting down: Close 1001 to everybody, up to 5 s for their answers");
            shutdown.start();
        }
        if let Some(signal) = coming.next() {
            // As a shell says it of a process that a signal ended.
            process::exit(128 + signal);
        }
    };
    thread::Builder::new().name("signals".into()).stack_size(64 * 1024).spawn(wait)?;
    Ok(())
}
